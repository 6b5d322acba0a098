#include <math.h>

#include "runtime/base/status.h"
#include "runtime/layer/layer.h"

static int64_t output_width(const tsr__layer *layer) { return layer->as.softmax.width; }

static tsr_status validate(const tsr__layer *layer, int64_t input_width) {
  int64_t width = layer->as.softmax.width;
  TSR_CHECK(width >= 1 && width == input_width, TSR_UNSUPPORTED_SHAPE,
            "a width of %lld, the input has %lld", (long long)width, (long long)input_width);
  return TSR_OK;
}

/* Relative to the greatest value, so that no exponential overflows. */
static void softmax(const float *x, int64_t width, float *y) {
  float greatest = x[0];
  for (int64_t i = 1; i < width; i++)
    if (x[i] > greatest) greatest = x[i];
  double sum = 0;
  for (int64_t i = 0; i < width; i++) sum += exp((double)x[i] - (double)greatest);
  for (int64_t i = 0; i < width; i++) y[i] = (float)(exp((double)x[i] - (double)greatest) / sum);
}

static void run(const tsr__layer *layer, const tsr__layer_io *io) {
  int64_t width = layer->as.softmax.width;
  for (int64_t i = 0; i < io->images; i++) softmax(io->x + i * width, width, io->y + i * width);
}

const tsr__layer_ops tsr__softmax_ops = {
    .output_width = output_width, .validate = validate, .run = run, .rows = TSR__ROWS_SEQUENCES};
