#include "kernels/cpu/lanes_sources.h"

static void columns(const tsr_packed *w, int64_t row, int64_t begin, int64_t end,
                    tsr__lanes_emit *emit, void *user) {
  int64_t block_row = row / w->block_rows, r = row % w->block_rows;
  int64_t groups = (w->block_cols + w->m - 1) / w->m, last = w->row_offsets[block_row + 1];
  int64_t b =
      tsr__lower_bound(w->col_indices, w->row_offsets[block_row], last, begin / w->block_cols);
  for (; b < last; b++) {
    int64_t first_col = (int64_t)w->col_indices[b] * w->block_cols;
    if (first_col >= end) break;
    for (int64_t g = 0; g < groups; g++) {
      int64_t at = ((b * w->block_rows + r) * groups + g) * w->n;
      for (int32_t i = 0; i < w->n; i++) {
        int64_t col = first_col + g * w->m + w->positions[at + i];
        int padding = i > 0 && w->positions[at + i] == w->positions[at + i - 1];
        if (col >= begin && col < end && !padding)
          emit(user, col, (const float *)w->values + at + i, 1);
      }
    }
  }
}

static const tsr__lanes_source source = {tsr__single_row, columns};

TSR__LANES_KERNEL(tsr_f32_bcsr_nm_spmm_1x128__avx512, avx512, 16, 8, 64, 1, tsr__no_refusal)
TSR__LANES_KERNEL(tsr_f32_bcsr_nm_spmm_1x64__avx2, avx2, 8, 8, 128, 1, tsr__no_refusal)
