#include "kernels/cpu/scalar.h"

static float dot(const tsr_packed *w, int64_t row, const float *x) {
  const float *values = w->values;
  float sum = 0.0f;
  for (int64_t i = w->row_offsets[row]; i < w->row_offsets[row + 1]; i++)
    sum += values[i] * x[w->col_indices[i]];
  return sum;
}

static void run(const tsr_spmm_args *args, int part, int parts) {
  tsr__scalar_run(args, part, parts, dot);
}

const tsr_spmm_ops tsr_f32_csr_spmm_1x1__scalar_ops = TSR__SCALAR_OPS(run);
