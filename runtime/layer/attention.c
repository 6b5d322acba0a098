#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/layer/layer.h"

static int64_t output_width(const tsr__layer *layer) {
  return layer->as.attention.heads * layer->as.attention.head_dim;
}

static tsr_status validate(const tsr__layer *layer, int64_t input_width) {
  const tsr__attention *a = &layer->as.attention;
  int64_t width;
  TSR_CHECK(a->heads >= 1 && a->head_dim >= 1 && tsr__mul_i64(a->heads, a->head_dim, &width),
            TSR_UNSUPPORTED_SHAPE, "%lld heads of %lld", (long long)a->heads,
            (long long)a->head_dim);
  TSR_CHECK(input_width == 3 * width, TSR_UNSUPPORTED_SHAPE,
            "%lld heads of %lld need queries, keys and values of %lld each, the input has %lld",
            (long long)a->heads, (long long)a->head_dim, (long long)width, (long long)input_width);
  return TSR_OK;
}

static size_t part_bytes(const tsr__layer *layer, const tsr__layer_limits *limits) {
  return tsr__round_line(
      limits->kernels->attention_bytes(limits->max_seq, layer->as.attention.head_dim));
}

static size_t workspace_bytes(const tsr__layer *layer, const tsr__layer_limits *limits) {
  return part_bytes(layer, limits) * (size_t)limits->threads;
}

static void run_head(const tsr__layer *layer, const tsr__layer_io *io, int64_t sequence,
                     int64_t head, void *workspace) {
  const tsr__attention *a = &layer->as.attention;
  int64_t width = a->heads * a->head_dim, first = io->batch->offsets[sequence];
  const float *q = io->x + first * 3 * width + head * a->head_dim;
  tsr_attention_args args = {.q = q,
                             .k = q + width,
                             .v = q + 2 * width,
                             .ld = 3 * width,
                             .y = io->y + first * width + head * a->head_dim,
                             .ldy = width,
                             .tokens = io->batch->offsets[sequence + 1] - first,
                             .head_dim = a->head_dim,
                             .scale = a->scale,
                             .workspace = workspace};
  io->limits->kernels->attention(&args);
}

/* Heads in turns, not in runs: neighbours are of one sequence, hence of one length. */
static void run_part(const tsr__layer *layer, const tsr__layer_io *io, int part, int parts) {
  int64_t heads = layer->as.attention.heads;
  void *workspace = (char *)io->workspace + (size_t)part * part_bytes(layer, io->limits);
  for (int64_t i = part; i < io->batch->sequences * heads; i += parts)
    run_head(layer, io, i / heads, i % heads, workspace);
}

static void run(const tsr__layer *layer, const tsr__layer_io *io) {
  tsr__layer_parts(run_part, layer, io);
}

const tsr__layer_ops tsr__attention_ops = {.output_width = output_width,
                                           .validate = validate,
                                           .workspace_bytes = workspace_bytes,
                                           .run = run};
