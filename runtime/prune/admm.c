/* Layer-wise ADMM (Boza, 2024). Features are scaled to a norm of 1. With A = H + damping and
 * rho = 1, 20 times
 *
 *   Z = projection of W + U,  U += W - Z,  W = (W0 A + Z - U) (A + 1)^-1
 *
 * The first 15 times choose the mask anew, at a sparsity that rises as s (1 - (1 - t / 15)^3). At
 * the end conjugate gradients solve for the kept weights exactly, as in ALPS (Meng et al., 2024).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/hessian.h"
#include "runtime/prune/least_squares.h"
#include "runtime/prune/linalg.h"
#include "runtime/prune/segments.h"

enum { ITERATIONS = 20, CHOOSING = 15 };
static const double PENALTY = 1, DAMPING = 0.1;

typedef struct admm {
  const tsr__prune_task *task;
  size_t count;              /* rows x cols */
  double *norms;             /* [cols]: w is multiplied by them */
  float *a, *inverse;        /* [cols, cols]: A and (A + penalty)^-1 */
  float *w0, *w0_a;          /* [rows, cols]: the original weights, scaled; times A */
  float *w, *z, *u, *scores; /* [rows, cols] */
} admm;

static void *take(float **at, size_t count) {
  float *memory = *at;
  *at += tsr__round_line(count * sizeof(float)) / sizeof(float);
  return memory;
}

/* One block for all arrays of floats; *memory is to be freed. */
static tsr_status allocate(admm *s, float **memory) {
  size_t square = (size_t)(s->task->cols * s->task->cols), line = TSR__CACHE_LINE / sizeof(float);
  TSR_TRY(tsr__aligned(2 * square + 6 * s->count + 8 * line, sizeof(float), "ADMM", memory));
  float *at = *memory;
  s->a = take(&at, square);
  s->inverse = take(&at, square);
  s->w0 = take(&at, s->count);
  s->w0_a = take(&at, s->count);
  s->w = take(&at, s->count);
  s->z = take(&at, s->count);
  s->u = take(&at, s->count);
  s->scores = take(&at, s->count);
  return tsr__aligned((size_t)s->task->cols, sizeof *s->norms, "ADMM", &s->norms);
}

/* h: the Gram matrix, which is scaled here. */
static tsr_status prepare_matrices(admm *s, double *h) {
  const tsr__prune_task *task = s->task;
  int64_t n = task->cols;
  double damping = tsr__damping(task, DAMPING), *u;
  for (int64_t i = 0; i < n; i++) s->norms[i] = sqrt(h[i * n + i]);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) h[i * n + j] /= s->norms[i] * s->norms[j];
  for (int64_t i = 0; i < n; i++) h[i * n + i] += damping;
  for (int64_t i = 0; i < n * n; i++) s->a[i] = (float)h[i];
  for (int64_t i = 0; i < n; i++) h[i * n + i] += PENALTY;
  TSR_TRY(tsr__factorise(task, h, 0, tsr__invert, &u));
  task->result->damping += damping;
  for (int64_t i = 0; i < n * n; i++) s->inverse[i] = (float)u[i];
  free(u);
  return TSR_OK;
}

static void multiply(const admm *s, const float *x, const float *matrix, float *out) {
  int64_t n = s->task->cols;
  tsr__gemm_shape shape = {s->task->rows, n, n, n, n, n};
  tsr__sgemm(&shape, 1, x, matrix, 0, out);
}

static void scale_weights(admm *s) {
  const tsr__prune_task *task = s->task;
  for (int64_t r = 0; r < task->rows; r++)
    for (int64_t c = 0; c < task->cols; c++)
      s->w0[r * task->cols + c] = (float)((double)task->weights[r * task->cols + c] * s->norms[c]);
  memcpy(s->w, s->w0, s->count * sizeof *s->w);
  memset(s->u, 0, s->count * sizeof *s->u);
  multiply(s, s->w0, s->a, s->w0_a);
}

static double sparsity_at(const tsr__prune_task *task, int iteration) {
  double least = tsr_pattern_fixed_sparsity(task->pattern), left = 1 - (iteration + 1.0) / CHOOSING;
  if (task->sparsity <= least) return task->sparsity;
  return least + (task->sparsity - least) * (1 - left * left * left);
}

static tsr_status choose(admm *s, int iteration) {
  const tsr__prune_task *task = s->task;
#pragma omp parallel for schedule(static) num_threads(task->threads)
  for (size_t i = 0; i < s->count; i++) s->scores[i] = (s->w[i] + s->u[i]) * (s->w[i] + s->u[i]);
  return tsr_project(task->pattern, sparsity_at(task, iteration), s->scores, task->rows, task->cols,
                     task->mask);
}

static tsr_status iterate(admm *s) {
  const tsr_mask *mask = s->task->mask;
  for (int iteration = 0; iteration < ITERATIONS; iteration++) {
    if (iteration < CHOOSING) TSR_TRY(choose(s, iteration));
    float *rhs = s->scores;
#pragma omp parallel for schedule(static) num_threads(s->task->threads)
    for (size_t i = 0; i < s->count; i++) {
      float sum = s->w[i] + s->u[i];
      s->z[i] = mask[i] ? sum : 0;
      s->u[i] = sum - s->z[i];
      rhs[i] = s->w0_a[i] + (float)PENALTY * (s->z[i] - s->u[i]);
    }
    multiply(s, rhs, s->inverse, s->w);
  }
  for (size_t i = 0; i < s->count; i++) s->z[i] = mask[i] ? s->w[i] + s->u[i] : 0;
  return TSR_OK;
}

static tsr_status run(admm *s, double *h) {
  const tsr__prune_task *task = s->task;
  TSR_TRY(prepare_matrices(s, h));
  scale_weights(s);
  TSR_TRY(iterate(s));
  tsr__least_squares problem = {.rows = task->rows,
                                .cols = task->cols,
                                .a = s->a,
                                .target = s->w0_a,
                                .mask = task->mask,
                                .x = s->z,
                                .threads = task->threads};
  TSR_TRY(tsr__solve_least_squares(&problem));
  for (int64_t r = 0; r < task->rows; r++)
    for (int64_t c = 0; c < task->cols; c++)
      task->weights[r * task->cols + c] = (float)((double)s->z[r * task->cols + c] / s->norms[c]);
  return TSR_OK;
}

static tsr_status prune(const tsr__prune_task *task) {
  if (task->pattern->kind == TSR_PATTERN_ROW) return tsr__prune_rows(task);
  admm s = {.task = task, .count = (size_t)(task->rows * task->cols)};
  float *memory = NULL;
  double *h = NULL;
  tsr_status status;
  tsr__zero_dead_columns(task);
  TSR_TRY_GOTO(status, tsr__hessian(task, &h), done);
  TSR_TRY_GOTO(status, allocate(&s, &memory), done);
  status = run(&s, h);
done:
  free(memory);
  free(s.norms);
  free(h);
  return status;
}

const tsr__method_ops tsr__method_admm = {.needs = TSR_STATISTICS_GRAM, .prune = prune};
