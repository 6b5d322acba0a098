/* Convolutions. One group is a linear layer of pixels and has its plan; several groups run here, in
 * plain loops over dense weights. */
#include "kernels/cpu/conv.h"
#include "kernels/cpu/epilogue_scalar.h"
#include "runtime/base/status.h"
#include "runtime/layer/layer.h"

static int64_t output_width(const tsr__layer *layer) {
  const tsr__conv2d *c = &layer->as.conv2d;
  return tsr_conv_output_size(&c->shape, 0) * tsr_conv_output_size(&c->shape, 1) *
         c->linear.weight.rows;
}

static tsr_status check_groups(const tsr__layer *layer) {
  const tsr__conv2d *c = &layer->as.conv2d;
  const tsr_packed *w = &c->linear.weight;
  if (c->groups == 1) return TSR_OK;
  TSR_CHECK(w->rows % c->groups == 0 && c->shape.channels % c->groups == 0, TSR_UNSUPPORTED_SHAPE,
            "%lld groups of %lld filters over %lld channels", (long long)c->groups,
            (long long)w->rows, (long long)c->shape.channels);
  TSR_CHECK(w->format == TSR_FORMAT_DENSE && w->dtype == TSR_DTYPE_F32, TSR_UNSUPPORTED,
            "%lld groups with weights that are not dense F32", (long long)c->groups);
  TSR_CHECK(layer->residual == TSR__NO_SLOT, TSR_UNSUPPORTED, "%lld groups with a residual",
            (long long)c->groups);
  return TSR_OK;
}

static tsr_status validate(const tsr__layer *layer, int64_t input_width) {
  const tsr__conv2d *c = &layer->as.conv2d;
  const tsr_conv_shape *s = &c->shape;
  TSR_CHECK(c->groups >= 1, TSR_INVALID_ARGUMENT, "%lld groups", (long long)c->groups);
  TSR_TRY(tsr__conv_shape_check(s));
  int64_t k = (int64_t)s->kernel[0] * s->kernel[1] * (s->channels / c->groups);
  TSR_CHECK(c->linear.weight.cols == k, TSR_UNSUPPORTED_SHAPE,
            "the weight takes %lld inputs, but a kernel of %d x %d over %lld channels has %lld",
            (long long)c->linear.weight.cols, (int)s->kernel[0], (int)s->kernel[1],
            (long long)(s->channels / c->groups), (long long)k);
  TSR_CHECK(s->height * s->width * s->channels <= input_width, TSR_UNSUPPORTED_SHAPE,
            "images of %lld x %lld x %lld, but its input has %lld values", (long long)s->height,
            (long long)s->width, (long long)s->channels, (long long)input_width);
  TSR_CHECK((unsigned)c->linear.activation < TSR_ACTIVATION_COUNT, TSR_INVALID_ARGUMENT,
            "activation %d", (int)c->linear.activation);
  return check_groups(layer);
}

/* One filter at one output pixel; channel: the first of its group. */
static float sum_of(const tsr_spmm_args *args, const tsr__conv_window *window, const float *w,
                    int64_t channel, int64_t channels) {
  float sum = 0;
  for (int32_t ky = 0; ky < args->conv->kernel[0]; ky++)
    for (int32_t kx = 0; kx < args->conv->kernel[1]; kx++, w += channels) {
      const float *x = tsr__conv_tap(args, window, ky, kx);
      for (int64_t i = 0; x && i < channels; i++) sum += w[i] * x[channel + i];
    }
  return sum;
}

static void run_part(const tsr__layer *layer, const tsr__layer_io *io, int part, int parts) {
  const tsr__conv2d *c = &layer->as.conv2d;
  const tsr_packed *w = &c->linear.weight;
  int64_t filters = w->rows / c->groups, channels = c->shape.channels / c->groups, first, end;
  tsr_spmm_args args = {.b = io->x,
                        .ldb = c->shape.channels,
                        .c = io->y,
                        .ldc = w->rows,
                        .bias = c->linear.bias,
                        .activation = c->linear.activation,
                        .conv = &c->shape};
  tsr__layer_share(io->images * (output_width(layer) / w->rows), part, parts, &first, &end);
  if (first == end) return;
  tsr__conv_walk walk = tsr__conv_begin(&args, first);
  for (int64_t t = first; t < end; t++, tsr__conv_step(&walk)) {
    tsr__conv_window window = tsr__conv_window_at(&args, &walk);
    for (int64_t r = 0; r < w->rows; r++)
      tsr__epilogue_scalar(&args, r, t,
                           sum_of(&args, &window, (const float *)w->values + r * w->cols,
                                  r / filters * channels, channels));
  }
}

static void run(const tsr__layer *layer, const tsr__layer_io *io) {
  tsr__layer_parts(run_part, layer, io);
}

const tsr__layer_ops tsr__conv2d_ops = {
    .output_width = output_width, .validate = validate, .run = run, .rows = TSR__ROWS_SEQUENCES};
