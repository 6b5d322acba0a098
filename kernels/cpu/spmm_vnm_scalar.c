#include "kernels/cpu/scalar.h"

static float dot(const tsr_packed *w, int64_t row, const float *x) {
  int64_t groups = (w->cols + w->m - 1) / w->m;
  const float *values = (const float *)w->values + row * groups * 2;
  const uint8_t *positions = w->positions + row * groups * 2;
  const uint8_t *columns = w->columns + row / w->v * groups * 4;
  float sum = 0.0f;
  for (int64_t g = 0; g < groups; g++)
    for (int64_t i = 2 * g; i < 2 * g + 2; i++)
      sum += values[i] * x[g * w->m + columns[4 * g + positions[i]]];
  return sum;
}

static void run(const tsr_spmm_args *args, int part, int parts) {
  tsr__scalar_run(args, part, parts, dot);
}

const tsr_spmm_ops tsr_f32_vnm_spmm_1x1__scalar_ops = TSR__SCALAR_OPS(run);
