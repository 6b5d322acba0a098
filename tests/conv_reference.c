#include "tests/conv_reference.h"

#include <math.h>

int64_t tsr_test_conv_positions(const tsr_conv_shape *s, int axis) {
  int64_t size = axis ? s->width : s->height, count = 0;
  for (int64_t at = -s->padding[axis];; at += s->stride[axis], count++)
    if (at + s->dilation[axis] * (s->kernel[axis] - 1) >= size + s->padding[axis]) return count;
}

static double one(const tsr_conv_shape *s, const float *w, const float *image, int64_t ldx,
                  int64_t oy, int64_t ox) {
  double sum = 0;
  for (int64_t ky = 0; ky < s->kernel[0]; ky++)
    for (int64_t kx = 0; kx < s->kernel[1]; kx++) {
      int64_t y = oy * s->stride[0] + ky * s->dilation[0] - s->padding[0];
      int64_t x = ox * s->stride[1] + kx * s->dilation[1] - s->padding[1];
      if (y < 0 || y >= s->height || x < 0 || x >= s->width) continue;
      for (int64_t c = 0; c < s->channels; c++)
        sum += (double)w[(ky * s->kernel[1] + kx) * s->channels + c] *
               (double)image[(y * s->width + x) * ldx + c];
    }
  return sum;
}

void tsr_test_conv(const tsr_conv_shape *s, const float *w, int64_t m, const float *x, int64_t ldx,
                   int64_t images, double *y) {
  int64_t rows = tsr_test_conv_positions(s, 0), columns = tsr_test_conv_positions(s, 1);
  int64_t k = (int64_t)s->kernel[0] * s->kernel[1] * s->channels;
  for (int64_t i = 0; i < images; i++)
    for (int64_t oy = 0; oy < rows; oy++)
      for (int64_t ox = 0; ox < columns; ox++)
        for (int64_t r = 0; r < m; r++)
          *y++ = one(s, w + r * k, x + i * s->height * s->width * ldx, ldx, oy, ox);
}

void tsr_test_pool2d(const tsr_conv_shape *s, int maximum, int64_t images, const float *x,
                     double *y) {
  int64_t rows = tsr_test_conv_positions(s, 0), columns = tsr_test_conv_positions(s, 1);
  for (int64_t i = 0; i < images * rows * columns * s->channels; i++) {
    int64_t c = i % s->channels, ox = i / s->channels % columns;
    int64_t oy = i / s->channels / columns % rows, image = i / s->channels / columns / rows;
    double best = -INFINITY, sum = 0;
    for (int64_t ky = 0; ky < s->kernel[0]; ky++)
      for (int64_t kx = 0; kx < s->kernel[1]; kx++) {
        int64_t py = oy * s->stride[0] + ky * s->dilation[0] - s->padding[0];
        int64_t px = ox * s->stride[1] + kx * s->dilation[1] - s->padding[1];
        if (py < 0 || py >= s->height || px < 0 || px >= s->width) continue;
        double v = (double)x[((image * s->height + py) * s->width + px) * s->channels + c];
        if (v > best || isnan(v)) best = v;
        sum += v;
      }
    y[i] = maximum ? best : sum / (s->kernel[0] * s->kernel[1]);
  }
}
