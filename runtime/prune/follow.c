#include "runtime/prune/follow.h"

#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/hessian.h"
#include "runtime/prune/linalg.h"

/* Of the mean diagonal: what noise does to the least squares is as great as there are features for
 * every row. Weights that have moved less also prune better: ten times as much gave MiniLM in
 * blocks of 16x16 another 0.012 in cosine, three times as much 0.008. */
static double damping_of(const tsr__prune_task *task) {
  return tsr__damping(task, 10 * (double)task->cols / (double)task->statistics->rows);
}

/* *out: [cols, cols], to be freed: U with U^T U = H + damping. *damping: what was added to the
 * diagonal. */
static tsr_status factorise(const tsr__prune_task *task, double **out, double *damping) {
  int64_t n = task->cols;
  double *h, mean = 0;
  TSR_TRY(tsr__hessian(task, &h));
  for (int64_t i = 0; i < n; i++) mean += h[i * n + i] / (double)n;
  tsr_status status = tsr__factorise(task, h, damping_of(task), tsr__cholesky, out);
  free(h);
  *damping = task->result->damping * mean;
  return status;
}

/* What the reference's rows have in common with the rows, like tsr__hessian. cross: [cols, cols].
 */
static void scale_cross(const tsr__prune_task *task, double *cross) {
  const tsr_statistics *s = task->statistics;
  int64_t n = task->cols;
  double scale = 1 / (double)s->rows;
#pragma omp parallel for schedule(static) num_threads(task->threads)
  for (int64_t i = 0; i < n; i++) {
    double mean = task->centred ? s->reference_sums[i] * scale : 0;
    for (int64_t j = 0; j < n; j++)
      cross[i * n + j] = s->cross[i * n + j] * scale - mean * tsr__task_mean(task, j);
  }
}

/* What the unpruned layer's output has in common with the rows. out: [rows, cols]. */
static tsr_status multiply_cross(const tsr__prune_task *task, double *out) {
  int64_t rows = task->rows, n = task->cols;
  double *cross;
  TSR_TRY(tsr__aligned((size_t)(n * n + rows * n), sizeof *cross,
                       "what a layer reads in the unpruned model", &cross));
  double *w = cross + n * n;
  scale_cross(task, cross);
  for (int64_t i = 0; i < rows * n; i++) w[i] = (double)task->weights[i];
  tsr__dgemm(&(tsr__gemm_shape){rows, n, n, n, n, n}, 1, w, cross, 0, out);
  free(cross);
  return TSR_OK;
}

/* The same of what would make the sum that the output goes into the unpruned model's. */
static void scale_goal(const tsr__prune_task *task, double *out) {
  const tsr_statistics *s = task->statistics;
  double scale = 1 / (double)s->rows;
  for (int64_t r = 0; r < task->rows; r++) {
    double mean = task->centred ? s->goal_sums[r] * scale : 0;
    for (int64_t c = 0; c < task->cols; c++)
      out[r * task->cols + c] =
          s->goal[r * task->cols + c] * scale - mean * tsr__task_mean(task, c);
  }
}

/* New weights W with W (H + damping) = product + damping x old ones. */
static tsr_status solve(const tsr__prune_task *task, double *product) {
  double *factor = NULL, damping;
  int64_t count = task->rows * task->cols;
  TSR_TRY(factorise(task, &factor, &damping));
  for (int64_t i = 0; i < count; i++) product[i] += damping * (double)task->weights[i];
  tsr__solve(factor, task->cols, product, task->rows);
  for (int64_t i = 0; i < count; i++) task->weights[i] = (float)product[i];
  free(factor);
  return TSR_OK;
}

tsr_status tsr__follow_reference(const tsr__prune_task *task) {
  tsr_status status = TSR_OK;
  double *product;
  TSR_TRY(tsr__aligned((size_t)(task->rows * task->cols), sizeof *product,
                       "weights that follow the unpruned model", &product));
  if (task->statistics->goal)
    scale_goal(task, product);
  else
    status = multiply_cross(task, product);
  if (status == TSR_OK) status = solve(task, product);
  free(product);
  return status;
}
