/* A convolution's strips against pixels where they are. Include strip_run.h first.
 *
 * Where a tile's pixels find room in L1 beside each other nothing is copied: the run after the next
 * is fetched, then broadcast from there. Panels are taken in groups whose activations stay in the
 * L2 cache while all strips pass over them. */
#ifndef TESSERA_KERNELS_CPU_STRIP_IN_PLACE_H
#define TESSERA_KERNELS_CPU_STRIP_IN_PLACE_H

#include "kernels/cpu/strip_run.h"

TSR__INLINE void fetch_run(int T, const strip_job *job, tsr__run run) {
  uint32_t channel;
  const float *const *pixels = tsr__conv_pixels(&job->taps, job->table, run.col, &channel);
  for (int t = 0; t < T; t++) _mm_prefetch((const char *)(pixels[t] + channel), _MM_HINT_T0);
}

TSR__INLINE void in_place_tile(const int H, const int C, const int T, const int U,
                               const strip_job *job) {
  tsr__vec acc[TSR__ACCUMULATORS];
  fetch_outputs(0, T, job);
  begin_sums(H, C, T, U, job->bias, job->rows, acc);
  const float *values = job->values;
  const char *ahead = (const char *)job->ahead;
  const tsr__run *run = job->runs, *end = run + job->run_count;
  for (; run < end; values += run_floats(H, C, run), run++) {
    const float *x[TSR__ACCUMULATORS];
    ahead = fetch_weights(job, ahead);
    if (end - run > 2) fetch_run(T, job, run[2]);
    uint32_t channel;
    const float *const *pixels = tsr__conv_pixels(&job->taps, job->table, run->col, &channel);
    for (int t = 0; t < T; t++) x[t] = pixels[t] + channel;
    multiply_run_at(H, C, T, U, values, x, run->count, acc);
  }

  end_sums(H, C, T, U, job->bias, job->rows, acc);
  store_tile(H / C, T, acc, job);
}

/* Tables of the pixels of panels begin..end - 1, `stride` pointers each. */
static void fill_tables(panels p, int64_t begin, int64_t end, const tsr_spmm_args *args,
                        const tsr__conv_taps *taps, int64_t stride, const float **tables) {
  tsr__conv_walk walk = tsr__conv_begin(args, panel_begin(p, begin));
  for (int64_t i = begin; i < end; i++, tables += stride)
    tsr__conv_fill(args, taps, &walk, panel_tokens(p, i), tables);
}

/* Workspace: STRIP_WORKSPACE_BYTES, and tsr__conv_taps_bytes of PANELS_MAX panels
 * more. */
static void run_strips_in_place(strip_function *const *tiles, int64_t tile_tokens,
                                const tsr__strips *strips, int64_t first, int64_t last,
                                const tsr_spmm_args *args) {
  float *workspace = args->workspace;
  const float **tables;
  panels p = {args->n, (args->n + tile_tokens - 1) / tile_tokens};
  strip_job job = {0};
  job.taps = tsr__conv_taps_begin(args->conv, tile_tokens,
                                  workspace + STRIP_WORKSPACE_BYTES / sizeof(float), &tables);
  int64_t stride = (int64_t)job.taps.taps * job.taps.stride;
  int64_t group = group_panels(args->conv->channels, tile_tokens);
  for (int64_t begin = 0; begin < p.count; begin += group) {
    int64_t end = p.count - begin < group ? p.count : begin + group;
    fill_tables(p, begin, end, args, &job.taps, stride, tables);
    for (int64_t s = first; s < last; s++) {
      int64_t row = s * strips->shape.rows;
      if (!begin_strip(strips, s, args, &job)) break;
      for (int64_t i = begin; i < end; i++) {
        int64_t token = panel_begin(p, i);
        int T = panel_tokens(p, i);
        job.table = tables + (i - begin) * stride;
        begin_tile(row, token, args, workspace, &job);
        fetch_ahead(strips, s, last, i - begin, end - begin, &job);
        tiles[T](&job);
        finish_tile(row, token, T, args, &job);
      }
    }
  }
}

#endif
