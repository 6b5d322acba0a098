#include <math.h>

#include "runtime/prune/method.h"

static void score_l1(const tsr__prune_task *task, float *scores) {
  int64_t count = task->rows * task->cols;
#pragma omp parallel for schedule(static) num_threads(task->threads)
  for (int64_t i = 0; i < count; i++) scores[i] = fabsf(task->weights[i]);
}

static void score_l2(const tsr__prune_task *task, float *scores) {
  int64_t count = task->rows * task->cols;
#pragma omp parallel for schedule(static) num_threads(task->threads)
  for (int64_t i = 0; i < count; i++) scores[i] = task->weights[i] * task->weights[i];
}

const tsr__method_ops tsr__method_magnitude_l1 = {.score = score_l1};
const tsr__method_ops tsr__method_magnitude_l2 = {.score = score_l2};
