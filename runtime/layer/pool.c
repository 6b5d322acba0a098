#include <string.h>

#include "runtime/base/status.h"
#include "runtime/layer/layer.h"

static int64_t output_width(const tsr__layer *layer) { return layer->as.pool.width; }

static tsr_status validate(const tsr__layer *layer, int64_t input_width) {
  const tsr__pool *p = &layer->as.pool;
  TSR_CHECK(p->width == input_width, TSR_UNSUPPORTED_SHAPE, "a width of %lld, the input has %lld",
            (long long)p->width, (long long)input_width);
  TSR_CHECK(p->pooling == TSR_POOLING_MEAN || p->pooling == TSR_POOLING_CLS, TSR_INVALID_ARGUMENT,
            "pooling %d", (int)p->pooling);
  return TSR_OK;
}

static void run_part(const tsr__layer *layer, const tsr__layer_io *io, int part, int parts) {
  const tsr__pool *p = &layer->as.pool;
  const int64_t *offsets = io->batch->offsets;
  int64_t first, end;
  tsr__layer_share(io->batch->sequences, part, parts, &first, &end);
  for (int64_t s = first; s < end; s++) {
    const float *x = io->x + offsets[s] * p->width;
    float *y = io->y + s * p->width;
    if (p->pooling == TSR_POOLING_CLS)
      memcpy(y, x, (size_t)p->width * sizeof *y);
    else
      io->limits->kernels->mean(x, offsets[s + 1] - offsets[s], p->width, y);
  }
}

static void run(const tsr__layer *layer, const tsr__layer_io *io) {
  tsr__layer_parts(run_part, layer, io);
}

const tsr__layer_ops tsr__pool_ops = {
    .output_width = output_width, .validate = validate, .run = run, .rows = TSR__ROWS_SEQUENCES};
