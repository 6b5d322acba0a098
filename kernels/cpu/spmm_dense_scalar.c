#include "kernels/cpu/scalar.h"

static float dot(const tsr_packed *w, int64_t row, const float *x) {
  const float *values = (const float *)w->values + row * w->cols;
  float sum = 0.0f;
  for (int64_t c = 0; c < w->cols; c++) sum += values[c] * x[c];
  return sum;
}

static void run(const tsr_spmm_args *args, int part, int parts) {
  tsr__scalar_run(args, part, parts, dot);
}

const tsr_spmm_ops tsr_f32_dense_spmm_1x1__scalar_ops = TSR__SCALAR_OPS(run);
