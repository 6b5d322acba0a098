#include "kernels/cpu/lanes_sources.h"

static void columns(const tsr_packed *w, int64_t row, int64_t begin, int64_t end,
                    tsr__lanes_emit *emit, void *user) {
  int64_t last = w->row_offsets[row + 1];
  int64_t i = tsr__lower_bound(w->col_indices, w->row_offsets[row], last, begin);
  for (; i < last && w->col_indices[i] < end; i++)
    emit(user, w->col_indices[i], (const float *)w->values + i, 1);
}

static const tsr__lanes_source source = {tsr__single_row, columns};

TSR__LANES_KERNEL(tsr_f32_csr_spmm_1x64__avx512, avx512, 16, 4, 128, 1, tsr__no_refusal)
TSR__LANES_KERNEL(tsr_f32_csr_spmm_1x64__avx2, avx2, 8, 8, 128, 1, tsr__no_refusal)
