#include "kernels/cpu/lanes_sources.h"

/* A trailing group too short for n repeats its last position: those entries are padding. */
static void columns(const tsr_packed *w, int64_t row, int64_t begin, int64_t end,
                    tsr__lanes_emit *emit, void *user) {
  int64_t groups = (w->cols + w->m - 1) / w->m;
  for (int64_t g = begin / w->m; g * w->m < end; g++) {
    int64_t at = (row * groups + g) * w->n;
    for (int32_t i = 0; i < w->n; i++) {
      int64_t col = g * w->m + w->positions[at + i];
      int padding = i > 0 && w->positions[at + i] == w->positions[at + i - 1];
      if (col >= begin && col < end && !padding)
        emit(user, col, (const float *)w->values + at + i, 1);
    }
  }
}

static const tsr__lanes_source source = {tsr__single_row, columns};

TSR__LANES_KERNEL(tsr_f32_nm_spmm_1x128__avx512, avx512, 16, 8, 64, 1, tsr__no_refusal)
TSR__LANES_KERNEL(tsr_f32_nm_spmm_1x64__avx2, avx2, 8, 8, 128, 1, tsr__no_refusal)
