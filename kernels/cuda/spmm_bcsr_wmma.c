/* The host's part of the WMMA kernel, which takes 16x16 blocks as they are:
 *
 *   | values [blocks][16][16] | columns [blocks] | offsets [ceil(m / 16) + 1] |
 */
#include <math.h>
#include <string.h>

#include "kernels/cuda/fragments.h"
#include "kernels/cuda/tile_host.h"

typedef struct layout {
  int64_t rows, blocks;
  size_t columns_at, offsets_at, bytes;
} layout;

/* Goes through the blocks, row by row; writes them where `image` is not NULL. */
static int64_t walk(const tsr_packed *w, const layout *at, char *image) {
  int64_t blocks = 0, cols = (w->cols + TSR__FRAGMENT_ROWS - 1) / TSR__FRAGMENT_ROWS;
  for (int64_t row = 0; row < at->rows; row++) {
    if (image) ((int32_t *)(image + at->offsets_at))[row] = (int32_t)blocks;
    for (int64_t col = 0; col < cols; col++) {
      tsr__fragment f;
      if (!tsr__fragment_find(w, row, col, &f)) continue;
      for (int r = 0; image && r < f.rows; r++)
        memcpy((uint16_t *)image + blocks * TSR__FRAGMENT_ELEMENTS + r * TSR__FRAGMENT_ROWS,
               (const uint16_t *)w->values + f.first + r * f.ld, (size_t)f.cols * sizeof(uint16_t));
      if (image) ((int32_t *)(image + at->columns_at))[blocks] = (int32_t)col;
      blocks++;
    }
  }
  if (image) ((int32_t *)(image + at->offsets_at))[at->rows] = (int32_t)blocks;
  return blocks;
}

static layout measure(const tsr_packed *w) {
  layout at = {.rows = (w->rows + TSR__FRAGMENT_ROWS - 1) / TSR__FRAGMENT_ROWS};
  at.blocks = walk(w, &at, NULL);
  at.columns_at = (size_t)at.blocks * TSR__FRAGMENT_ELEMENTS * sizeof(uint16_t);
  at.offsets_at = at.columns_at + (size_t)at.blocks * sizeof(int32_t);
  at.bytes = at.offsets_at + ((size_t)at.rows + 1) * sizeof(int32_t);
  return at;
}

static const char *refusal(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  return tsr__cuda_tile_refusal(kernel, problem);
}

static size_t prepacked_bytes(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  (void)kernel;
  return measure(w).bytes;
}

static void prepack(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, void *out) {
  (void)kernel;
  layout at = measure(w);
  memset(out, 0, at.bytes);
  walk(w, &at, out);
}

static void bind(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, const void *image,
                 tsr_cuda_spmm_args *args) {
  (void)kernel;
  layout at = measure(w);
  const char *base = image;
  args->m = (int32_t)w->rows;
  args->k = (int32_t)w->cols;
  args->values = base;
  args->meta = base + at.columns_at;
  args->step_offsets = (const int32_t *)(base + at.offsets_at);
}

/* Its shared memory is static. */
static uint32_t shared_bytes(const tsr_cuda_spmm_kernel *kernel) {
  (void)kernel;
  return 0;
}

/* Each of four warps loads every block by itself, and B element by element. */
static void work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p, int32_t splits,
                 tsr_cuda_work *out) {
  static const double warps = 4.0, instructions = 175.0, wavefronts = 12.0; /* of a warp's block */
  double rows = ceil((double)p->m / kernel->tile_m), columns = ceil((double)p->n / kernel->tile_n);
  double blocks = (double)p->stored / TSR__FRAGMENT_ELEMENTS,
         warp_blocks = blocks * columns * warps;
  double block_bytes = TSR__FRAGMENT_ELEMENTS * 2.0, mk = (double)p->m * (double)p->k;
  double density = mk > 0.0 ? fmin(1.0, (double)p->stored / mk) : 0.0;
  double panels = fmax(1.0, (double)p->m / fmax(TSR__FRAGMENT_ROWS, p->pattern.block_rows));
  double touched = 1.0 - pow(1.0 - density, panels); /* share of B */
  out->ctas = rows * columns * splits;
  out->tensor_clocks = 2.0 * warp_blocks * TSR__CUDA_MMA_CLOCKS;
  out->instructions = warp_blocks * instructions;
  out->wavefronts = warp_blocks * wavefronts;
  out->l2_bytes = warp_blocks * 2.0 * block_bytes;
  out->dram_bytes = blocks * block_bytes + 2.0 * (double)p->n * (double)p->k * touched;
  tsr__cuda_add_epilogue(kernel, p, splits, out);
}

const tsr_cuda_spmm_ops tsr__cuda_wmma_ops = {.refusal = refusal,
                                              .prepacked_bytes = prepacked_bytes,
                                              .prepack = prepack,
                                              .bind = bind,
                                              .shared_bytes = shared_bytes,
                                              .work = work};
