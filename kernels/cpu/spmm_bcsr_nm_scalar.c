#include "kernels/cpu/scalar.h"

/* One row of a block whose first column is `begin`. */
static float block_dot(const tsr_packed *w, int64_t at, int64_t begin, const float *x) {
  int64_t groups = (w->block_cols + w->m - 1) / w->m;
  const float *values = (const float *)w->values + at * groups * w->n;
  const uint8_t *positions = w->positions + at * groups * w->n;
  float sum = 0.0f;
  for (int64_t g = 0; g < groups; g++)
    for (int64_t i = g * w->n; i < (g + 1) * w->n; i++) {
      int64_t col = begin + g * w->m + positions[i];
      if (col < w->cols) sum += values[i] * x[col]; /* blocks reach over the edge */
    }
  return sum;
}

static float dot(const tsr_packed *w, int64_t row, const float *x) {
  int64_t block_row = row / w->block_rows, r = row % w->block_rows;
  float sum = 0.0f;
  for (int64_t i = w->row_offsets[block_row]; i < w->row_offsets[block_row + 1]; i++)
    sum += block_dot(w, i * w->block_rows + r, (int64_t)w->col_indices[i] * w->block_cols, x);
  return sum;
}

static void run(const tsr_spmm_args *args, int part, int parts) {
  tsr__scalar_run(args, part, parts, dot);
}

const tsr_spmm_ops tsr_f32_bcsr_nm_spmm_1x1__scalar_ops = TSR__SCALAR_OPS(run);
