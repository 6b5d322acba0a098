#include "kernels/cpu/lanes_sources.h"

enum { KEPT_COLUMNS = 4, KEPT = 2 };

static void columns(const tsr_packed *w, int64_t row, int64_t begin, int64_t end,
                    tsr__lanes_emit *emit, void *user) {
  int64_t groups = (w->cols + w->m - 1) / w->m, panel = row / w->v;
  for (int64_t g = begin / w->m; g * w->m < end; g++) {
    const uint8_t *kept = w->columns + (panel * groups + g) * KEPT_COLUMNS;
    int64_t at = (row * groups + g) * KEPT;
    for (int i = 0; i < KEPT; i++) {
      int64_t col = g * w->m + kept[w->positions[at + i]];
      int padding = i > 0 && w->positions[at + i] == w->positions[at + i - 1];
      if (col >= begin && col < end && !padding)
        emit(user, col, (const float *)w->values + at + i, 1);
    }
  }
}

/* A panel's rows share 4 of every M columns: so many that L1 holds what they use of the chunk,
 * within the reach of the offsets. */
#define CHUNK_COLS (M < 64 ? 16 * M : 1024)

static const tsr__lanes_source source = {tsr__single_row, columns};

TSR__LANES_KERNEL(tsr_f32_vnm_spmm_1x128__avx512, avx512, 16, 8, CHUNK_COLS, 1, tsr__no_refusal)
TSR__LANES_KERNEL(tsr_f32_vnm_spmm_1x64__avx2, avx2, 8, 8, CHUNK_COLS, 1, tsr__no_refusal)
