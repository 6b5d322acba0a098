/* Where a convolution's activations lie: column (kernel row, kernel column, channel) of an output
 * pixel is a channel of an input pixel, or +0.0 in the padding. The activations of all output
 * pixels are never laid out as a matrix; a kernel gathers those of the tile it is about to
 * multiply. */
#ifndef TESSERA_KERNELS_CPU_CONV_H
#define TESSERA_KERNELS_CPU_CONV_H

#include <string.h>

#include "kernels/kernel.h"

/* The problem's convolution, NULL if it is none. */
static inline const tsr_conv_shape *tsr__conv_of(const tsr_spmm_problem *problem) {
  return problem->conv.channels ? &problem->conv : NULL;
}

/* A position of the kernel above an image: where its first tap lies, possibly in the padding. */
typedef struct tsr__conv_window {
  const float *image;
  int64_t y, x;
} tsr__conv_window;

/* Output pixels in the order of tokens. */
typedef struct tsr__conv_walk {
  int64_t out_height, out_width, image, y, x;
} tsr__conv_walk;

static inline int64_t tsr__conv_extent(const tsr_conv_shape *s, int axis) {
  int64_t size = axis ? s->width : s->height;
  int64_t span = (int64_t)s->dilation[axis] * (s->kernel[axis] - 1) + 1;
  return (size + 2 * (int64_t)s->padding[axis] - span) / s->stride[axis] + 1;
}

static inline tsr__conv_walk tsr__conv_begin(const tsr_spmm_args *args, int64_t token) {
  tsr__conv_walk w = {tsr__conv_extent(args->conv, 0), tsr__conv_extent(args->conv, 1), 0, 0, 0};
  int64_t at = args->first_token + token;
  w.x = at % w.out_width;
  w.y = at / w.out_width % w.out_height;
  w.image = at / w.out_width / w.out_height;
  return w;
}

/* Past the next `count` pixels, which lie in one row. */
static inline void tsr__conv_skip(tsr__conv_walk *w, int64_t count) {
  w->x += count;
  if (w->x < w->out_width) return;
  w->x = 0;
  if (++w->y < w->out_height) return;
  w->y = 0;
  w->image++;
}

static inline void tsr__conv_step(tsr__conv_walk *w) { tsr__conv_skip(w, 1); }

static inline tsr__conv_window tsr__conv_window_at(const tsr_spmm_args *args,
                                                   const tsr__conv_walk *w) {
  const tsr_conv_shape *s = args->conv;
  return (tsr__conv_window){args->b + w->image * s->height * s->width * args->ldb,
                            w->y * s->stride[0] - s->padding[0],
                            w->x * s->stride[1] - s->padding[1]};
}

/* The pixel under a tap; NULL in the padding. */
static inline const float *tsr__conv_tap(const tsr_spmm_args *args, const tsr__conv_window *window,
                                         int64_t row, int64_t column) {
  const tsr_conv_shape *s = args->conv;
  int64_t y = window->y + row * s->dilation[0], x = window->x + column * s->dilation[1];
  int inside = y >= 0 && y < s->height && x >= 0 && x < s->width;
  return inside ? window->image + (y * s->width + x) * args->ldb : NULL;
}

/* Taps from this one on whose pixels follow each other in memory: the rest of the kernel's row, if
 * the image reaches so far. */
static inline int64_t tsr__conv_adjoining(const tsr_spmm_args *args, const tsr__conv_window *window,
                                          int64_t column) {
  const tsr_conv_shape *s = args->conv;
  int inside = window->x + column >= 0 && window->x + s->kernel[1] <= s->width;
  return inside && s->dilation[1] == 1 && args->ldb == s->channels ? s->kernel[1] - column : 1;
}

/* Columns col .. col + count - 1 under the window. */
static inline void tsr__conv_gather(const tsr_spmm_args *args, const tsr__conv_window *window,
                                    int64_t col, int64_t count, float *out) {
  const tsr_conv_shape *s = args->conv;
  int64_t tap = col / s->channels, channel = col % s->channels;
  int64_t row = tap / s->kernel[1], column = tap % s->kernel[1];
  while (count > 0) {
    int64_t taps = tsr__conv_adjoining(args, window, column);
    int64_t rest = taps * s->channels - channel, piece = rest < count ? rest : count;
    const float *x = tsr__conv_tap(args, window, row, column);
    if (x)
      for (int64_t i = 0; i < piece; i++) out[i] = x[channel + i];
    else
      memset(out, 0, (size_t)piece * sizeof *out);
    out += piece;
    count -= piece;
    channel = 0;
    column += taps;
    if (column == s->kernel[1]) {
      column = 0;
      row++;
    }
  }
}

/* The same for tokens 0 .. args->n - 1; out: [n, ldo]. */
static inline void tsr__conv_gather_tokens(const tsr_spmm_args *args, int64_t col, int64_t count,
                                           float *out, int64_t ldo) {
  tsr__conv_walk walk = tsr__conv_begin(args, 0);
  for (int64_t t = 0; t < args->n; t++, tsr__conv_step(&walk)) {
    tsr__conv_window window = tsr__conv_window_at(args, &walk);
    tsr__conv_gather(args, &window, col, count, out + t * ldo);
  }
}

#endif
