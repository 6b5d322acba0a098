/* Tables of the pixels that lie under a convolution's taps, for kernels that read activations where
 * they are: a run of columns within one tap is a run of channels of one pixel. */
#ifndef TESSERA_KERNELS_CPU_CONV_TAPS_H
#define TESSERA_KERNELS_CPU_CONV_TAPS_H

#include "kernels/cpu/conv.h"

/* tables: [taps][stride] pointers for each group of at most `stride` tokens. */
typedef struct tsr__conv_taps {
  const float *zeros; /* [channels]: every pixel of the padding */
  uint32_t channels;
  int32_t taps, stride;
  uint64_t reciprocal; /* tsr__conv_reciprocal */
} tsr__conv_taps;

/* ceil(2^32 / channels): col x reciprocal / 2^32 is the tap of a column. */
static inline uint64_t tsr__conv_reciprocal(int64_t channels) {
  return (((uint64_t)1 << 32) + (uint64_t)channels - 1) / (uint64_t)channels;
}

/* Whether that is exact for all columns. */
static inline int tsr__conv_is_exact(int64_t taps, int64_t channels) {
  return channels > 0 && taps * channels < (int64_t)UINT32_MAX / channels;
}

/* Whether runs of `run_cols` columns lie within a tap each. */
static inline int tsr__conv_has_taps(const tsr_conv_shape *s, int64_t run_cols) {
  return s->channels % run_cols == 0 &&
         tsr__conv_is_exact((int64_t)s->kernel[0] * s->kernel[1], s->channels);
}

/* The zeros, then tables of `groups` groups. */
static inline size_t tsr__conv_taps_bytes(const tsr_conv_shape *s, int64_t groups, int64_t stride) {
  size_t table = (size_t)((int64_t)s->kernel[0] * s->kernel[1] * stride) * sizeof(float *);
  return (size_t)s->channels * sizeof(float) + (size_t)groups * table;
}

/* memory: tsr__conv_taps_bytes; *tables: where the tables go in it. */
static inline tsr__conv_taps tsr__conv_taps_begin(const tsr_conv_shape *s, int64_t stride,
                                                  float *memory, const float ***tables) {
  memset(memory, 0, (size_t)s->channels * sizeof *memory);
  *tables = (const float **)(void *)(memory + s->channels);
  return (tsr__conv_taps){.zeros = memory,
                          .channels = (uint32_t)s->channels,
                          .taps = s->kernel[0] * s->kernel[1],
                          .stride = (int32_t)stride,
                          .reciprocal = tsr__conv_reciprocal(s->channels)};
}

/* The table's row for a column, and the column's channel. */
static inline const float *const *tsr__conv_pixels(const tsr__conv_taps *t,
                                                   const float *const *table, int32_t col,
                                                   uint32_t *channel) {
  uint32_t tap = (uint32_t)((uint64_t)(uint32_t)col * t->reciprocal >> 32);
  *channel = (uint32_t)col - tap * t->channels;
  return table + (int64_t)tap * t->stride;
}

/* Output pixels side by side: `count` of them from window `at` on, `step` floats apart. */
typedef struct tsr__conv_stretch {
  tsr__conv_window at;
  int64_t step;
  int count;
} tsr__conv_stretch;

/* How many of `count` pixels lie at columns below `limit`, the first one at column x. */
static inline int tsr__conv_count_below(const tsr_conv_shape *s, int64_t x, int64_t limit,
                                        int count) {
  if (x >= limit) return 0;
  int64_t below = (limit - x + s->stride[1] - 1) / s->stride[1];
  return below < count ? (int)below : count;
}

/* The taps of one kernel column, the first one's entries at `out`. */
static inline void tsr__conv_fill_column(const tsr_spmm_args *args, const tsr__conv_taps *taps,
                                         const tsr__conv_stretch *stretch, int32_t kx,
                                         const float **out) {
  const tsr_conv_shape *s = args->conv;
  int64_t x = stretch->at.x + (int64_t)kx * s->dilation[1];
  int left = tsr__conv_count_below(s, x, 0, stretch->count);
  int inside = tsr__conv_count_below(s, x, s->width, stretch->count);
  for (int32_t ky = 0; ky < s->kernel[0]; ky++, out += (int64_t)s->kernel[1] * taps->stride) {
    int64_t y = stretch->at.y + (int64_t)ky * s->dilation[0];
    int begin = left, end = y >= 0 && y < s->height ? inside : left;
    int64_t first = (y * s->width + x) * args->ldb;
    for (int t = 0; t < begin; t++) out[t] = taps->zeros;
    for (int t = begin; t < end; t++) out[t] = stretch->at.image + (first + t * stretch->step);
    for (int t = end; t < stretch->count; t++) out[t] = taps->zeros;
  }
}

/* The table of the next `tokens` tokens of the walk. Entries past them are zeros too: a tile may
 * read ahead for more tokens than there are. */
static inline void tsr__conv_fill(const tsr_spmm_args *args, const tsr__conv_taps *taps,
                                  tsr__conv_walk *walk, int tokens, const float **table) {
  for (int t = 0; t < tokens;) {
    int64_t left = walk->out_width - walk->x;
    int count = left < tokens - t ? (int)left : tokens - t;
    tsr__conv_stretch stretch = {tsr__conv_window_at(args, walk), args->conv->stride[1] * args->ldb,
                                 count};
    for (int32_t kx = 0; kx < args->conv->kernel[1]; kx++)
      tsr__conv_fill_column(args, taps, &stretch, kx, table + t + (int64_t)kx * taps->stride);
    tsr__conv_skip(walk, count);
    t += count;
  }
  for (int32_t tap = 0; tap < taps->taps; tap++, table += taps->stride)
    for (int t = tokens; t < taps->stride; t++) table[t] = taps->zeros;
}

#endif
