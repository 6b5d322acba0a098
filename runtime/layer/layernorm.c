#include "runtime/base/status.h"
#include "runtime/layer/layer.h"

static int64_t output_width(const tsr__layer *layer) { return layer->as.layernorm.width; }

static tsr_status validate(const tsr__layer *layer, int64_t input_width) {
  const tsr__layernorm *n = &layer->as.layernorm;
  TSR_CHECK(n->gamma && n->beta, TSR_INVALID_ARGUMENT, "gamma or beta is missing");
  TSR_CHECK(n->width >= 1 && n->width == input_width, TSR_UNSUPPORTED_SHAPE,
            "gamma has %lld elements, the input %lld", (long long)n->width, (long long)input_width);
  TSR_CHECK(n->epsilon >= 0, TSR_INVALID_ARGUMENT, "epsilon is %g", (double)n->epsilon);
  return TSR_OK;
}

static void run_part(const tsr__layer *layer, const tsr__layer_io *io, int part, int parts) {
  const tsr__layernorm *n = &layer->as.layernorm;
  int64_t first, end;
  tsr__layer_share(io->batch->offsets[io->batch->sequences], part, parts, &first, &end);
  tsr_layernorm_args args = {.x = io->x + first * n->width,
                             .y = io->y + first * n->width,
                             .tokens = end - first,
                             .width = n->width,
                             .gamma = n->gamma,
                             .beta = n->beta,
                             .epsilon = n->epsilon};
  io->limits->kernels->layernorm(&args);
}

static void run(const tsr__layer *layer, const tsr__layer_io *io) {
  tsr__layer_parts(run_part, layer, io);
}

const tsr__layer_ops tsr__layernorm_ops = {
    .output_width = output_width, .validate = validate, .run = run};
