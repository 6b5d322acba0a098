/* The host's part of the compact kernel: the image of the smaller dense matrix, and where its rows
 * and columns belong.
 *
 *   | image of the dense matrix | gather [kept columns] | scatter [rows] |, each aligned to 16
 * bytes
 */
#include <string.h>

#include "kernels/cuda/tile_host.h"

typedef struct layout {
  size_t gather_at, scatter_at, bytes;
} layout;

static size_t round_up(size_t bytes) { return (bytes + 15) / 16 * 16; }

static tsr_packed dense_part(const tsr_packed *w) {
  return (tsr_packed){.format = TSR_FORMAT_DENSE,
                      .dtype = w->dtype,
                      .rows = w->kept_row_count,
                      .cols = w->kept_col_count,
                      .stored = w->stored,
                      .values = w->values};
}

static layout measure(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  tsr_packed dense = dense_part(w);
  layout at = {.gather_at = round_up(tsr__cuda_tile_prepacked_bytes(kernel, &dense))};
  size_t columns = w->kept_cols ? (size_t)w->kept_col_count : 0;
  size_t rows = w->kept_rows ? (size_t)w->rows : 0;
  at.scatter_at = at.gather_at + round_up(columns * sizeof(int32_t));
  at.bytes = at.scatter_at + round_up(rows * sizeof(int32_t));
  return at;
}

static size_t prepacked_bytes(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  return measure(kernel, w).bytes;
}

static void prepack(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, void *out) {
  layout at = measure(kernel, w);
  tsr_packed dense = dense_part(w);
  char *image = out;
  memset(image, 0, at.bytes);
  tsr__cuda_tile_prepack(kernel, &dense, image);
  int32_t *scatter = (int32_t *)(image + at.scatter_at);
  if (w->kept_cols && w->kept_col_count)
    memcpy(image + at.gather_at, w->kept_cols, (size_t)w->kept_col_count * sizeof *scatter);
  if (!w->kept_rows) return;
  for (int64_t r = 0; r < w->rows; r++) scatter[r] = -1;
  for (int64_t r = 0; r < w->kept_row_count; r++) scatter[w->kept_rows[r]] = (int32_t)r;
}

static void bind(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, const void *image,
                 tsr_cuda_spmm_args *args) {
  layout at = measure(kernel, w);
  tsr_packed dense = dense_part(w);
  const char *base = image;
  tsr__cuda_tile_bind(kernel, &dense, image, args);
  args->gather = w->kept_cols ? (const int32_t *)(base + at.gather_at) : NULL;
  args->scatter = w->kept_rows ? (const int32_t *)(base + at.scatter_at) : NULL;
  args->rows = (int32_t)w->rows;
}

/* What is left after the larger share of rows or columns is gone, as the pattern is named. Columns
 * are gathered before, rows scattered afterwards, as two parts of sums. */
static void work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p, int32_t splits,
                 tsr_cuda_work *out) {
  tsr_spmm_problem left = *p;
  left.format = TSR_FORMAT_DENSE;
  int rows = p->pattern.kind == TSR_PATTERN_ROW;
  if (rows) left.m = p->k > 0 ? p->stored / p->k : 0;
  if (p->pattern.kind == TSR_PATTERN_COLUMN) left.k = p->m > 0 ? p->stored / p->m : 0;
  tsr__cuda_tile_work(kernel, &left, rows && splits < 2 ? 2 : splits, out);
  double n = (double)p->n, sums = splits < 2 ? 2.0 * sizeof(float) : 0.0;
  out->moved_bytes =
      rows ? n * (sums * (double)left.m + 2.0 * (double)p->m) : 4.0 * n * (double)left.k;
  out->moves = 1;
}

const tsr_cuda_spmm_ops tsr__cuda_compact_ops = {.refusal = tsr__cuda_tile_refusal,
                                                 .prepacked_bytes = prepacked_bytes,
                                                 .prepack = prepack,
                                                 .bind = bind,
                                                 .shared_bytes = tsr__cuda_tile_shared_bytes,
                                                 .work = work};
