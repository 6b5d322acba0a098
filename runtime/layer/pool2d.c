/* Maximum and average over windows of an image; global pooling has a window as large as it. */
#include <math.h>

#include "kernels/cpu/conv.h"
#include "runtime/base/status.h"
#include "runtime/layer/layer.h"

static int64_t output_width(const tsr__layer *layer) {
  const tsr_conv_shape *s = &layer->as.pool2d.shape;
  return tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1) * s->channels;
}

static tsr_status validate(const tsr__layer *layer, int64_t input_width) {
  const tsr__pool2d *p = &layer->as.pool2d;
  const tsr_conv_shape *s = &p->shape;
  TSR_TRY(tsr__conv_shape_check(s));
  TSR_CHECK(p->kind == TSR__POOL2D_MAX || p->kind == TSR__POOL2D_AVERAGE, TSR_INVALID_ARGUMENT,
            "pooling %d", (int)p->kind);
  for (int axis = 0; axis < 2; axis++)
    TSR_CHECK(2 * s->padding[axis] <= s->kernel[axis], TSR_UNSUPPORTED_SHAPE,
              "a padding of %d is more than half the window of %d", (int)s->padding[axis],
              (int)s->kernel[axis]);
  TSR_CHECK(s->height * s->width * s->channels <= input_width, TSR_UNSUPPORTED_SHAPE,
            "images of %lld x %lld x %lld, but its input has %lld values", (long long)s->height,
            (long long)s->width, (long long)s->channels, (long long)input_width);
  return TSR_OK;
}

static int is_global(const tsr_conv_shape *s) {
  return s->kernel[0] == s->height && s->kernel[1] == s->width && !s->padding[0] && !s->padding[1];
}

/* Pixels in the padding take no part in a maximum; in an average they count as zeros. */
static void pool_window(const tsr__pool2d *p, const tsr_spmm_args *args,
                        const tsr__conv_window *window, const tsr_layer_kernels *kernels,
                        float *y) {
  const tsr_conv_shape *s = &p->shape;
  float start = p->kind == TSR__POOL2D_MAX ? -INFINITY : 0.0f;
  for (int64_t i = 0; i < s->channels; i++) y[i] = start;
  for (int32_t ky = 0; ky < s->kernel[0]; ky++)
    for (int32_t kx = 0; kx < s->kernel[1]; kx++) {
      const float *x = tsr__conv_tap(args, window, ky, kx);
      if (!x) continue;
      if (p->kind == TSR__POOL2D_MAX)
        kernels->maximum(y, x, y, s->channels);
      else
        for (int64_t i = 0; i < s->channels; i++) y[i] += x[i];
    }
  float factor = 1.0f / (float)((int64_t)s->kernel[0] * s->kernel[1]);
  if (p->kind == TSR__POOL2D_AVERAGE)
    for (int64_t i = 0; i < s->channels; i++) y[i] *= factor;
}

static void run_part(const tsr__layer *layer, const tsr__layer_io *io, int part, int parts) {
  const tsr__pool2d *p = &layer->as.pool2d;
  const tsr_conv_shape *s = &p->shape;
  const tsr_layer_kernels *kernels = io->limits->kernels;
  int64_t first, end, pixels = s->height * s->width;
  tsr__layer_share(io->images * (output_width(layer) / s->channels), part, parts, &first, &end);
  if (first == end) return;
  tsr_spmm_args args = {.b = io->x, .ldb = s->channels, .conv = s};
  tsr__conv_walk walk = tsr__conv_begin(&args, first);
  for (int64_t t = first; t < end; t++, tsr__conv_step(&walk)) {
    float *y = io->y + t * s->channels;
    tsr__conv_window window = tsr__conv_window_at(&args, &walk);
    if (p->kind == TSR__POOL2D_AVERAGE && is_global(s))
      kernels->mean(window.image, pixels, s->channels, y);
    else
      pool_window(p, &args, &window, kernels, y);
  }
}

static void run(const tsr__layer *layer, const tsr__layer_io *io) {
  tsr__layer_parts(run_part, layer, io);
}

const tsr__layer_ops tsr__pool2d_ops = {
    .output_width = output_width, .validate = validate, .run = run, .rows = TSR__ROWS_SEQUENCES};
