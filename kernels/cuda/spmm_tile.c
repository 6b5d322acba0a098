/* The host's part of the kernels in fragments: steps, values and metadata of every CTA's rows.
 *
 *   | values [fragments][256] | meta [fragments][16], 2:4 only | steps | step_offsets |
 */
#include <string.h>

#include "kernels/cuda/fragments.h"
#include "kernels/cuda/tile_host.h"

typedef struct layout {
  int64_t fragments, steps;
  size_t meta_at, steps_at, offsets_at, bytes;
} layout;

static int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

static int64_t tile_count(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  return ceil_div(w->rows, kernel->tile_m);
}

static int step_columns(const tsr_cuda_spmm_kernel *kernel) {
  return kernel->tile_k / tsr__fragment_depth(kernel->format);
}

int tsr__cuda_step_fragments(const tsr_cuda_spmm_kernel *kernel) {
  if (kernel->ops->convolution && kernel->format == TSR_FORMAT_BCSR)
    return TSR_CUDA_CONV_BLOCK_FRAGMENTS(kernel->tile_m, kernel->tile_k);
  int depth = tsr__fragment_depth(kernel->format);
  return TSR_CUDA_STEP_FRAGMENTS(kernel->tile_m, kernel->tile_k, depth);
}

/* Whether the matrix stores something of every fragment. It is then filled up to the tile's edge,
 * so that its kernel needs no masks. */
static int is_full(tsr_format format) {
  return format == TSR_FORMAT_DENSE || format == TSR_FORMAT_NM;
}

/* The rows of fragments of a tile that hold something in a column. */
static uint16_t column_mask(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, int64_t tile,
                            int64_t col) {
  int rows = kernel->tile_m / TSR__FRAGMENT_ROWS;
  if (is_full(w->format)) return (uint16_t)((1u << rows) - 1);
  uint16_t mask = 0;
  for (int r = 0; r < rows; r++) {
    tsr__fragment fragment;
    int64_t row = tile * rows + r;
    if (row * TSR__FRAGMENT_ROWS < w->rows && tsr__fragment_find(w, row, col, &fragment))
      mask |= (uint16_t)(1u << r);
  }
  return mask;
}

static int bits(uint16_t mask) {
  int count = 0;
  for (; mask; mask &= (uint16_t)(mask - 1)) count++;
  return count;
}

/* What is to be written, or NULL while sizes are only counted. */
typedef struct writer {
  const tsr_cuda_spmm_kernel *kernel;
  const tsr_packed *w;
  char *image;
  layout at;
} writer;

static void write_fragments(const writer *to, int64_t tile, int64_t col, uint16_t mask,
                            int64_t index) {
  int rows = to->kernel->tile_m / TSR__FRAGMENT_ROWS;
  for (int r = 0; r < rows; r++) {
    if (!(mask >> r & 1)) continue;
    tsr__fragment fragment = {0};
    int64_t row = tile * rows + r;
    if (row * TSR__FRAGMENT_ROWS < to->w->rows) tsr__fragment_find(to->w, row, col, &fragment);
    uint16_t *values = (uint16_t *)to->image + index * TSR__FRAGMENT_ELEMENTS;
    tsr__fragment_values(to->w, &fragment, values);
    if (tsr__fragment_sparse(to->kernel->format))
      tsr__fragment_meta(to->w, &fragment,
                         (uint32_t *)(to->image + to->at.meta_at) + index * TSR__FRAGMENT_META);
    index++;
  }
}

/* Goes through a tile's columns; `done` counts fragments and steps. */
static void walk_tile(const writer *to, int64_t tile, layout *done) {
  int64_t cols = ceil_div(to->w->cols, tsr__fragment_depth(to->kernel->format));
  int width = step_columns(to->kernel), used = width;
  int most = tsr__cuda_step_fragments(to->kernel), held = 0;
  tsr_cuda_step *step = NULL;
  for (int64_t col = 0; col < cols; col++) {
    uint16_t mask = column_mask(to->kernel, to->w, tile, col);
    if (!mask) continue;
    if (used == width || held + bits(mask) > most) {
      used = held = 0;
      if (to->image) {
        step = (tsr_cuda_step *)(to->image + to->at.steps_at) + done->steps;
        *step = (tsr_cuda_step){.columns = {-1, -1, -1, -1}, .first = (int32_t)done->fragments};
      }
      done->steps++;
    }
    if (step) {
      write_fragments(to, tile, col, mask, done->fragments);
      step->columns[used] = (int32_t)col;
      step->masks[used] = mask;
      step->count += bits(mask);
    }
    done->fragments += bits(mask);
    held += bits(mask);
    used++;
  }
}

static void walk(const writer *to, layout *done) {
  int64_t tiles = tile_count(to->kernel, to->w);
  for (int64_t tile = 0; tile < tiles; tile++) {
    if (to->image) ((int32_t *)(to->image + to->at.offsets_at))[tile] = (int32_t)done->steps;
    walk_tile(to, tile, done);
  }
  if (to->image) ((int32_t *)(to->image + to->at.offsets_at))[tiles] = (int32_t)done->steps;
}

static layout measure(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  layout at = {0};
  walk(&(writer){.kernel = kernel, .w = w}, &at);
  at.meta_at = (size_t)at.fragments * TSR__FRAGMENT_ELEMENTS * sizeof(uint16_t);
  at.steps_at = at.meta_at;
  if (tsr__fragment_sparse(kernel->format))
    at.steps_at += (size_t)at.fragments * TSR__FRAGMENT_META * sizeof(uint32_t);
  at.offsets_at = at.steps_at + (size_t)at.steps * sizeof(tsr_cuda_step);
  at.bytes = at.offsets_at + (size_t)(tile_count(kernel, w) + 1) * sizeof(int32_t);
  return at;
}

const char *tsr__cuda_tile_refusal(const tsr_cuda_spmm_kernel *kernel,
                                   const tsr_spmm_problem *problem) {
  const tsr_pattern *pattern = &problem->pattern;
  int blocks = kernel->format == TSR_FORMAT_BCSR || kernel->format == TSR_FORMAT_BCSR_NM;
  if (problem->m > INT32_MAX || problem->k > INT32_MAX || problem->n > INT32_MAX ||
      problem->stored > INT32_MAX)
    return "counts rows, columns, tokens and elements in 31 bits";
  if (tsr__fragment_sparse(kernel->format) && (pattern->n != 2 || pattern->m != 4))
    return "needs two kept of every four elements";
  if (blocks && (pattern->block_rows % TSR__FRAGMENT_ROWS != 0 ||
                 pattern->block_cols % tsr__fragment_depth(kernel->format) != 0))
    return tsr__fragment_sparse(kernel->format)
               ? "needs blocks of a multiple of 16 rows and of 32 columns"
               : "needs blocks of a multiple of 16 rows and columns";
  return NULL;
}

size_t tsr__cuda_tile_prepacked_bytes(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  return measure(kernel, w).bytes;
}

void tsr__cuda_tile_prepack(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, void *out) {
  writer to = {.kernel = kernel, .w = w, .image = out, .at = measure(kernel, w)};
  walk(&to, &(layout){0});
}

void tsr__cuda_tile_bind(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, const void *image,
                         tsr_cuda_spmm_args *args) {
  layout at = measure(kernel, w);
  const char *base = image;
  args->m = (int32_t)w->rows;
  args->k = (int32_t)w->cols;
  args->values = base;
  args->meta = tsr__fragment_sparse(kernel->format) ? base + at.meta_at : NULL;
  args->steps = (const tsr_cuda_step *)(base + at.steps_at);
  args->step_offsets = (const int32_t *)(base + at.offsets_at);
}

/* As tile/shape.cuh computes it: the stages, under the epilogue's tile of padded sums. */
uint32_t tsr__cuda_tile_shared_bytes(const tsr_cuda_spmm_kernel *kernel) {
  int fragments = tsr__cuda_step_fragments(kernel);
  int fragment_bytes = TSR__FRAGMENT_ELEMENTS * 2;
  if (tsr__fragment_sparse(kernel->format)) fragment_bytes += TSR__FRAGMENT_META * 4;
  int stage = kernel->tile_n * kernel->tile_k * 2 + fragments * fragment_bytes + 128;
  int stages = kernel->stages * stage, sums = kernel->tile_n * (kernel->tile_m + 4) * 4;
  return (uint32_t)(stages > sums ? stages : sums);
}

const tsr_cuda_spmm_ops tsr__cuda_tile_ops = {.refusal = tsr__cuda_tile_refusal,
                                              .prepacked_bytes = tsr__cuda_tile_prepacked_bytes,
                                              .prepack = tsr__cuda_tile_prepack,
                                              .bind = tsr__cuda_tile_bind,
                                              .shared_bytes = tsr__cuda_tile_shared_bytes,
                                              .work = tsr__cuda_tile_work};
