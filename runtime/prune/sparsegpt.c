/* SparseGPT (Frantar and Alistarh, 2023): columns are pruned from left to right; what a pruned
 * weight would have contributed is made up for by the columns to its right. With U^T U = H^-1,
 * pruning w_j costs (w_j / U_jj)^2, and the rest of the row changes by -w_j / U_jj times row j of
 * U.
 *
 * The mask is chosen a segment of columns at a time, on what the columns before have left: 128
 * columns for single elements and whole columns, m for n:m and V:N:M, a block's width for blocks.
 * How many units go in each segment is what the same scores of the original weights say, so that
 * segments that matter less lose more. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/pattern.h"
#include "runtime/base/status.h"
#include "runtime/prune/hessian.h"
#include "runtime/prune/linalg.h"
#include "runtime/prune/segments.h"

enum { BATCH = 128, SEGMENT_MAX = TSR__GROUP_MAX };
static const double DAMPING = 0.01;

typedef struct sparsegpt {
  const tsr__prune_task *task;
  float *u;        /* [cols, cols], the upper triangle */
  float *errors;   /* [rows, BATCH or one segment]: w_j / U_jj of what was pruned */
  float *scores;   /* [rows, the widest segment] */
  tsr_mask *mask;  /* like scores */
  int64_t segment; /* columns */
  int64_t batch;   /* columns, a multiple of segment */
  tsr__shares shares;
} sparsegpt;

/* Factorises in double; the sweep itself is in float. */
static tsr_status make_u(const tsr__prune_task *task, float *out) {
  int64_t n = task->cols;
  double *h, *u;
  TSR_TRY(tsr__hessian(task, &h));
  tsr_status status = tsr__factorise(task, h, tsr__damping(task, DAMPING), tsr__inverse_factor, &u);
  free(h);
  if (status != TSR_OK) return status;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i; j < n; j++) out[i * n + j] = (float)u[i * n + j];
  free(u);
  return TSR_OK;
}

/* What pruning each weight of a row's segment costs. jointly: if all of them go, each one after
 * those to its left. scores: [width]. */
static void score_row(const sparsegpt *s, const float *row, int64_t first, int64_t width,
                      int jointly, float *scores) {
  float left[SEGMENT_MAX];
  memcpy(left, row + first, (size_t)width * sizeof *left);
  for (int64_t j = 0; j < width; j++) {
    const float *u = s->u + (first + j) * s->task->cols + first;
    float error = left[j] / u[j];
    scores[j] = error * error;
    for (int64_t k = j + 1; jointly && k < width; k++) left[k] -= error * u[k];
  }
}

/* scores: [rows, ld]. */
static void score_segment(const sparsegpt *s, int64_t first, int64_t width, float *scores,
                          int64_t ld) {
  const tsr__prune_task *task = s->task;
  int jointly = task->pattern->kind == TSR_PATTERN_BLOCK;
#pragma omp parallel for schedule(static) num_threads(task->threads)
  for (int64_t r = 0; r < task->rows; r++)
    score_row(s, task->weights + r * task->cols, first, width, jointly, scores + r * ld);
}

static tsr_status choose(sparsegpt *s, int64_t first, int64_t width) {
  const tsr__prune_task *task = s->task;
  score_segment(s, first, width, s->scores, width);
  TSR_TRY(tsr_project(task->pattern, tsr__shares_of(&s->shares, first / s->segment), s->scores,
                      task->rows, width, s->mask));
  for (int64_t r = 0; r < task->rows; r++)
    memcpy(task->mask + r * task->cols + first, s->mask + r * width, (size_t)width);
  return TSR_OK;
}

/* Prunes the segment; the columns up to `end`, where the batch ends, make up for it. */
static void compensate(const sparsegpt *s, int64_t first, int64_t width, int64_t batch_first,
                       int64_t end) {
  const tsr__prune_task *task = s->task;
#pragma omp parallel for schedule(static) num_threads(task->threads)
  for (int64_t r = 0; r < task->rows; r++) {
    float *row = task->weights + r * task->cols, *errors = s->errors + r * s->batch;
    for (int64_t j = first; j < first + width; j++) {
      const float *u = s->u + j * task->cols;
      errors[j - batch_first] = 0;
      if (task->mask[r * task->cols + j]) continue;
      float error = row[j] / u[j];
      for (int64_t k = j + 1; k < end; k++) row[k] -= error * u[k];
      row[j] = 0;
      errors[j - batch_first] = error;
    }
  }
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static tsr_status sweep(sparsegpt *s) {
  const tsr__prune_task *task = s->task;
  for (int64_t first = 0; first < task->cols; first += s->batch) {
    int64_t end = smaller(first + s->batch, task->cols);
    for (int64_t at = first; at < end; at += s->segment) {
      int64_t width = smaller(s->segment, end - at);
      TSR_TRY(choose(s, at, width));
      compensate(s, at, width, first, end);
    }
    tsr__gemm_shape shape = {task->rows, task->cols - end, end - first,
                             s->batch,   task->cols,       task->cols};
    tsr__sgemm(&shape, -1, s->errors, s->u + first * task->cols + end, 1, task->weights + end);
  }
  return TSR_OK;
}

/* Scores of the whole original matrix, which say how much goes in each segment. */
static tsr_status share(sparsegpt *s) {
  const tsr__prune_task *task = s->task;
  float *scores;
  TSR_TRY(tsr__aligned((size_t)(task->rows * task->cols), sizeof *scores, "scores", &scores));
  for (int64_t at = 0; at < task->cols; at += s->segment)
    score_segment(s, at, smaller(s->segment, task->cols - at), scores + at, task->cols);
  tsr_status status = tsr__shares_find(task, scores, s->segment, &s->shares);
  free(scores);
  return status;
}

static tsr_status run(sparsegpt *s) {
  const tsr__prune_task *task = s->task;
  size_t rows = (size_t)task->rows, cols = (size_t)task->cols;
  TSR_TRY(tsr__aligned(cols * cols, sizeof *s->u, "a layer's inverse Gram matrix", &s->u));
  TSR_TRY(tsr__aligned(rows * (size_t)s->batch, sizeof *s->errors, "errors", &s->errors));
  TSR_TRY(tsr__aligned(rows * (size_t)s->segment, sizeof *s->scores, "scores", &s->scores));
  TSR_TRY(tsr__aligned(rows * (size_t)s->segment, 1, "a mask", &s->mask));
  TSR_TRY(make_u(task, s->u));
  TSR_TRY(share(s));
  return sweep(s);
}

static tsr_status prune(const tsr__prune_task *task) {
  if (task->pattern->kind == TSR_PATTERN_ROW) return tsr__prune_rows(task);
  int64_t segment = tsr__segment_width(task->pattern, BATCH);
  sparsegpt s = {.task = task,
                 .segment = segment,
                 .batch = segment > BATCH ? segment : BATCH / segment * segment};
  tsr__zero_dead_columns(task);
  tsr_status status = run(&s);
  tsr__shares_release(&s.shares);
  free(s.u);
  free(s.errors);
  free(s.scores);
  free(s.mask);
  return status;
}

const tsr__method_ops tsr__method_sparsegpt = {.needs = TSR_STATISTICS_GRAM, .prune = prune};
