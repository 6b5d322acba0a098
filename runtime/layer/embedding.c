#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "runtime/layer/layer.h"

static int64_t output_width(const tsr__layer *layer) { return layer->as.embedding.width; }

static tsr_status validate(const tsr__layer *layer, int64_t input_width) {
  const tsr__embedding *e = &layer->as.embedding;
  (void)input_width;
  TSR_CHECK(e->words && e->positions && e->types, TSR_INVALID_ARGUMENT, "a table is missing");
  TSR_CHECK(e->width >= 1 && e->vocabulary >= 1 && e->position_count >= 1 && e->type_count >= 1,
            TSR_UNSUPPORTED_SHAPE, "tables of %lld, %lld and %lld rows x %lld",
            (long long)e->vocabulary, (long long)e->position_count, (long long)e->type_count,
            (long long)e->width);
  TSR_CHECK(e->words_dtype == TSR_DTYPE_F32 || e->words_dtype == TSR_DTYPE_F16 ||
                e->words_dtype == TSR_DTYPE_BF16,
            TSR_UNSUPPORTED, "a table of type %s", tsr_dtype_name(e->words_dtype));
  return TSR_OK;
}

static tsr_status check_ids(const int32_t *ids, int64_t count, int64_t limit, const char *what) {
  for (int64_t i = 0; i < count; i++)
    TSR_CHECK(ids[i] >= 0 && ids[i] < limit, TSR_INVALID_ARGUMENT,
              "token %lld has %s %d, not 0 to %lld", (long long)i, what, (int)ids[i],
              (long long)limit - 1);
  return TSR_OK;
}

static tsr_status check(const tsr__layer *layer, const tsr_batch *batch) {
  const tsr__embedding *e = &layer->as.embedding;
  for (int64_t s = 0; s < batch->sequences; s++) {
    int64_t length = batch->offsets[s + 1] - batch->offsets[s];
    TSR_CHECK(length <= e->position_count, TSR_INVALID_ARGUMENT,
              "sequence %lld has %lld tokens, more than the model's %lld positions", (long long)s,
              (long long)length, (long long)e->position_count);
  }
  int64_t tokens = batch->offsets[batch->sequences];
  TSR_TRY(check_ids(batch->ids, tokens, e->vocabulary, "id"));
  return batch->types ? check_ids(batch->types, tokens, e->type_count, "type") : TSR_OK;
}

static void embed(const tsr__embedding *e, const tsr__layer_io *io, int64_t token,
                  int64_t position) {
  size_t row_bytes = (size_t)e->width * (size_t)tsr_dtype_bits(e->words_dtype) / 8;
  int32_t type = io->batch->types ? io->batch->types[token] : 0;
  float *y = io->y + token * e->width;
  tsr__to_f32((const char *)e->words + (size_t)io->batch->ids[token] * row_bytes, e->words_dtype, y,
              (uint64_t)e->width);
  io->limits->kernels->add3(y, e->positions + position * e->width, e->types + type * e->width, y,
                            e->width);
}

static void run_part(const tsr__layer *layer, const tsr__layer_io *io, int part, int parts) {
  const int64_t *offsets = io->batch->offsets;
  int64_t first, end;
  tsr__layer_share(offsets[io->batch->sequences], part, parts, &first, &end);
  for (int64_t s = 0; s < io->batch->sequences; s++) {
    int64_t from = offsets[s] > first ? offsets[s] : first;
    int64_t to = offsets[s + 1] < end ? offsets[s + 1] : end;
    for (int64_t t = from; t < to; t++) embed(&layer->as.embedding, io, t, t - offsets[s]);
  }
}

static void run(const tsr__layer *layer, const tsr__layer_io *io) {
  tsr__layer_parts(run_part, layer, io);
}

const tsr__layer_ops tsr__embedding_ops = {.output_width = output_width,
                                           .validate = validate,
                                           .check = check,
                                           .run = run,
                                           .takes_batch = 1};
