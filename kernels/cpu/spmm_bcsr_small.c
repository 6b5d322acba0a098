/* Blocks of any height, in bundles of 4, 2 and 1 rows. */
#include "kernels/cpu/lanes_sources.h"

static int height(const tsr_packed *w, int64_t row) {
  return tsr__bundle_height(w->block_rows - row % w->block_rows);
}

static void columns(const tsr_packed *w, int64_t row, int64_t begin, int64_t end,
                    tsr__lanes_emit *emit, void *user) {
  int64_t block_row = row / w->block_rows, r = row % w->block_rows;
  int64_t last = w->row_offsets[block_row + 1];
  int64_t b =
      tsr__lower_bound(w->col_indices, w->row_offsets[block_row], last, begin / w->block_cols);
  for (; b < last; b++) {
    const float *values = (const float *)w->values + (b * w->block_rows + r) * w->block_cols;
    int64_t first = (int64_t)w->col_indices[b] * w->block_cols;
    int64_t c = first < begin ? begin : first;
    int64_t stop = first + w->block_cols < end ? first + w->block_cols : end;
    if (first >= end) break;
    for (; c < stop; c++) emit(user, c, values + (c - first), w->block_cols);
  }
}

static const tsr__lanes_source source = {height, columns};

static const char *refusal_avx512(const tsr_spmm_problem *problem) {
  return problem->pattern.block_rows % 16 ? NULL : "blocks of whole vectors need no transposing";
}

static const char *refusal_avx2(const tsr_spmm_problem *problem) {
  return problem->pattern.block_rows % 16 ? NULL : "blocks of two vectors need no transposing";
}

TSR__LANES_KERNEL(tsr_f32_bcsr_spmm_4x64__avx512, avx512, 16, 4, 128, 4, refusal_avx512)
TSR__LANES_KERNEL(tsr_f32_bcsr_spmm_4x16__avx2, avx2, 8, 4, 128, 4, refusal_avx2)
