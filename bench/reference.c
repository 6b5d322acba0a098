#include "bench/reference.h"

#include <math.h>

static int64_t out_pixels(const tsr_conv_shape *c) {
  return tsr_conv_output_size(c, 0) * tsr_conv_output_size(c, 1);
}

int64_t tsr__reference_images(const tsr__shape *s) {
  return s->conv.channels ? s->n / out_pixels(&s->conv) : 1;
}

int64_t tsr__reference_rows(const tsr__shape *s) {
  return s->conv.channels ? tsr__reference_images(s) * s->conv.height * s->conv.width : s->n;
}

int64_t tsr__reference_width(const tsr__shape *s) {
  return s->conv.channels ? s->conv.channels : s->k;
}

static double convolve(const tsr__shape *s, const float *w, const float *x, int64_t token) {
  const tsr_conv_shape *c = &s->conv;
  int64_t columns = tsr_conv_output_size(c, 1), pixel = token % out_pixels(c);
  const float *image = x + token / out_pixels(c) * c->height * c->width * c->channels;
  double sum = 0;
  for (int64_t i = 0; i < s->k; i++) {
    int64_t tap = i / c->channels, channel = i % c->channels;
    int64_t row =
        pixel / columns * c->stride[0] - c->padding[0] + tap / c->kernel[1] * c->dilation[0];
    int64_t column =
        pixel % columns * c->stride[1] - c->padding[1] + tap % c->kernel[1] * c->dilation[1];
    if (row < 0 || row >= c->height || column < 0 || column >= c->width) continue;
    sum += (double)w[i] * (double)image[(row * c->width + column) * c->channels + channel];
  }
  return sum;
}

double tsr__reference_output(const tsr__shape *s, const float *weights, const float *x,
                             const float *bias, int64_t row, int64_t token) {
  const float *w = weights + row * s->k;
  if (s->conv.channels) return fmax(0.0, convolve(s, w, x, token) + (double)bias[row]);
  double sum = 0;
  for (int64_t i = 0; i < s->k; i++) sum += (double)w[i] * (double)x[token * s->k + i];
  return sum;
}
