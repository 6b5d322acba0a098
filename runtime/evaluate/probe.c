#include "runtime/evaluate/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

/* Sums over rows are made part by part and then added in order: as many parts as ever many threads,
 * so that the rounding is always the same. */
enum { PARTS = 16, NEWTON_MAX = 100, HALVINGS_MAX = 33, PARALLEL_FROM = 1 << 16 };

static const double tolerance = 1e-9;

typedef struct fit {
  tsr__probe_loss loss;
  const tsr__probe_rows *rows;
  double c;
  int64_t n;         /* unknowns: cols + 1 */
  int parallel;      /* worth several threads */
  double *sums;      /* [PARTS, n] */
  double *curvature; /* [rows]: the loss's second derivative */
  double *gradient, *diagonal, *step, *trial, *residual, *direction, *image, *scaled; /* [n] */
} fit;

double tsr__probe_apply(const double *weights, const float *x, int64_t cols) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < cols; j++) sum += weights[j] * (double)x[j];
  return sum + weights[cols];
}

/* sum += scale (x, 1). */
static void add_row(double *sum, double scale, const float *x, int64_t cols) {
#pragma omp simd
  for (int64_t j = 0; j < cols; j++) sum[j] += scale * (double)x[j];
  sum[cols] += scale;
}

static int64_t part_begin(const fit *f, int part) { return f->rows->rows * part / PARTS; }

/* out = c (the parts' sums) + regularise, whose last element does not count. */
static void collect(const fit *f, const double *regularise, double *out) {
  for (int64_t j = 0; j < f->n; j++) {
    double sum = 0;
    for (int part = 0; part < PARTS; part++) sum += f->sums[part * f->n + j];
    out[j] = f->c * sum + (j < f->n - 1 ? regularise[j] : 0);
  }
}

static double log1p_exp(double z) { return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z)); }

static double logistic(double z) {
  double e = exp(-fabs(z));
  return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/* The loss of row i at z, and its derivatives. */
static double loss_at(const fit *f, double z, double target, double *slope, double *curvature) {
  if (f->loss == TSR__LOSS_SQUARED) {
    *slope = z - target;
    *curvature = 1;
    return *slope * *slope / 2;
  }
  double p = logistic(z);
  *slope = p - target;
  *curvature = p * (1 - p);
  return log1p_exp(z) - target * z;
}

/* The objective at w; gradient and curvature as well. */
static double evaluate(fit *f, const double *w) {
  const tsr__probe_rows *rows = f->rows;
  double losses[PARTS];
#pragma omp parallel for schedule(static) if (f->parallel)
  for (int part = 0; part < PARTS; part++) {
    double *sum = f->sums + part * f->n;
    memset(sum, 0, (size_t)f->n * sizeof *sum);
    losses[part] = 0;
    for (int64_t i = part_begin(f, part); i < part_begin(f, part + 1); i++) {
      const float *x = rows->x + i * rows->cols;
      double slope;
      losses[part] +=
          loss_at(f, tsr__probe_apply(w, x, rows->cols), rows->t[i], &slope, &f->curvature[i]);
      add_row(sum, slope, x, rows->cols);
    }
  }
  collect(f, w, f->gradient);
  double loss = 0, norm = 0;
  for (int part = 0; part < PARTS; part++) loss += losses[part];
  for (int64_t j = 0; j < rows->cols; j++) norm += w[j] * w[j];
  return f->c * loss + norm / 2;
}

/* out = Hessian v. */
static void multiply(fit *f, const double *v, double *out) {
  const tsr__probe_rows *rows = f->rows;
#pragma omp parallel for schedule(static) if (f->parallel)
  for (int part = 0; part < PARTS; part++) {
    double *sum = f->sums + part * f->n;
    memset(sum, 0, (size_t)f->n * sizeof *sum);
    for (int64_t i = part_begin(f, part); i < part_begin(f, part + 1); i++) {
      const float *x = rows->x + i * rows->cols;
      add_row(sum, f->curvature[i] * tsr__probe_apply(v, x, rows->cols), x, rows->cols);
    }
  }
  collect(f, v, out);
}

/* The Hessian's diagonal, by which conjugate gradients are preconditioned. */
static void find_diagonal(fit *f) {
  const tsr__probe_rows *rows = f->rows;
#pragma omp parallel for schedule(static) if (f->parallel)
  for (int part = 0; part < PARTS; part++) {
    double *sum = f->sums + part * f->n;
    memset(sum, 0, (size_t)f->n * sizeof *sum);
    for (int64_t i = part_begin(f, part); i < part_begin(f, part + 1); i++) {
      const float *x = rows->x + i * rows->cols;
      double s = f->curvature[i];
      for (int64_t j = 0; j < rows->cols; j++) sum[j] += s * (double)x[j] * (double)x[j];
      sum[rows->cols] += s;
    }
  }
  for (int64_t j = 0; j < f->n; j++) f->direction[j] = 1;
  collect(f, f->direction, f->diagonal);
}

static double dot(const double *a, const double *b, int64_t n) {
  double sum = 0;
  for (int64_t j = 0; j < n; j++) sum += a[j] * b[j];
  return sum;
}

/* step = -Hessian^-1 gradient, up to `accuracy` of the gradient. */
static void solve(fit *f, double accuracy) {
  find_diagonal(f);
  double goal = accuracy * sqrt(dot(f->gradient, f->gradient, f->n));
  for (int64_t j = 0; j < f->n; j++) {
    f->step[j] = 0;
    f->residual[j] = -f->gradient[j];
    f->direction[j] = f->residual[j] / f->diagonal[j];
  }
  double energy = dot(f->residual, f->direction, f->n);
  for (int64_t round = 0; round < 4 * f->n; round++) {
    multiply(f, f->direction, f->image);
    double along = energy / dot(f->direction, f->image, f->n);
    for (int64_t j = 0; j < f->n; j++) {
      f->step[j] += along * f->direction[j];
      f->residual[j] -= along * f->image[j];
      f->scaled[j] = f->residual[j] / f->diagonal[j];
    }
    if (sqrt(dot(f->residual, f->residual, f->n)) <= goal) return;
    double next = dot(f->residual, f->scaled, f->n);
    for (int64_t j = 0; j < f->n; j++)
      f->direction[j] = f->scaled[j] + next / energy * f->direction[j];
    energy = next;
  }
}

/* Moves w along the step, halved until the objective falls; *value follows. */
static int descend(fit *f, double *w, double *value) {
  double slope = dot(f->gradient, f->step, f->n);
  double length = 1;
  for (int halvings = 0; halvings < HALVINGS_MAX; halvings++, length /= 2) {
    for (int64_t j = 0; j < f->n; j++) f->trial[j] = w[j] + length * f->step[j];
    double next = evaluate(f, f->trial);
    /* Beside the minimum the objective's differences drown in its rounding. */
    if (next > *value + 1e-4 * length * slope + 1e-13 * fabs(*value)) continue;
    memcpy(w, f->trial, (size_t)f->n * sizeof *w);
    *value = next;
    return 1;
  }
  return 0;
}

static tsr_status minimise(fit *f, double *w) {
  memset(w, 0, (size_t)f->n * sizeof *w);
  double value = evaluate(f, w);
  double first = sqrt(dot(f->gradient, f->gradient, f->n)), now = first;
  for (int round = 0; round < NEWTON_MAX; round++) {
    if (now <= tolerance * first) return TSR_OK;
    double rough = sqrt(now / first);
    solve(f, f->loss == TSR__LOSS_SQUARED ? tolerance / 10 : fmin(0.1, rough));
    if (!descend(f, w, &value)) break;
    now = sqrt(dot(f->gradient, f->gradient, f->n));
  }
  return now <= tolerance * first
             ? TSR_OK
             : tsr__error(TSR_UNSUPPORTED, "the probe does not converge: a gradient of %g is left",
                          now);
}

static tsr_status check(const tsr__probe_rows *rows) {
  for (int64_t i = 0; i < rows->rows * rows->cols; i++)
    TSR_CHECK(isfinite(rows->x[i]), TSR_INVALID_ARGUMENT, "embedding %lld holds %g",
              (long long)(i / rows->cols), (double)rows->x[i]);
  return TSR_OK;
}

tsr_status tsr__probe_fit(tsr__probe_loss loss, const tsr__probe_rows *rows, double c,
                          double *weights) {
  TSR_CHECK(rows->rows > 0 && rows->cols > 0 && c > 0, TSR_INVALID_ARGUMENT,
            "a probe for %lld rows of %lld columns, c = %g", (long long)rows->rows,
            (long long)rows->cols, c);
  TSR_TRY(check(rows));
  fit f = {.loss = loss, .rows = rows, .c = c, .n = rows->cols + 1};
  f.parallel = rows->rows * f.n >= PARALLEL_FROM;
  double **vectors[] = {&f.gradient, &f.diagonal,  &f.step,  &f.trial,
                        &f.residual, &f.direction, &f.image, &f.scaled};
  enum { VECTORS = sizeof vectors / sizeof *vectors };
  double *memory;
  size_t doubles = (size_t)(VECTORS + PARTS) * (size_t)f.n + (size_t)rows->rows;
  TSR_TRY(tsr__calloc(doubles, sizeof *memory, "a probe", &memory));
  for (int i = 0; i < VECTORS; i++) *vectors[i] = memory + i * f.n;
  f.sums = memory + VECTORS * f.n;
  f.curvature = f.sums + PARTS * f.n;
  tsr_status status = minimise(&f, weights);
  free(memory);
  return status;
}
