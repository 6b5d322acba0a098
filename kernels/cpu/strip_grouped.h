/* Strips against groups of packed panels. Include strip_run.h first.
 *
 * The panels of a group are packed one after the other; then every strip is multiplied with all of
 * them while they stay in the L2 cache, so that its weights are read from afar once a group. */
#ifndef TESSERA_KERNELS_CPU_STRIP_GROUPED_H
#define TESSERA_KERNELS_CPU_STRIP_GROUPED_H

#include "kernels/cpu/strip_packing.h"

/* What several taps read would be packed again for each, so that their panels are taken one by one.
 */
static inline int64_t packed_group(int64_t k, const tsr_conv_shape *conv, int64_t tile_tokens) {
  int is_several = conv && !crosses_taps(conv) && conv->kernel[0] * conv->kernel[1] > 1;
  return is_several ? 1 : group_panels(k, tile_tokens);
}

/* A convolution's tables lie behind them. */
static inline size_t grouped_workspace_bytes(int64_t k, const tsr_conv_shape *conv,
                                             int64_t tile_tokens) {
  int64_t floats = packed_group(k, conv, tile_tokens) * packed_floats(k, tile_tokens);
  return (size_t)(TILE_FLOATS + floats) * sizeof(float);
}

/* Panels begin..end - 1 of p. */
typedef struct panel_group {
  panels p;
  int64_t begin, end, panel_floats;
} panel_group;

static void pack_group(const panel_group *g, const tsr_spmm_args *args, int64_t cols,
                       packed_taps *conv, float *packed) {
  for (int64_t i = g->begin; i < g->end; i++, packed += g->panel_floats) {
    packing next = begin_packing(args, cols, g->p, i, packed, conv);
    while (next.cols > 0) pack_chunk(&next);
  }
}

static void run_group(packed_function *const *tiles, const panel_group *g, const float *packed,
                      const tsr__strips *strips, int64_t first, int64_t last,
                      const tsr_spmm_args *args) {
  packing none = {0};
  packed_job job = {.next = &none};
  for (int64_t s = first; s < last; s++) {
    int64_t row = s * strips->shape.rows;
    if (!begin_strip(strips, s, args, &job.strip)) break;
    for (int64_t i = g->begin; i < g->end; i++) {
      int64_t token = panel_begin(g->p, i);
      int T = panel_tokens(g->p, i);
      job.panel = packed + (i - g->begin) * g->panel_floats;
      begin_tile(row, token, args, args->workspace, &job.strip);
      fetch_ahead(strips, s, last, i - g->begin, g->end - g->begin, &job.strip);
      fetch_outputs(0, T, &job.strip);
      tiles[T](&job);
      finish_tile(row, token, T, args, &job.strip);
    }
  }
}

/* Workspace: grouped_workspace_bytes, and of a convolution tsr__conv_taps_bytes of one panel. */
static void run_strips_grouped(packed_function *const *tiles, int64_t tile_tokens,
                               const tsr__strips *strips, int64_t first, int64_t last,
                               const tsr_spmm_args *args) {
  float *packed = (float *)args->workspace + TILE_FLOATS;
  size_t bytes = grouped_workspace_bytes(strips->cols, args->conv, tile_tokens);
  packed_taps conv =
      begin_packed_taps(args, tile_tokens, (float *)args->workspace + bytes / sizeof(float));
  int64_t most = packed_group(strips->cols, args->conv, tile_tokens);
  panel_group g = {.p = {args->n, (args->n + tile_tokens - 1) / tile_tokens},
                   .panel_floats = packed_floats(strips->cols, tile_tokens)};
  int64_t count = (g.p.count + most - 1) / most;
  for (int64_t i = 0; i < count; i++) {
    g.begin = g.p.count * i / count;
    g.end = g.p.count * (i + 1) / count;
    pack_group(&g, args, strips->cols, &conv, packed);
    run_group(tiles, &g, packed, strips, first, last, args);
  }
}

#endif
