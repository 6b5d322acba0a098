/* Strips of one vector against packed panels. Include strip_run.h first.
 *
 * Every strip is multiplied with a panel of many tokens, while the next panel is packed. */
#ifndef TESSERA_KERNELS_CPU_STRIP_PACKED_H
#define TESSERA_KERNELS_CPU_STRIP_PACKED_H

#include "kernels/cpu/strip_packing.h"

static size_t packed_workspace_bytes(int64_t k, int64_t tile_tokens) {
  return (size_t)(TILE_FLOATS + 2 * packed_floats(k, tile_tokens)) * sizeof(float);
}

static void run_strips_packed(packed_function *const *tiles, int64_t tile_tokens,
                              const tsr__strips *strips, int64_t first, int64_t last,
                              const tsr_spmm_args *args) {
  int64_t panel_floats = packed_floats(strips->cols, tile_tokens);
  float *scratch = args->workspace;
  float *panel[2] = {scratch + TILE_FLOATS, NULL};
  panel[1] = panel[0] + panel_floats;
  panels p = {args->n, (args->n + tile_tokens - 1) / tile_tokens};
  packed_taps conv = begin_packed_taps(args, tile_tokens, panel[1] + panel_floats);
  packing next = {0};
  if (p.count) next = begin_packing(args, strips->cols, p, 0, panel[0], &conv);
  for (int64_t i = 0; i < p.count; i++) {
    while (next.cols > 0) pack_chunk(&next);
    int64_t token = panel_begin(p, i);
    int T = panel_tokens(p, i);
    packed_job job = {.panel = panel[i & 1], .next = &next};
    if (i + 1 < p.count) next = begin_packing(args, strips->cols, p, i + 1, panel[~i & 1], &conv);
    for (int64_t s = first; s < last; s++) {
      if (!begin_strip(strips, s, args, &job.strip)) break;
      begin_tile(s * strips->shape.rows, token, args, scratch, &job.strip);
      tiles[T](&job);
      finish_tile(s * strips->shape.rows, token, T, args, &job.strip);
    }
  }
}

#endif
