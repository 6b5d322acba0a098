/* The host's part of the CSR kernel:
 *
 *   | values [stored] | col_indices [stored] | row_offsets [m + 1] |, each aligned to 16 bytes
 */
#include <math.h>
#include <string.h>

#include "kernels/cuda/work.h"

typedef struct layout {
  size_t columns_at, offsets_at, bytes;
} layout;

static size_t round_up(size_t bytes) { return (bytes + 15) / 16 * 16; }

static layout measure(const tsr_packed *w) {
  layout at = {.columns_at = round_up((size_t)w->stored * sizeof(uint16_t))};
  at.offsets_at = at.columns_at + round_up((size_t)w->stored * sizeof(int32_t));
  at.bytes = at.offsets_at + ((size_t)w->rows + 1) * sizeof(int32_t);
  return at;
}

static const char *refusal(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  (void)kernel;
  if (problem->m >= INT32_MAX || problem->k > INT32_MAX || problem->n > INT32_MAX ||
      problem->stored > INT32_MAX)
    return "counts rows, columns, tokens and elements in 31 bits";
  return NULL;
}

static size_t prepacked_bytes(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  (void)kernel;
  return measure(w).bytes;
}

static void prepack(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, void *out) {
  (void)kernel;
  layout at = measure(w);
  char *image = out;
  memset(image, 0, at.bytes);
  if (w->stored) {
    memcpy(image, w->values, (size_t)w->stored * sizeof(uint16_t));
    memcpy(image + at.columns_at, w->col_indices, (size_t)w->stored * sizeof(int32_t));
  }
  int32_t *offsets = (int32_t *)(image + at.offsets_at);
  for (int64_t r = 0; r <= w->rows; r++) offsets[r] = (int32_t)w->row_offsets[r];
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

static uint32_t shared_bytes(const tsr_cuda_spmm_kernel *kernel) {
  (void)kernel;
  return 0;
}

/* Every element of A gathers one of B for each token. */
static void work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p, int32_t splits,
                 tsr_cuda_work *out) {
  /* Assumed: L1 delivers four sectors a clock, and two lanes find their element in each. */
  static const double gathers_per_clock = 8.0, issues_per_clock = 4.0;
  double rows = ceil((double)p->m / kernel->tile_m), columns = ceil((double)p->n / kernel->tile_n);
  double gathers = (double)p->stored * columns * kernel->tile_n, mn = (double)p->m * (double)p->n;
  double weights = (double)p->stored * (sizeof(uint16_t) + sizeof(int32_t));
  out->ctas = rows * columns * splits;
  out->instructions = gathers / gathers_per_clock * issues_per_clock;
  out->l2_bytes = weights * columns + 2.0 * (gathers + mn);
  out->dram_bytes = weights + 2.0 * ((double)p->n * (double)p->k + mn);
}

const tsr_cuda_spmm_ops tsr__cuda_csr_ops = {.refusal = refusal,
                                             .prepacked_bytes = prepacked_bytes,
                                             .prepack = prepack,
                                             .bind = bind,
                                             .shared_bytes = shared_bytes,
                                             .work = work};
