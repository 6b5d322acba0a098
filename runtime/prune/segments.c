#include "runtime/prune/segments.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/hessian.h"
#include "runtime/prune/linalg.h"

int64_t tsr__segment_width(const tsr_pattern *pattern, int64_t free_width) {
  switch (pattern->kind) {
    case TSR_PATTERN_BLOCK:
    case TSR_PATTERN_BLOCK_NM:
      return pattern->block_cols;
    case TSR_PATTERN_NM:
    case TSR_PATTERN_VNM:
      return pattern->m;
    default:
      return free_width;
  }
}

/* A unit of the pattern within a segment of `width` columns. */
typedef struct segment_unit {
  int64_t rows, cols;
} segment_unit;

static segment_unit unit_of(const tsr__prune_task *task, int64_t width) {
  const tsr_pattern *p = task->pattern;
  if (p->block_rows) return (segment_unit){p->block_rows, p->block_cols};
  if (p->kind == TSR_PATTERN_COLUMN) return (segment_unit){task->rows, 1};
  if (p->kind == TSR_PATTERN_ROW) return (segment_unit){1, width};
  return (segment_unit){1, 1};
}

static int is_pruned(const tsr__prune_task *task, const tsr_mask *mask, int64_t row, int64_t col,
                     segment_unit unit) {
  for (int64_t r = row; r < row + unit.rows && r < task->rows; r++)
    for (int64_t c = col; c < col + unit.cols && c < task->cols; c++)
      if (mask[r * task->cols + c]) return 0;
  return 1;
}

static double pruned_share(const tsr__prune_task *task, const tsr_mask *mask, int64_t first,
                           int64_t width) {
  segment_unit unit = unit_of(task, width);
  int64_t units = 0, pruned = 0;
  for (int64_t r = 0; r < task->rows; r += unit.rows)
    for (int64_t c = first; c < first + width; c += unit.cols) {
      units++;
      pruned += is_pruned(task, mask, r, c, unit);
    }
  double share = (double)pruned / (double)units;
  const tsr_pattern *p = task->pattern;
  return p->kind == TSR_PATTERN_BLOCK_NM ? 1 - (1 - share) * p->n / p->m : share;
}

tsr_status tsr__shares_find(const tsr__prune_task *task, const float *scores, int64_t segment,
                            tsr__shares *out) {
  const tsr_pattern *p = task->pattern;
  *out = (tsr__shares){.own = task->sparsity};
  tsr_mask *mask;
  TSR_TRY(tsr__aligned((size_t)(task->rows * task->cols), 1, "a mask", &mask));
  tsr_status status = tsr_project(p, task->sparsity, scores, task->rows, task->cols, mask);
  int own = p->kind == TSR_PATTERN_NM || p->kind == TSR_PATTERN_VNM || p->kind == TSR_PATTERN_DENSE;
  int64_t count = (task->cols + segment - 1) / segment;
  if (status == TSR_OK && !own)
    status = tsr__aligned((size_t)count, sizeof(double), "shares", &out->sparsity);
  for (int64_t i = 0; status == TSR_OK && !own && i < count; i++) {
    int64_t left = task->cols - i * segment;
    out->sparsity[i] = pruned_share(task, mask, i * segment, left < segment ? left : segment);
  }
  free(mask);
  return status;
}

double tsr__shares_of(const tsr__shares *shares, int64_t segment) {
  return shares->sparsity ? shares->sparsity[segment] : shares->own;
}

void tsr__shares_release(tsr__shares *shares) { free(shares->sparsity); }

void tsr__zero_dead_columns(const tsr__prune_task *task) {
  for (int64_t c = 0; c < task->cols; c++) {
    if (tsr__task_power(task, c) > 0) continue;
    for (int64_t r = 0; r < task->rows; r++) task->weights[r * task->cols + c] = 0;
  }
}

/* A strip of rows at a time: w, w H and their products. */
static tsr_status row_energies(const tsr__prune_task *task, const double *h, float *scores) {
  enum { STRIP = 256 };
  int64_t n = task->cols;
  double *w, *wh;
  TSR_TRY(tsr__aligned((size_t)(2 * STRIP * n), sizeof *w, "rows", &w));
  wh = w + STRIP * n;
  for (int64_t first = 0; first < task->rows; first += STRIP) {
    int64_t count = task->rows - first < STRIP ? task->rows - first : STRIP;
    const float *weights = task->weights + first * n;
    for (int64_t i = 0; i < count * n; i++) w[i] = (double)weights[i];
    tsr__dgemm(&(tsr__gemm_shape){count, n, n, n, n, n}, 1, w, h, 0, wh);
    for (int64_t r = 0; r < count; r++) {
      double energy = 0;
      for (int64_t c = 0; c < n; c++) energy += w[r * n + c] * wh[r * n + c];
      for (int64_t c = 0; c < n; c++) scores[(first + r) * n + c] = energy > 0 ? (float)energy : 0;
    }
  }
  free(w);
  return TSR_OK;
}

tsr_status tsr__prune_rows(const tsr__prune_task *task) {
  double *h;
  float *scores;
  tsr_status status;
  TSR_TRY(tsr__hessian(task, &h));
  TSR_TRY_GOTO(status,
               tsr__aligned((size_t)(task->rows * task->cols), sizeof *scores, "scores", &scores),
               done);
  status = row_energies(task, h, scores);
  if (status == TSR_OK)
    status = tsr_project(task->pattern, task->sparsity, scores, task->rows, task->cols, task->mask);
  free(scores);
done:
  free(h);
  return status;
}
