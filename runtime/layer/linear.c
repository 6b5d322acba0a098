#include "runtime/base/status.h"
#include "runtime/layer/layer.h"

static int64_t output_width(const tsr__layer *layer) { return layer->as.linear.weight.rows; }

static tsr_status validate(const tsr__layer *layer, int64_t input_width) {
  const tsr_linear *linear = &layer->as.linear;
  TSR_CHECK(linear->weight.cols == input_width, TSR_UNSUPPORTED_SHAPE,
            "the weight takes %lld inputs, but its input has %lld", (long long)linear->weight.cols,
            (long long)input_width);
  TSR_CHECK((unsigned)linear->activation < TSR_ACTIVATION_COUNT, TSR_INVALID_ARGUMENT,
            "activation %d", (int)linear->activation);
  return TSR_OK;
}

const tsr__layer_ops tsr__linear_ops = {
    .output_width = output_width, .validate = validate, .rows = TSR__ROWS_AS_INPUT};
