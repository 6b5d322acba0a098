/* The layers of images on the GPU, apart from convolutions of one group. */
#include "runtime/base/status.h"
#include "runtime/cuda/layers.h"
#include "runtime/plan/model_plan.h"

/* ---- convolutions of several groups ---- */

static tsr_status prepare_grouped(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                                  tsr__cuda_layer *out) {
  const tsr__conv2d *c = &layer->as.conv2d;
  const tsr_packed *w = &c->linear.weight;
  TSR_TRY(tsr__cuda_upload_rounded(cuda, w->values, w->dtype, (size_t)w->stored, dtype, "weights",
                                   &out->tables[0]));
  if (c->linear.bias)
    TSR_TRY(tsr__cuda_upload(cuda, c->linear.bias, (size_t)w->rows * sizeof(float), "bias",
                             &out->tables[1]));
  out->args.grouped = (tsr_cuda_grouped_args){.weights = out->tables[0],
                                              .bias = out->tables[1],
                                              .ldx = tsr__cuda_row(c->shape.channels),
                                              .ldy = tsr__cuda_row(w->rows),
                                              .conv = tsr__cuda_conv_of(&c->shape),
                                              .filters = (int32_t)w->rows,
                                              .groups = (int32_t)c->groups,
                                              .activation = (int32_t)c->linear.activation};
  return tsr__cuda_find_typed(cuda, TSR__CUDA_IMAGE_pixels, dtype, "grouped_conv", &out->function);
}

static tsr_status run_grouped(const tsr__cuda *cuda, const tsr__cuda_layer *layer,
                              const tsr__cuda_layer_io *io) {
  tsr_cuda_grouped_args args = layer->args.grouped;
  args.x = io->x;
  args.y = io->y;
  args.n = io->sequences * args.conv.out_pixels;
  tsr_cuda_launch launch = tsr__cuda_grouped_launch(&args);
  return tsr__cuda_launch(cuda, &layer->function, &launch, &args, io->stream, layer->name);
}

const tsr__cuda_layer_ops tsr__cuda_grouped_conv_ops = {prepare_grouped, run_grouped};

/* ---- pooling ---- */

static tsr_status prepare_pool2d(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                                 tsr__cuda_layer *out) {
  const tsr__pool2d *p = &layer->as.pool2d;
  int64_t ld = tsr__cuda_row(p->shape.channels);
  out->args.pool2d = (tsr_cuda_pool2d_args){.ldx = ld,
                                            .ldy = ld,
                                            .conv = tsr__cuda_conv_of(&p->shape),
                                            .average = p->kind == TSR__POOL2D_AVERAGE};
  return tsr__cuda_find_typed(cuda, TSR__CUDA_IMAGE_pixels, dtype, "pool2d", &out->function);
}

static tsr_status run_pool2d(const tsr__cuda *cuda, const tsr__cuda_layer *layer,
                             const tsr__cuda_layer_io *io) {
  tsr_cuda_pool2d_args args = layer->args.pool2d;
  args.x = io->x;
  args.y = io->y;
  args.n = io->sequences * args.conv.out_pixels;
  tsr_cuda_launch launch = tsr__cuda_pool2d_launch(&args);
  return tsr__cuda_launch(cuda, &layer->function, &launch, &args, io->stream, layer->name);
}

const tsr__cuda_layer_ops tsr__cuda_pool2d_ops = {prepare_pool2d, run_pool2d};

/* ---- softmax ---- */

static tsr_status prepare_softmax(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                                  tsr__cuda_layer *out) {
  out->args.softmax = (tsr_cuda_softmax_args){.width = (int32_t)layer->as.softmax.width};
  return tsr__cuda_find_typed(cuda, TSR__CUDA_IMAGE_rows, dtype, "softmax", &out->function);
}

static tsr_status run_softmax(const tsr__cuda *cuda, const tsr__cuda_layer *layer,
                              const tsr__cuda_layer_io *io) {
  tsr_cuda_softmax_args args = layer->args.softmax;
  args.x = io->x;
  args.ldx = io->ldx;
  args.y = io->y;
  args.n = io->sequences;
  tsr_cuda_launch launch = tsr__cuda_softmax_launch(&args);
  return tsr__cuda_launch(cuda, &layer->function, &launch, &args, io->stream, layer->name);
}

const tsr__cuda_layer_ops tsr__cuda_softmax_ops = {prepare_softmax, run_softmax};
