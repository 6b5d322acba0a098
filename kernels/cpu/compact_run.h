/* The compact kernel. Include a vec_*.h first. */
#ifndef TESSERA_KERNELS_CPU_COMPACT_RUN_H
#define TESSERA_KERNELS_CPU_COMPACT_RUN_H

#include "kernels/cpu/compact.h"
#include "kernels/cpu/conv.h"
#include "kernels/cpu/epilogue_vec.h"

/* Every segment writes a full vector; the next one overwrites what was too much. */
static void gather(const tsr__compact *w, const float *x, float *out) {
  int64_t whole = w->cols / TSR__SEGMENT;
  for (int64_t s = 0; s < whole; s++)
    vec_compress(w->col_segments[s].kept, x + s * TSR__SEGMENT, out + w->col_segments[s].before);
  for (int64_t c = whole * TSR__SEGMENT, i = 0; c < w->cols; c++)
    if (w->col_segments[whole].kept >> c % TSR__SEGMENT & 1)
      out[w->col_segments[whole].before + i++] = x[c];
}

/* sums: [kept_rows], readable for a segment more. out: [rows], pruned rows get 0. */
static void scatter(const tsr__compact *w, const float *sums, float *out) {
  for (int64_t s = 0; s * TSR__SEGMENT < w->rows; s++) {
    int64_t rows = w->rows - s * TSR__SEGMENT;
    vec_expand(w->row_segments[s].kept, sums + w->row_segments[s].before, out + s * TSR__SEGMENT,
               (int)(rows < TSR__SEGMENT ? rows : TSR__SEGMENT));
  }
}

/* Adds the bias to scattered sums, which may include the outputs of pruned rows. */
static void add_bias(const float *bias, int64_t rows, float *y) {
  for (int64_t r = 0; r < rows; r += TSR__LANES) {
    tsr__vec_mask mask = vec_mask_first((int)(rows - r < TSR__LANES ? rows - r : TSR__LANES));
    vec_store_masked(mask, y + r,
                     vec_add(vec_load_masked(mask, y + r), vec_load_masked(mask, bias + r)));
  }
}

/* Workspace: what the strips need, gathered activations, sums, one token's scattered sums, one
 * token's activations before they are gathered. */
typedef struct compact_buffers {
  float *gathered, *sums, *scattered, *window;
} compact_buffers;

static size_t compact_floats(int64_t rows, int64_t cols, compact_buffers *buffers, float *base) {
  size_t gathered = (size_t)(TSR__COMPACT_TOKENS * tsr__compact_ld(cols));
  size_t sums = (size_t)(TSR__COMPACT_TOKENS * tsr__compact_ld(rows));
  size_t scattered = (size_t)tsr__compact_ld(rows);
  if (buffers)
    *buffers = (compact_buffers){base, base + gathered, base + gathered + sums,
                                 base + gathered + sums + scattered};
  return gathered + sums + scattered + (size_t)tsr__compact_ld(cols);
}

static void gather_tokens(const tsr__compact *w, const compact_buffers *buffers, int64_t ldo,
                          const tsr_spmm_args *args) {
  tsr__conv_walk walk = {0};
  if (args->conv) walk = tsr__conv_begin(args, 0);
  for (int64_t t = 0; t < args->n; t++) {
    const float *x = args->b + t * args->ldb;
    if (args->conv) {
      tsr__conv_window window = tsr__conv_window_at(args, &walk);
      tsr__conv_gather(args, &window, 0, args->k, buffers->window);
      tsr__conv_step(&walk);
      x = buffers->window;
    }
    gather(w, x, buffers->gathered + t * ldo);
  }
}

static void scatter_tokens(const tsr__compact *w, const compact_buffers *buffers, int64_t lds,
                           const tsr_spmm_args *args) {
  for (int64_t t = 0; t < args->n; t++) {
    scatter(w, buffers->sums + t * lds, buffers->scattered);
    if (args->bias) add_bias(args->bias, w->rows, buffers->scattered);
    epilogue(args, buffers->scattered, 0, 0, w->rows, t, 1);
  }
}

/* args: at most TSR__COMPACT_TOKENS tokens. */
static void compact_group(tsr__strips_run *run, const tsr__compact *w,
                          const compact_buffers *buffers, const tsr_spmm_args *args) {
  tsr_spmm_args inner = *args;
  inner.m = w->kept_rows;
  inner.k = w->kept_cols;
  if (w->col_segments) {
    inner.ldb = tsr__compact_ld(w->kept_cols);
    inner.b = buffers->gathered;
    inner.conv = NULL;
    gather_tokens(w, buffers, inner.ldb, args);
  }
  if (w->row_segments) {
    inner.c = buffers->sums;
    inner.ldc = tsr__compact_ld(w->kept_rows);
    inner.bias = inner.residual = NULL;
    inner.activation = TSR_ACTIVATION_NONE;
  }
  run(w->strips, 0, w->strips->strip_count, &inner);
  if (w->row_segments) scatter_tokens(w, buffers, inner.ldc, args);
}

static void compact_run(tsr__strips_run *run, size_t strips_bytes, const tsr_spmm_args *args,
                        int part, int parts) {
  const tsr__compact *w = args->weights;
  compact_buffers buffers;
  compact_floats(w->rows, w->cols, &buffers,
                 (float *)args->workspace + strips_bytes / sizeof(float));
  tsr__span tokens = tsr__part_of(args->n, 1, part, parts);
  int64_t count = tokens.end - tokens.begin;
  int64_t groups = (count + TSR__COMPACT_TOKENS - 1) / TSR__COMPACT_TOKENS;
  for (int64_t g = 0; g < groups; g++) {
    tsr__span span = {tokens.begin + count * g / groups, tokens.begin + count * (g + 1) / groups};
    tsr_spmm_args group = tsr__args_of_tokens(args, span);
    compact_group(run, w, &buffers, &group);
  }
}

#endif
