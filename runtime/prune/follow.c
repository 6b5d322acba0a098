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

/* *out: [cols, cols], to be freed; both triangles. *damping: what was added to the diagonal. */
static tsr_status make_inverse(const tsr__prune_task *task, double **out, double *damping) {
  int64_t n = task->cols;
  double *h, mean = 0;
  TSR_TRY(tsr__hessian(task, &h));
  for (int64_t i = 0; i < n; i++) mean += h[i * n + i] / (double)n;
  tsr_status status = tsr__factorise(task, h, damping_of(task), tsr__invert, out);
  free(h);
  *damping = task->result->damping * mean;
  return status;
}

/* What the reference's rows have in common with the rows, like tsr__hessian. */
static void scale_cross(const tsr__prune_task *task, double damping, double *cross) {
  const tsr_statistics *s = task->statistics;
  int64_t n = task->cols;
  double scale = 1 / (double)s->rows;
#pragma omp parallel for schedule(static) num_threads(task->threads)
  for (int64_t i = 0; i < n; i++) {
    double mean = task->centred ? s->reference_sums[i] * scale : 0;
    for (int64_t j = 0; j < n; j++)
      cross[i * n + j] = s->cross[i * n + j] * scale - mean * tsr__task_mean(task, j);
    cross[i * n + i] += damping;
  }
}

/* The output is to make up for what the sum that it goes into lacks. product: [rows, cols]. */
static void add_missing(const tsr__prune_task *task, double *product) {
  const tsr_statistics *s = task->statistics;
  double scale = 1 / (double)s->rows;
  for (int64_t r = 0; s->missing && r < task->rows; r++)
    for (int64_t c = 0; c < task->cols; c++) {
      double mean = task->centred ? s->missing_sums[r] * scale * tsr__task_mean(task, c) : 0;
      product[r * task->cols + c] += s->missing[r * task->cols + c] * scale - mean;
    }
}

tsr_status tsr__follow_reference(const tsr__prune_task *task) {
  int64_t rows = task->rows, n = task->cols;
  double *inverse = NULL, *memory = NULL, damping;
  tsr_status status;
  TSR_TRY(make_inverse(task, &inverse, &damping));
  TSR_TRY_GOTO(status,
               tsr__aligned((size_t)(2 * rows * n + n * n), sizeof *memory,
                            "weights that follow the unpruned model", &memory),
               done);
  double *w = memory, *product = w + rows * n, *cross = product + rows * n;
  tsr__gemm_shape shape = {rows, n, n, n, n, n};
  scale_cross(task, damping, cross);
  for (int64_t i = 0; i < rows * n; i++) w[i] = (double)task->weights[i];
  tsr__dgemm(&shape, 1, w, cross, 0, product);
  add_missing(task, product);
  tsr__dgemm(&shape, 1, product, inverse, 0, w);
  for (int64_t i = 0; i < rows * n; i++) task->weights[i] = (float)w[i];
done:
  free(memory);
  free(inverse);
  return status;
}
