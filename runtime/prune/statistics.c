#include "runtime/prune/statistics.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/linalg.h"

/* Sizes that LAPACK's int can hold, squared. */
enum { FEATURES_MAX = 32768 };

static tsr_status allocate(tsr_statistics *s) {
  size_t n = (size_t)s->features;
  TSR_TRY(tsr__calloc(n, sizeof(double), "norms of a layer's input", &s->norms));
  TSR_TRY(tsr__calloc(n, sizeof(double), "sums of a layer's input", &s->sums));
  if (s->kind == TSR_STATISTICS_NORMS) return TSR_OK;
  TSR_TRY(tsr__aligned(TSR__STATISTICS_ROWS * n, sizeof(double), "a layer's input",
                       &s->rows_in_double));
  return tsr__calloc(n * n, sizeof(double), "a layer's Gram matrix", &s->gram);
}

tsr_status tsr_statistics_create(int64_t features, tsr_statistics_kind kind, tsr_statistics **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_statistics_create: out is NULL");
  *out = NULL;
  TSR_CHECK(features >= 1, TSR_INVALID_ARGUMENT, "tsr_statistics_create: %lld features",
            (long long)features);
  TSR_CHECK(kind == TSR_STATISTICS_NORMS || kind == TSR_STATISTICS_GRAM, TSR_INVALID_ARGUMENT,
            "tsr_statistics_create: kind %d", (int)kind);
  TSR_CHECK(kind != TSR_STATISTICS_GRAM || tsr__linalg_available(), TSR_UNSUPPORTED,
            "statistics with a Gram matrix need BLAS, which this build of Tessera lacks");
  TSR_CHECK(kind != TSR_STATISTICS_GRAM || features <= FEATURES_MAX, TSR_UNSUPPORTED_SHAPE,
            "a Gram matrix of %lld features, more than %d", (long long)features, FEATURES_MAX);
  tsr_statistics *statistics;
  TSR_TRY(tsr__calloc(1, sizeof *statistics, "statistics", &statistics));
  statistics->kind = kind;
  statistics->features = features;
  tsr_status status = allocate(statistics);
  if (status != TSR_OK) {
    tsr_statistics_destroy(statistics);
    return status;
  }
  *out = statistics;
  return TSR_OK;
}

void tsr_statistics_destroy(tsr_statistics *statistics) {
  if (!statistics) return;
  free(statistics->norms);
  free(statistics->sums);
  free(statistics->gram);
  free(statistics->rows_in_double);
  free(statistics->cross);
  free(statistics->reference_sums);
  free(statistics->goal);
  free(statistics->goal_sums);
  free(statistics);
}

int64_t tsr_statistics_rows(const tsr_statistics *statistics) {
  return statistics ? statistics->rows : 0;
}

int64_t tsr_statistics_features(const tsr_statistics *statistics) {
  return statistics ? statistics->features : 0;
}

/* Without a branch for each value, which a compiler would not vectorise. */
static int finite_row(const float *x, int64_t n) {
  int finite = 1;
  for (int64_t i = 0; i < n; i++) finite &= fabsf(x[i]) <= FLT_MAX;
  return finite;
}

static tsr_status check_values(const float *x, int64_t rows, int64_t ld, int64_t features,
                               int32_t threads) {
  int64_t bad = rows;
#pragma omp parallel for schedule(static) reduction(min : bad) num_threads(threads)
  for (int64_t r = 0; r < rows; r++)
    if (r < bad && !finite_row(x + r * ld, features)) bad = r;
  if (bad == rows) return TSR_OK;
  int64_t c = 0;
  while (isfinite(x[bad * ld + c])) c++;
  return tsr__error(TSR_INVALID_ARGUMENT, "tsr_statistics_add: row %lld, feature %lld is %g",
                    (long long)bad, (long long)c, (double)x[bad * ld + c]);
}

/* Each feature's sum is one thread's, in the order of the rows: the result is always the same.
 * norms: NULL, or sums of squares. */
static void add_sums(const float *x, int64_t rows, int64_t ld, int64_t features, int32_t threads,
                     double *sums, double *norms) {
  enum { STRIP = 64 };
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t start = 0; start < features; start += STRIP) {
    int64_t end = features - start < STRIP ? features : start + STRIP;
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = start; c < end; c++) {
        double value = (double)x[r * ld + c];
        sums[c] += value;
        if (norms) norms[c] += value * value;
      }
  }
}

static void add_gram(tsr_statistics *s, const float *x, int64_t rows, int64_t ld, int32_t threads) {
  int64_t n = s->features;
  tsr__linalg_threads(threads);
  for (int64_t first = 0; first < rows; first += TSR__STATISTICS_ROWS) {
    int64_t count = rows - first < TSR__STATISTICS_ROWS ? rows - first : TSR__STATISTICS_ROWS;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t r = 0; r < count; r++)
      for (int64_t c = 0; c < n; c++)
        s->rows_in_double[r * n + c] = (double)x[(first + r) * ld + c];
    tsr__dsyrk(s->gram, s->rows_in_double, n, count);
  }
}

static tsr_status add(tsr_statistics *s, const float *x, const float *reference, int64_t rows,
                      int64_t ld, int32_t threads) {
  TSR_CHECK(s && (x || !rows), TSR_INVALID_ARGUMENT, "tsr_statistics_add: NULL argument");
  TSR_CHECK(rows >= 0 && ld >= s->features && threads >= 1, TSR_INVALID_ARGUMENT,
            "tsr_statistics_add: %lld rows, ld %lld for %lld features, %d threads", (long long)rows,
            (long long)ld, (long long)s->features, (int)threads);
  TSR_TRY(check_values(x, rows, ld, s->features, threads));
  if (reference) TSR_TRY(check_values(reference, rows, ld, s->features, threads));
  add_sums(x, rows, ld, s->features, threads, s->sums, s->norms);
  if (s->gram) add_gram(s, x, rows, ld, threads);
  if (reference) {
    add_sums(reference, rows, ld, s->features, threads, s->reference_sums, NULL);
    int64_t n = s->features;
    TSR_TRY(tsr__cross_gram(&(tsr__gemm_shape){n, n, rows, ld, ld, n}, reference, x, s->cross));
  }
  s->rows += rows;
  return TSR_OK;
}

tsr_status tsr_statistics_add(tsr_statistics *statistics, const float *x, int64_t rows, int64_t ld,
                              int32_t threads) {
  return add(statistics, x, NULL, rows, ld, threads);
}

static tsr_status allocate_pair(tsr_statistics *s) {
  size_t n = (size_t)s->features;
  if (!s->reference_sums)
    TSR_TRY(
        tsr__calloc(n, sizeof(double), "sums of the unpruned layer's input", &s->reference_sums));
  return s->cross
             ? TSR_OK
             : tsr__calloc(n * n, sizeof(double), "the unpruned layer's Gram matrix", &s->cross);
}

tsr_status tsr__statistics_add_pair(tsr_statistics *statistics, const float *x,
                                    const float *reference, int64_t rows, int64_t ld,
                                    int32_t threads) {
  TSR_CHECK(statistics->gram, TSR_INVALID_ARGUMENT, "a pair of inputs needs a Gram matrix");
  TSR_TRY(allocate_pair(statistics));
  return add(statistics, x, reference, rows, ld, threads);
}

static tsr_status allocate_goal(tsr_statistics *s, int64_t outputs) {
  size_t count = (size_t)(outputs * s->features);
  if (!s->goal_sums)
    TSR_TRY(tsr__calloc((size_t)outputs, sizeof(double), "a layer's goal", &s->goal_sums));
  return s->goal ? TSR_OK : tsr__calloc(count, sizeof(double), "a layer's goal", &s->goal);
}

/* out: [rows, outputs]. */
static void find_goal(const tsr__sum_goal *goal, int64_t first, int64_t rows, float *out) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < goal->outputs; c++) {
      float sum = goal->sum[(first + r) * goal->lds + c];
      float residual = goal->residual[(first + r) * goal->ldr + c];
      out[r * goal->outputs + c] = sum - residual - (goal->bias ? goal->bias[c] : 0);
    }
}

/* A strip of rows at a time. values: [TSR__STATISTICS_ROWS, outputs]. */
static tsr_status add_goal(tsr_statistics *s, const float *x, int64_t rows, int64_t ld,
                           const tsr__sum_goal *goal, int32_t threads, float *values) {
  int64_t m = goal->outputs, n = s->features;
  for (int64_t first = 0; first < rows; first += TSR__STATISTICS_ROWS) {
    int64_t count = rows - first < TSR__STATISTICS_ROWS ? rows - first : TSR__STATISTICS_ROWS;
    find_goal(goal, first, count, values);
    TSR_TRY(check_values(values, count, m, m, threads));
    add_sums(values, count, m, m, threads, s->goal_sums, NULL);
    TSR_TRY(tsr__cross_gram(&(tsr__gemm_shape){m, n, count, m, ld, n}, values, x + first * ld,
                            s->goal));
  }
  return TSR_OK;
}

tsr_status tsr__statistics_add_goal(tsr_statistics *statistics, const float *x, int64_t rows,
                                    int64_t ld, const tsr__sum_goal *goal, int32_t threads) {
  TSR_CHECK(statistics->gram, TSR_INVALID_ARGUMENT, "a layer's goal needs a Gram matrix");
  TSR_TRY(allocate_goal(statistics, goal->outputs));
  TSR_TRY(add(statistics, x, NULL, rows, ld, threads));
  float *values;
  TSR_TRY(tsr__aligned((size_t)(TSR__STATISTICS_ROWS * goal->outputs), sizeof *values,
                       "a layer's goal", &values));
  tsr_status status = add_goal(statistics, x, rows, ld, goal, threads, values);
  free(values);
  return status;
}

int tsr__statistics_follow(const tsr_statistics *statistics) {
  return statistics->cross || statistics->goal;
}
