/* Wanda: abs(w) x the norm of what it multiplies, squared, so that the score of a block or row is
 * what it adds to the output if its features are independent. */
#include "runtime/prune/method.h"

static void score(const tsr__prune_task *task, float *scores) {
#pragma omp parallel for schedule(static) num_threads(task->threads)
  for (int64_t r = 0; r < task->rows; r++)
    for (int64_t c = 0; c < task->cols; c++) {
      double w = (double)task->weights[r * task->cols + c];
      scores[r * task->cols + c] = (float)(w * w * tsr__task_power(task, c));
    }
}

const tsr__method_ops tsr__method_wanda = {
    .needs = TSR_STATISTICS_NORMS, .by_row = 1, .score = score};
