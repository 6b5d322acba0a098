#include "runtime/prune/hessian.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/linalg.h"

enum { RAISES_MAX = 30 };
static const double LEAST_DAMPING = 1e-6;

tsr_status tsr__hessian(const tsr__prune_task *task, double **out) {
  int64_t n = task->cols;
  const double *gram = task->statistics->gram;
  double scale = 1 / (double)task->statistics->rows;
  TSR_TRY(tsr__aligned((size_t)(n * n), sizeof **out, "a layer's Gram matrix", out));
  double *h = *out;
#pragma omp parallel for schedule(static, 8) num_threads(task->threads)
  for (int64_t i = 0; i < n; i++) {
    int constant = !(tsr__task_power(task, i) > 0);
    double mean = tsr__task_mean(task, i);
    for (int64_t j = 0; j < n; j++) {
      double moment = (j < i ? gram[j * n + i] : gram[i * n + j]) * scale;
      int varies = !constant && tsr__task_power(task, j) > 0;
      h[i * n + j] = varies ? moment - mean * tsr__task_mean(task, j) : 0;
    }
    if (constant) h[i * n + i] = 1;
  }
  return TSR_OK;
}

static double mean_diagonal(const double *h, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += h[i * n + i];
  return sum / (double)n;
}

double tsr__damping(const tsr__prune_task *task, double share) {
  return task->damping > 0 ? task->damping : share;
}

tsr_status tsr__factorise(const tsr__prune_task *task, const double *h, double damping,
                          tsr__factorisation *factorise, double **out) {
  int64_t n = task->cols;
  size_t bytes = (size_t)(n * n) * sizeof *h;
  double mean = mean_diagonal(h, n);
  TSR_TRY(tsr__aligned(bytes, 1, "a layer's factorised Gram matrix", out));
  for (int raises = 0; raises <= RAISES_MAX; raises++) {
    memcpy(*out, h, bytes);
    for (int64_t i = 0; i < n; i++) (*out)[i * n + i] += damping * mean;
    task->result->damping = damping;
    task->result->damping_raises = raises;
    if (factorise(*out, n)) return TSR_OK;
    damping = damping > 0 ? 10 * damping : LEAST_DAMPING;
  }
  free(*out);
  *out = NULL;
  return tsr__error(TSR_UNSUPPORTED,
                    "the Gram matrix of the layer's input cannot be factorised, even with %g of "
                    "its mean diagonal %g added",
                    task->result->damping, mean);
}
