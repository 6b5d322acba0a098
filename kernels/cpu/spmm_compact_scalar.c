#include "kernels/cpu/scalar.h"

/* The kept row that row is, or -1: kept_rows is ascending. */
static int64_t find_row(const tsr_packed *w, int64_t row) {
  if (!w->kept_rows) return row;
  int64_t low = 0, high = w->kept_row_count;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (w->kept_rows[middle] < row)
      low = middle + 1;
    else
      high = middle;
  }
  return low < w->kept_row_count && w->kept_rows[low] == row ? low : -1;
}

static float dot(const tsr_packed *w, int64_t row, const float *x) {
  int64_t kept = find_row(w, row);
  if (kept < 0) return 0.0f;
  const float *values = (const float *)w->values + kept * w->kept_col_count;
  float sum = 0.0f;
  for (int64_t i = 0; i < w->kept_col_count; i++)
    sum += values[i] * x[w->kept_cols ? w->kept_cols[i] : i];
  return sum;
}

static void run(const tsr_spmm_args *args, int part, int parts) {
  tsr__scalar_run(args, part, parts, dot);
}

const tsr_spmm_ops tsr_f32_compact_spmm_1x1__scalar_ops = TSR__SCALAR_OPS(run);
