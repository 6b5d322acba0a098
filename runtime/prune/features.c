/* Features that go as a whole from the matrix that reads them. With H^-1 of all columns, losing the
 * columns D of a feature costs tr(W_D (H^-1_DD)^-1 W_D^T) if the others make up for it, and changes
 * W by -W_D (H^-1_DD)^-1 H^-1_D; H^-1 of what is left is H^-1 - H^-1_D^T (H^-1_DD)^-1 H^-1_D. So
 * the weights that are left are the least squares on their columns, whatever went and in which
 * order. */
#include "runtime/prune/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/hessian.h"
#include "runtime/prune/linalg.h"
#include "runtime/prune/segments.h"

/* Features go in so many steps; the costs of those that are left change with each. */
enum { STEPS = 32 };
static const double DAMPING = 0.01;

typedef struct elimination {
  const tsr__prune_task *task;
  int64_t features, places, most; /* most: features that go in one step */
  uint8_t *kept;                  /* [features] */
  double *w;                      /* [rows, cols] */
  double *inverse;                /* [cols, cols] */
  double *costs;                  /* [features] */
  int64_t *columns;               /* [most x places]: what goes in this step */
  double *block;                  /* [most x places, squared] */
  double *lost, *errors;          /* [rows, most x places] */
  double *panel, *product, *side; /* [most x places, cols] twice, and the first transposed */
} elimination;

/* block: the inverse's rows and columns of these columns; inverted, both triangles. */
static tsr_status invert_block(const elimination *e, const int64_t *columns, int64_t n,
                               double *block) {
  int64_t cols = e->task->cols;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) block[i * n + j] = e->inverse[columns[i] * cols + columns[j]];
  TSR_CHECK(tsr__invert(block, n), TSR_UNSUPPORTED,
            "the inverse of the Gram matrix is not positive; more damping would help");
  return TSR_OK;
}

static void columns_of(const elimination *e, int64_t feature, int64_t *columns) {
  for (int64_t p = 0; p < e->places; p++) columns[p] = p * e->features + feature;
}

static tsr_status find_cost(const elimination *e, int64_t feature, double *cost) {
  const tsr__prune_task *task = e->task;
  int64_t n = e->places;
  columns_of(e, feature, e->columns);
  TSR_TRY(invert_block(e, e->columns, n, e->block));
  *cost = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i; j < n; j++) {
      double sum = 0;
      for (int64_t r = 0; r < task->rows; r++)
        sum += e->w[r * task->cols + e->columns[i]] * e->w[r * task->cols + e->columns[j]];
      *cost += (i == j ? 1 : 2) * sum * e->block[i * n + j];
    }
  return TSR_OK;
}

/* Takes the `count` cheapest features out of kept; their columns are listed. */
static tsr_status choose(elimination *e, int64_t count) {
  for (int64_t f = 0; f < e->features; f++)
    if (e->kept[f]) TSR_TRY(find_cost(e, f, &e->costs[f]));
  for (int64_t i = 0; i < count; i++) {
    int64_t best = -1;
    for (int64_t f = 0; f < e->features; f++)
      if (e->kept[f] && (best < 0 || e->costs[f] < e->costs[best])) best = f;
    e->kept[best] = 0;
    columns_of(e, best, e->columns + i * e->places);
  }
  return TSR_OK;
}

static void gather(const elimination *e, int64_t n) {
  int64_t rows = e->task->rows, cols = e->task->cols;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < n; i++) e->lost[r * n + i] = e->w[r * cols + e->columns[i]];
  for (int64_t i = 0; i < n; i++)
    memcpy(e->panel + i * cols, e->inverse + e->columns[i] * cols, (size_t)cols * sizeof(double));
  for (int64_t c = 0; c < cols; c++)
    for (int64_t i = 0; i < n; i++) e->side[c * n + i] = e->panel[i * cols + c];
}

/* The listed columns go. */
static tsr_status eliminate(elimination *e, int64_t n) {
  int64_t rows = e->task->rows, cols = e->task->cols;
  TSR_TRY(invert_block(e, e->columns, n, e->block));
  gather(e, n);
  tsr__dgemm(&(tsr__gemm_shape){rows, n, n, n, n, n}, 1, e->lost, e->block, 0, e->errors);
  tsr__dgemm(&(tsr__gemm_shape){rows, cols, n, n, cols, cols}, -1, e->errors, e->panel, 1, e->w);
  tsr__dgemm(&(tsr__gemm_shape){n, cols, n, n, cols, cols}, 1, e->block, e->panel, 0, e->product);
  tsr__dgemm(&(tsr__gemm_shape){cols, cols, n, n, cols, cols}, -1, e->side, e->product, 1,
             e->inverse);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t r = 0; r < rows; r++) e->w[r * cols + e->columns[i]] = 0;
    for (int64_t c = 0; c < cols; c++)
      e->inverse[e->columns[i] * cols + c] = e->inverse[c * cols + e->columns[i]] = 0;
  }
  return TSR_OK;
}

static tsr_status eliminate_all(elimination *e, int64_t going) {
  int64_t gone = 0;
  for (int64_t step = 1; step <= STEPS; step++) {
    int64_t count = going * step / STEPS - gone;
    if (!count) continue;
    TSR_TRY(choose(e, count));
    TSR_TRY(eliminate(e, count * e->places));
    gone += count;
  }
  return TSR_OK;
}

static tsr_status make_inverse(elimination *e) {
  const tsr__prune_task *task = e->task;
  double *h;
  TSR_TRY(tsr__hessian(task, &h));
  tsr_status status =
      tsr__factorise(task, h, tsr__damping(task, DAMPING), tsr__invert, &e->inverse);
  free(h);
  return status;
}

static double *take(double **at, int64_t count) {
  double *memory = *at;
  *at += count;
  return memory;
}

static tsr_status allocate(elimination *e, double **memory) {
  int64_t rows = e->task->rows, cols = e->task->cols, n = e->most * e->places;
  size_t count = (size_t)(rows * cols + e->features + n * n + 2 * rows * n + 3 * n * cols);
  TSR_TRY(tsr__calloc((size_t)n, sizeof *e->columns, "features", &e->columns));
  TSR_TRY(tsr__aligned(count, sizeof **memory, "features", memory));
  double *at = *memory;
  e->w = take(&at, rows * cols);
  e->costs = take(&at, e->features);
  e->block = take(&at, n * n);
  e->lost = take(&at, rows * n);
  e->errors = take(&at, rows * n);
  e->panel = take(&at, n * cols);
  e->product = take(&at, n * cols);
  e->side = take(&at, n * cols);
  return TSR_OK;
}

static tsr_status run(elimination *e, int64_t going, double **memory) {
  const tsr__prune_task *task = e->task;
  TSR_TRY(make_inverse(e));
  TSR_TRY(allocate(e, memory));
  for (int64_t i = 0; i < task->rows * task->cols; i++) e->w[i] = (double)task->weights[i];
  TSR_TRY(eliminate_all(e, going));
  for (int64_t i = 0; i < task->rows * task->cols; i++) task->weights[i] = (float)e->w[i];
  return TSR_OK;
}

tsr_status tsr__eliminate_features(const tsr__prune_task *task, int64_t features, int64_t going,
                                   uint8_t *kept) {
  elimination e = {.task = task,
                   .features = features,
                   .places = task->cols / features,
                   .most = going / STEPS + 1,
                   .kept = kept};
  double *memory = NULL;
  tsr__zero_dead_columns(task);
  tsr_status status = run(&e, going, &memory);
  free(memory);
  free(e.columns);
  free(e.inverse);
  return status;
}

tsr_status tsr__drop_features(const tsr__prune_task *task, const float *scores, int64_t features,
                              int64_t going, uint8_t *kept) {
  double *sums;
  TSR_TRY(tsr__calloc((size_t)features, sizeof *sums, "features", &sums));
  for (int64_t i = 0; i < task->rows * task->cols; i++)
    sums[i % task->cols % features] += (double)scores[i];
  for (int64_t i = 0; i < going; i++) {
    int64_t best = -1;
    for (int64_t f = 0; f < features; f++)
      if (kept[f] && (best < 0 || sums[f] < sums[best])) best = f;
    kept[best] = 0;
  }
  free(sums);
  for (int64_t i = 0; i < task->rows * task->cols; i++)
    if (!kept[i % task->cols % features]) task->weights[i] = 0;
  return TSR_OK;
}
