#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/layer/layer.h"

/* Keeps addresses within an image, and every sum of the fields below, far from overflow. */
enum { FIELD_LIMIT = 1 << 20 };

static tsr_status check_axis(const tsr_conv_shape *s, int axis) {
  const char *name = axis ? "columns" : "rows";
  int64_t size = axis ? s->width : s->height;
  TSR_CHECK(s->kernel[axis] >= 1 && s->stride[axis] >= 1 && s->padding[axis] >= 0 &&
                s->dilation[axis] >= 1 && s->kernel[axis] <= FIELD_LIMIT &&
                s->stride[axis] <= FIELD_LIMIT && s->padding[axis] <= FIELD_LIMIT &&
                s->dilation[axis] <= FIELD_LIMIT,
            TSR_UNSUPPORTED_SHAPE, "%s: kernel %d, stride %d, padding %d, dilation %d", name,
            (int)s->kernel[axis], (int)s->stride[axis], (int)s->padding[axis],
            (int)s->dilation[axis]);
  TSR_CHECK(tsr_conv_output_size(s, axis) >= 1, TSR_UNSUPPORTED_SHAPE,
            "a kernel of %d with dilation %d does not fit %lld + 2 x %d %s", (int)s->kernel[axis],
            (int)s->dilation[axis], (long long)size, (int)s->padding[axis], name);
  return TSR_OK;
}

tsr_status tsr__conv_shape_check(const tsr_conv_shape *s) {
  int64_t pixels, values, taps, k;
  TSR_CHECK(s->height >= 1 && s->width >= 1 && s->channels >= 1 && s->height <= FIELD_LIMIT &&
                s->width <= FIELD_LIMIT && s->channels <= FIELD_LIMIT &&
                tsr__mul_i64(s->height, s->width, &pixels) &&
                tsr__mul_i64(pixels, s->channels, &values),
            TSR_UNSUPPORTED_SHAPE, "images of %lld x %lld x %lld", (long long)s->height,
            (long long)s->width, (long long)s->channels);
  TSR_TRY(check_axis(s, 0));
  TSR_TRY(check_axis(s, 1));
  TSR_CHECK(tsr__mul_i64(s->kernel[0], s->kernel[1], &taps) &&
                tsr__mul_i64(taps, s->channels, &k) && k <= INT32_MAX,
            TSR_UNSUPPORTED_SHAPE, "a kernel of %d x %d over %lld channels", (int)s->kernel[0],
            (int)s->kernel[1], (long long)s->channels);
  return TSR_OK;
}

int tsr__layer_images_of(const tsr__layer *layer, tsr__layer_images *out) {
  int conv = layer->kind == TSR_LAYER_CONV2D;
  if (!conv && layer->kind != TSR_LAYER_POOL2D) return 0;
  const tsr_conv_shape *s = conv ? &layer->as.conv2d.shape : &layer->as.pool2d.shape;
  *out =
      (tsr__layer_images){.in_pixels = s->height * s->width,
                          .in_channels = s->channels,
                          .out_pixels = tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1),
                          .out_channels = conv ? layer->as.conv2d.linear.weight.rows : s->channels};
  return 1;
}
