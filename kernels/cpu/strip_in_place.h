/* Strips of two vectors against activations where they are. Include strip_run.h first.
 *
 * With few tokens in a tile its lines find room in the ways of an L1 set even when a power of two
 * lies between them, so that nothing is copied: the run after the next is fetched, then broadcast
 * from there. Panels are taken in groups whose activations stay in the L2 cache while all strips
 * pass over them. */
#ifndef TESSERA_KERNELS_CPU_STRIP_IN_PLACE_H
#define TESSERA_KERNELS_CPU_STRIP_IN_PLACE_H

#include "kernels/cpu/strip_run.h"

enum { IN_PLACE_TOKENS = TSR__ACCUMULATORS / 2 };

/* The tokens' activations from the run's first column on. */
TSR__INLINE void locate(int T, int mapped, const strip_job *job, int32_t col, const float *x[]) {
  if (mapped) {
    uint32_t channel;
    const float *const *pixels = tsr__conv_pixels(&job->taps, job->table, col, &channel);
    for (int t = 0; t < T; t++) x[t] = pixels[t] + channel;
  } else {
    for (int t = 0; t < T; t++) x[t] = job->x + t * job->ldx + col;
  }
}

TSR__INLINE void in_place_tile(const int C, const int T, const int U, const int mapped,
                               const strip_job *job) {
  tsr__vec acc[TSR__ACCUMULATORS];
  for (int t = 0; t < T; t++) _mm_prefetch((const char *)(job->out + t * job->ldo), _MM_HINT_T0);
  begin_sums(2, C, T, U, job->bias, job->rows, acc);
  const float *values = job->values;
  const char *ahead = (const char *)job->ahead;
  const tsr__run *run = job->runs, *end = run + job->run_count;
  for (; run < end; run++) {
    const float *x[IN_PLACE_TOKENS];
    for (int i = 0; i < job->ahead_lines; i++, ahead += 64) _mm_prefetch(ahead, _MM_HINT_T1);
    if (end - run > 2) fetch_run(T, mapped, job, run[2]);
    locate(T, mapped, job, run->col, x);
    multiply_run_at(2, C, T, U, values, x, run->count, acc);
    values += (run->count + C - 1) / C * 2 * TSR__LANES;
  }

  end_sums(2, C, T, U, job->bias, job->rows, acc);
  store_tile(2 / C, T, acc, job);
}

/* Panels whose activations take about a quarter of a small L2 cache, so that weights are not read
 * too often either. */
static inline int64_t group_panels(const tsr__strips *strips, const tsr_conv_shape *conv) {
  enum { GROUP_BYTES = 160 << 10, GROUP_MIN = 4 };
  int64_t token_floats = conv ? conv->channels : strips->cols;
  int64_t panel_bytes = (token_floats + 1) * IN_PLACE_TOKENS * (int64_t)sizeof(float);
  int64_t count = GROUP_BYTES / panel_bytes;
  return count < GROUP_MIN ? GROUP_MIN : count > PANELS_MAX ? PANELS_MAX : count;
}

/* Workspace: as of run_strips. */
static void run_strips_in_place(strip_function *const *tiles, const tsr__strips *strips,
                                int64_t first, int64_t last, const tsr_spmm_args *args) {
  float *workspace = args->workspace;
  const float **tables = NULL;
  panels p = {args->n, (args->n + IN_PLACE_TOKENS - 1) / IN_PLACE_TOKENS};
  strip_job job = {.ldx = args->ldb};
  if (args->conv)
    job.taps = tsr__conv_taps_begin(args->conv, IN_PLACE_TOKENS,
                                    workspace + STRIP_WORKSPACE_BYTES / sizeof(float), &tables);
  int64_t group = group_panels(strips, args->conv);
  for (int64_t begin = 0; begin < p.count; begin += group) {
    panel_bounds bounds[PANELS_MAX];
    int64_t count = p.count - begin < group ? p.count - begin : group;
    list_panels(p, begin, count, args, &job.taps, tables, bounds);
    for (int64_t s = first; s < last; s++) {
      int64_t row = s * strips->shape.rows;
      if (!begin_strip(strips, s, args, &job)) break;
      for (int64_t i = 0; i < count; i++) {
        int64_t token = bounds[i].token;
        job.table = bounds[i].table;
        if (!args->conv) job.x = args->b + token * args->ldb;
        begin_tile(row, token, args, workspace, &job);
        fetch_ahead(strips, s, last, i, count, &job);
        tiles[bounds[i].tokens](&job);
        finish_tile(row, token, bounds[i].tokens, args, &job);
      }
    }
  }
}

#endif
