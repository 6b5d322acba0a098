#include "kernels/cpu/scalar.h"

static float dot(const tsr_packed *w, int64_t row, const float *x) {
  int64_t block_row = row / w->block_rows, r = row % w->block_rows;
  float sum = 0.0f;
  for (int64_t i = w->row_offsets[block_row]; i < w->row_offsets[block_row + 1]; i++) {
    const float *values = (const float *)w->values + (i * w->block_rows + r) * w->block_cols;
    int64_t begin = (int64_t)w->col_indices[i] * w->block_cols;
    int64_t count = w->cols - begin < w->block_cols ? w->cols - begin : w->block_cols;
    for (int64_t c = 0; c < count; c++) sum += values[c] * x[begin + c];
  }
  return sum;
}

static void run(const tsr_spmm_args *args, int part, int parts) {
  tsr__scalar_run(args, part, parts, dot);
}

const tsr_spmm_ops tsr_f32_bcsr_spmm_1x1__scalar_ops = TSR__SCALAR_OPS(run);
