#include <math.h>

#include "runtime/prune/method.h"

void tsr__score_magnitude_l1(const float *weights, int64_t count, float *scores) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < count; i++) scores[i] = fabsf(weights[i]);
}

void tsr__score_magnitude_l2(const float *weights, int64_t count, float *scores) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < count; i++) scores[i] = weights[i] * weights[i];
}
