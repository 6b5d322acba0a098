#include "runtime/model/resnet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"

/* Output channels of a bottleneck block per channel within it. */
enum { EXPANSION = 4 };

typedef struct builder {
  const tsr__resnet_config *config;
  tsr__weights *weights;
  tsr_model *model;
  int64_t height, width, channels; /* of what goes from block to block */
  int32_t trunk, other;            /* slots of that, in turn */
  int32_t inner[2];                /* within a block */
} builder;

/* One convolution, its BatchNorm and what follows. */
typedef struct conv_step {
  const char *stem;        /* "layer1.0." */
  const char *name, *norm; /* "conv1", "bn1" */
  int32_t input, residual, output;
  int64_t height, width, channels; /* of its input; then of its output */
  int64_t filters, usual;          /* 0 = what the tensor has, usually so many */
  int32_t kernel, stride;
  int relu;
} conv_step;

/* ---- BatchNorm ---- */

typedef struct norm {
  const float *gamma, *beta, *mean, *variance;
} norm;

static tsr_status get_norm(const builder *b, const char *name, int64_t channels, norm *out) {
  const struct {
    const char *suffix;
    float initial;
    const float **values;
  } parts[] = {{"weight", 1, &out->gamma},
               {"bias", 0, &out->beta},
               {"running_mean", 0, &out->mean},
               {"running_var", 1, &out->variance}};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    char full[2 * TSR__LAYER_NAME_MAX + 16];
    snprintf(full, sizeof full, "%s.%s", name, parts[i].suffix);
    TSR_TRY(b->weights->floats(b->weights, full, 1, channels, parts[i].initial, parts[i].values));
  }
  return TSR_OK;
}

/* *values: [rows, cols]; NULL afterwards if it belongs to *out. */
static tsr_status scale_rows(const tsr_packed *weight, const float *scale, float **values,
                             tsr_packed *out) {
  float *v = *values;
  TSR_TRY(tsr_unpack_f32(weight, v, weight->cols));
  for (int64_t r = 0; r < weight->rows; r++)
    for (int64_t c = 0; c < weight->cols; c++) v[r * weight->cols + c] *= scale[r];
  if (weight->format == TSR_FORMAT_DENSE) {
    *out = (tsr_packed){.format = TSR_FORMAT_DENSE,
                        .dtype = TSR_DTYPE_F32,
                        .rows = weight->rows,
                        .cols = weight->cols,
                        .stored = weight->rows * weight->cols,
                        .values = v,
                        .owned = v};
    *values = NULL;
    return TSR_OK;
  }
  tsr_matrix dense = {v, TSR_DTYPE_F32, weight->rows, weight->cols, weight->cols};
  tsr_pattern pattern = tsr_packed_pattern(weight);
  return tsr_pack(&dense, weight->format, &pattern, out);
}

/* gamma (W x - mean) / sqrt(variance + epsilon) + beta as one linear layer. The weight is packed
 * again as it was: a scaled zero stays one. */
static tsr_status fold(const builder *b, const char *name, tsr_linear *linear) {
  int64_t rows = linear->weight.rows, cols = linear->weight.cols;
  float *scale = NULL, *values = NULL, *bias;
  norm n;
  tsr_status status;
  TSR_TRY(get_norm(b, name, rows, &n));
  TSR_TRY(tsr__model_floats(b->model, 1, rows, name, &bias));
  TSR_TRY_GOTO(status, tsr__aligned((size_t)rows, sizeof *scale, name, &scale), done);
  TSR_TRY_GOTO(status, tsr__aligned((size_t)(rows * cols), sizeof *values, name, &values), done);
  for (int64_t r = 0; r < rows; r++) {
    double factor = (double)n.gamma[r] / sqrt((double)n.variance[r] + (double)b->config->epsilon);
    scale[r] = (float)factor;
    bias[r] = (float)((double)n.beta[r] - (double)n.mean[r] * factor);
  }
  tsr_packed folded;
  TSR_TRY_GOTO(status, scale_rows(&linear->weight, scale, &values, &folded), done);
  tsr_packed_release(&linear->weight);
  /* The file's pages would count as memory beside what is made of them. */
  if (b->weights->checkpoint) tsr__checkpoint_forget(b->weights->checkpoint);
  linear->weight = folded;
  linear->bias = bias;
done:
  free(values);
  free(scale);
  return status;
}

/* ---- layers ---- */

static tsr_conv_shape shape_of(int64_t height, int64_t width, int64_t channels, int32_t kernel,
                               int32_t stride, int32_t padding) {
  return (tsr_conv_shape){.height = height,
                          .width = width,
                          .channels = channels,
                          .kernel = {kernel, kernel},
                          .stride = {stride, stride},
                          .padding = {padding, padding},
                          .dilation = {1, 1}};
}

/* Pruned models are narrower between blocks than within them, or the other way round: what is
 * written tells how wide a slot must be. */
static void grow(tsr_model *model, int32_t slot, int64_t height, int64_t width, int64_t channels) {
  int64_t *values = &model->slots[slot].width;
  if (*values < height * width * channels) *values = height * width * channels;
}

static tsr_status add_conv(const builder *b, conv_step *step) {
  tsr__layer layer = {.kind = TSR_LAYER_CONV2D,
                      .input = step->input,
                      .residual = step->residual,
                      .output = step->output,
                      .as.conv2d.groups = 1};
  tsr_linear *linear = &layer.as.conv2d.linear;
  char name[2 * TSR__LAYER_NAME_MAX];
  snprintf(layer.name, sizeof layer.name, "%s%s", step->stem, step->name);
  snprintf(name, sizeof name, "%s.weight", layer.name);
  tsr__weights *w = b->weights;
  TSR_TRY(w->filters(w, name, step->filters, step->usual, step->channels, step->kernel,
                     &linear->weight));
  linear->activation = step->relu ? TSR_ACTIVATION_RELU : TSR_ACTIVATION_NONE;
  linear->residual_first = 1;
  layer.as.conv2d.shape = shape_of(step->height, step->width, step->channels, step->kernel,
                                   step->stride, step->kernel / 2);
  snprintf(name, sizeof name, "%s%s", step->stem, step->norm);
  tsr_status status = fold(b, name, linear);
  if (status != TSR_OK) {
    tsr_packed_release(&linear->weight);
    return status;
  }
  step->height = tsr_conv_output_size(&layer.as.conv2d.shape, 0);
  step->width = tsr_conv_output_size(&layer.as.conv2d.shape, 1);
  step->channels = linear->weight.rows;
  grow(b->model, step->output, step->height, step->width, step->channels);
  return tsr__model_add_layer(b->model, &layer);
}

static tsr_status add_pool(builder *b, const char *name, tsr__pool2d_kind kind,
                           tsr_conv_shape shape, int32_t output) {
  tsr__layer layer = {.kind = TSR_LAYER_POOL2D,
                      .input = b->trunk,
                      .residual = TSR__NO_SLOT,
                      .output = output,
                      .as.pool2d = {shape, kind}};
  snprintf(layer.name, sizeof layer.name, "%s", name);
  b->height = tsr_conv_output_size(&shape, 0);
  b->width = tsr_conv_output_size(&shape, 1);
  grow(b->model, output, b->height, b->width, shape.channels);
  return tsr__model_add_layer(b->model, &layer);
}

static void swap_trunk(builder *b) {
  int32_t trunk = b->trunk;
  b->trunk = b->other;
  b->other = trunk;
}

static tsr_status add_stem(builder *b) {
  const tsr__resnet_config *c = b->config;
  conv_step conv = {.stem = "",
                    .name = "conv1",
                    .norm = "bn1",
                    .input = b->model->image_slot,
                    .residual = TSR__NO_SLOT,
                    .output = b->trunk,
                    .height = c->image_size,
                    .width = c->image_size,
                    .channels = c->channels,
                    .filters = c->stem,
                    .kernel = c->imagenet_stem ? 7 : 3,
                    .stride = c->imagenet_stem ? 2 : 1,
                    .relu = 1};
  TSR_TRY(add_conv(b, &conv));
  b->height = conv.height;
  b->width = conv.width;
  b->channels = conv.channels;
  if (!c->imagenet_stem) return TSR_OK;
  tsr_conv_shape pool = shape_of(b->height, b->width, b->channels, 3, 2, 1);
  TSR_TRY(add_pool(b, "maxpool", TSR__POOL2D_MAX, pool, b->other));
  swap_trunk(b);
  return TSR_OK;
}

/* The convolutions of one block: kernels and strides, the inner ones first. */
static int list_steps(const builder *b, int64_t width, int32_t stride, conv_step *steps) {
  if (b->config->bottleneck) {
    int64_t inner = width / EXPANSION;
    steps[0] =
        (conv_step){.name = "conv1", .norm = "bn1", .usual = inner, .kernel = 1, .stride = 1};
    steps[1] =
        (conv_step){.name = "conv2", .norm = "bn2", .usual = inner, .kernel = 3, .stride = stride};
    steps[2] =
        (conv_step){.name = "conv3", .norm = "bn3", .filters = width, .kernel = 1, .stride = 1};
    return 3;
  }
  steps[0] =
      (conv_step){.name = "conv1", .norm = "bn1", .usual = width, .kernel = 3, .stride = stride};
  steps[1] =
      (conv_step){.name = "conv2", .norm = "bn2", .filters = width, .kernel = 3, .stride = 1};
  return 2;
}

/* Where sizes change, the trunk itself goes through a convolution, into the other slot; the block's
 * last convolution adds to what it finds there. */
static tsr_status add_downsample(builder *b, const char *stem, int64_t width, int32_t stride) {
  conv_step conv = {.stem = stem,
                    .name = "downsample.0",
                    .norm = "downsample.1",
                    .input = b->trunk,
                    .residual = TSR__NO_SLOT,
                    .output = b->other,
                    .height = b->height,
                    .width = b->width,
                    .channels = b->channels,
                    .filters = width,
                    .kernel = 1,
                    .stride = stride};
  return add_conv(b, &conv);
}

static tsr_status add_block(builder *b, int stage, int64_t block) {
  char stem[TSR__LAYER_NAME_MAX / 2];
  conv_step steps[3];
  int64_t width = b->config->widths[stage], height = b->height, columns = b->width;
  int64_t channels = b->channels;
  int32_t stride = block == 0 && (stage > 0 || b->config->shrink_first) ? 2 : 1;
  int32_t input = b->trunk;
  snprintf(stem, sizeof stem, "layer%d.%lld.", stage + 1, (long long)block);
  int downsample = stride != 1 || b->channels != width;
  int count = list_steps(b, width, stride, steps);
  if (downsample) TSR_TRY(add_downsample(b, stem, width, stride));
  int32_t output = downsample ? b->other : b->trunk;
  for (int i = 0; i < count; i++) {
    conv_step *step = &steps[i];
    int last = i + 1 == count;
    step->stem = stem;
    step->input = input;
    step->output = input = last ? output : b->inner[i & 1];
    step->residual = last ? output : TSR__NO_SLOT;
    step->height = height;
    step->width = columns;
    step->channels = channels;
    step->relu = 1;
    TSR_TRY(add_conv(b, step));
    height = step->height;
    columns = step->width;
    channels = step->channels;
  }
  b->height = height;
  b->width = columns;
  b->channels = channels;
  if (downsample) swap_trunk(b);
  return TSR_OK;
}

static tsr_status add_head(builder *b, int32_t pooled) {
  tsr_conv_shape whole = shape_of(b->height, b->width, b->channels, 1, 1, 0);
  whole.kernel[0] = (int32_t)b->height;
  whole.kernel[1] = (int32_t)b->width;
  TSR_TRY(add_pool(b, "avgpool", TSR__POOL2D_AVERAGE, whole, pooled));
  tsr__layer fc = {.kind = TSR_LAYER_LINEAR,
                   .name = "fc",
                   .input = pooled,
                   .residual = TSR__NO_SLOT,
                   .output = b->model->logits_slot};
  tsr__weights *w = b->weights;
  int64_t classes = b->config->classes;
  TSR_TRY(w->floats(w, "fc.bias", 1, classes, 0.0f, &fc.as.linear.bias));
  TSR_TRY(w->matrix(w, "fc.weight", classes, b->channels, &fc.as.linear.weight));
  TSR_TRY(tsr__model_add_layer(b->model, &fc));
  tsr__layer softmax = {.kind = TSR_LAYER_SOFTMAX,
                        .name = "softmax",
                        .input = b->model->logits_slot,
                        .residual = TSR__NO_SLOT,
                        .output = b->model->probabilities_slot,
                        .as.softmax = {classes}};
  return tsr__model_add_layer(b->model, &softmax);
}

/* Those of the trunk and within blocks grow with the layers that write them. */
static tsr_status add_slots(builder *b, int32_t *pooled) {
  const tsr__resnet_config *c = b->config;
  tsr_model *m = b->model;
  TSR_TRY(tsr__model_add_slot(m, c->image_size * c->image_size * c->channels, 1, &m->image_slot));
  int32_t *const grown[] = {&b->trunk, &b->other, &b->inner[0], &b->inner[1]};
  for (size_t i = 0; i < sizeof grown / sizeof grown[0]; i++)
    TSR_TRY(tsr__model_add_slot(m, 1, 1, grown[i]));
  TSR_TRY(tsr__model_add_slot(m, c->widths[c->stages - 1], 1, pooled));
  TSR_TRY(tsr__model_add_slot(m, c->classes, 1, &m->logits_slot));
  return tsr__model_add_slot(m, c->classes, 1, &m->probabilities_slot);
}

tsr_status tsr__resnet_build(const tsr__resnet_config *config, tsr__weights *weights,
                             tsr_model *model) {
  builder b = {.config = config, .weights = weights, .model = model};
  tsr_model_info *info = &model->info;
  int32_t pooled;
  info->image_height = info->image_width = config->image_size;
  info->image_channels = config->channels;
  info->classes = config->classes;
  for (int i = 0; i < TSR_IMAGE_CHANNELS_MAX; i++) info->image_std[i] = 1;
  TSR_TRY(add_slots(&b, &pooled));
  TSR_TRY(add_stem(&b));
  for (int s = 0; s < config->stages; s++)
    for (int64_t block = 0; block < config->depths[s]; block++) TSR_TRY(add_block(&b, s, block));
  TSR_TRY(add_head(&b, pooled));
  info->layers = (int64_t)model->layer_count;
  tsr__model_seal(model);
  return TSR_OK;
}
