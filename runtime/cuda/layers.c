#include "runtime/cuda/layers.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"

tsr_status tsr__cuda_find_typed(tsr__cuda *cuda, tsr__cuda_image image, tsr_dtype dtype,
                                const char *suffix, tsr__cuda_function *out) {
  char name[64];
  snprintf(name, sizeof name, "tsr_%s_%s__sm80", dtype == TSR_DTYPE_F16 ? "f16" : "bf16", suffix);
  return tsr__cuda_find(cuda, image, name, out);
}

tsr_status tsr__cuda_upload_rounded(const tsr__cuda *cuda, const void *values, tsr_dtype from,
                                    size_t count, tsr_dtype dtype, const char *what, void **out) {
  if (from == dtype) return tsr__cuda_upload(cuda, values, count * sizeof(uint16_t), what, out);
  float *floats = NULL;
  uint16_t *rounded = NULL;
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__aligned(count, sizeof *floats, what, &floats), done);
  TSR_TRY_GOTO(status, tsr__aligned(count, sizeof *rounded, what, &rounded), done);
  tsr__to_f32(values, from, floats, count);
  tsr__from_f32(floats, dtype, rounded, count);
  status = tsr__cuda_upload(cuda, rounded, count * sizeof *rounded, what, out);
done:
  free(rounded);
  free(floats);
  return status;
}

static tsr_status upload_floats(const tsr__cuda *cuda, const float *values, int64_t rows,
                                int64_t width, const char *what, void **out) {
  return tsr__cuda_upload(cuda, values, (size_t)rows * (size_t)width * sizeof *values, what, out);
}

/* ---- embedding ---- */

static tsr_status prepare_embedding(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                                    tsr__cuda_layer *out) {
  const tsr__embedding *e = &layer->as.embedding;
  TSR_CHECK(e->vocabulary <= INT32_MAX && e->width <= INT32_MAX && e->position_count <= INT32_MAX &&
                e->type_count <= INT32_MAX,
            TSR_UNSUPPORTED_SHAPE, "tables of more than 2^31 - 1 rows or columns");
  TSR_TRY(tsr__cuda_upload_rounded(cuda, e->words, e->words_dtype,
                                   (size_t)e->vocabulary * (size_t)e->width, dtype,
                                   "the words' table", &out->tables[0]));
  TSR_TRY(upload_floats(cuda, e->positions, e->position_count, e->width, "the positions' table",
                        &out->tables[1]));
  TSR_TRY(
      upload_floats(cuda, e->types, e->type_count, e->width, "the types' table", &out->tables[2]));
  out->args.embedding = (tsr_cuda_embedding_args){.words = out->tables[0],
                                                  .positions = out->tables[1],
                                                  .types = out->tables[2],
                                                  .width = (int32_t)e->width,
                                                  .vocabulary = (int32_t)e->vocabulary,
                                                  .position_count = (int32_t)e->position_count,
                                                  .type_count = (int32_t)e->type_count};
  return tsr__cuda_find_typed(cuda, TSR__CUDA_IMAGE_rows, dtype, "embedding", &out->function);
}

static tsr_status run_embedding(const tsr__cuda *cuda, const tsr__cuda_layer *layer,
                                const tsr__cuda_layer_io *io) {
  tsr_cuda_embedding_args args = layer->args.embedding;
  args.ids = io->ids;
  args.types_of = io->types;
  args.offsets = io->offsets;
  args.y = io->y;
  args.ldy = io->ldy;
  args.n = io->tokens;
  args.sequences = io->sequences;
  tsr_cuda_launch launch = tsr__cuda_embedding_launch(&args);
  return tsr__cuda_launch(cuda, &layer->function, &launch, &args, io->stream, layer->name);
}

const tsr__cuda_layer_ops tsr__cuda_embedding_ops = {prepare_embedding, run_embedding};

/* ---- attention ---- */

static tsr_status prepare_attention(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                                    tsr__cuda_layer *out) {
  const tsr__attention *a = &layer->as.attention;
  TSR_CHECK(a->head_dim % 8 == 0 && a->head_dim <= TSR_CUDA_ATTENTION_MAX_DIM,
            TSR_UNSUPPORTED_SHAPE, "heads of %lld: the GPU's kernel takes multiples of 8 up to %d",
            (long long)a->head_dim, TSR_CUDA_ATTENTION_MAX_DIM);
  out->args.attention = (tsr_cuda_attention_args){
      .heads = (int32_t)a->heads, .head_dim = (int32_t)a->head_dim, .scale = a->scale};
  char suffix[40];
  snprintf(suffix, sizeof suffix, "attention_%dx%dx%d", TSR_CUDA_ATTENTION_QUERIES,
           TSR_CUDA_ATTENTION_KEYS, tsr__cuda_attention_dim((int32_t)a->head_dim));
  TSR_TRY(tsr__cuda_find_typed(cuda, TSR__CUDA_IMAGE_attention, dtype, suffix, &out->function));
  return tsr__cuda_allow_shared(cuda, &out->function,
                                tsr__cuda_attention_launch(&out->args.attention).shared_bytes);
}

static tsr_status run_attention(const tsr__cuda *cuda, const tsr__cuda_layer *layer,
                                const tsr__cuda_layer_io *io) {
  tsr_cuda_attention_args args = layer->args.attention;
  args.qkv = io->x;
  args.ld = io->ldx;
  args.offsets = io->offsets;
  args.y = io->y;
  args.ldy = io->ldy;
  args.sequences = io->sequences;
  args.longest = io->longest;
  tsr_cuda_launch launch = tsr__cuda_attention_launch(&args);
  return tsr__cuda_launch(cuda, &layer->function, &launch, &args, io->stream, layer->name);
}

const tsr__cuda_layer_ops tsr__cuda_attention_ops = {prepare_attention, run_attention};

/* ---- layer normalisation ---- */

static tsr_status prepare_layernorm(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                                    tsr__cuda_layer *out) {
  const tsr__layernorm *n = &layer->as.layernorm;
  TSR_TRY(upload_floats(cuda, n->gamma, 1, n->width, "gamma", &out->tables[0]));
  TSR_TRY(upload_floats(cuda, n->beta, 1, n->width, "beta", &out->tables[1]));
  out->args.layernorm = (tsr_cuda_layernorm_args){.gamma = out->tables[0],
                                                  .beta = out->tables[1],
                                                  .width = (int32_t)n->width,
                                                  .epsilon = n->epsilon};
  return tsr__cuda_find_typed(cuda, TSR__CUDA_IMAGE_rows, dtype, "layernorm", &out->function);
}

static tsr_status run_layernorm(const tsr__cuda *cuda, const tsr__cuda_layer *layer,
                                const tsr__cuda_layer_io *io) {
  tsr_cuda_layernorm_args args = layer->args.layernorm;
  args.x = io->x;
  args.ldx = io->ldx;
  args.y = io->y;
  args.ldy = io->ldy;
  args.n = io->tokens;
  tsr_cuda_launch launch = tsr__cuda_layernorm_launch(&args);
  return tsr__cuda_launch(cuda, &layer->function, &launch, &args, io->stream, layer->name);
}

const tsr__cuda_layer_ops tsr__cuda_layernorm_ops = {prepare_layernorm, run_layernorm};

/* ---- pooling ---- */

static tsr_status prepare_pool(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                               tsr__cuda_layer *out) {
  const tsr__pool *p = &layer->as.pool;
  out->args.pool =
      (tsr_cuda_pool_args){.width = (int32_t)p->width, .first = p->pooling == TSR_POOLING_CLS};
  return tsr__cuda_find_typed(cuda, TSR__CUDA_IMAGE_rows, dtype, "pool", &out->function);
}

static tsr_status run_pool(const tsr__cuda *cuda, const tsr__cuda_layer *layer,
                           const tsr__cuda_layer_io *io) {
  tsr_cuda_pool_args args = layer->args.pool;
  args.x = io->x;
  args.ldx = io->ldx;
  args.offsets = io->offsets;
  args.y = io->y;
  args.sequences = io->sequences;
  args.normalise = io->normalise;
  tsr_cuda_launch launch = tsr__cuda_pool_launch(&args);
  return tsr__cuda_launch(cuda, &layer->function, &launch, &args, io->stream, layer->name);
}

const tsr__cuda_layer_ops tsr__cuda_pool_ops = {prepare_pool, run_pool};

/* ---- all of them ---- */

static const tsr__cuda_layer_ops *const all_ops[TSR_LAYER_COUNT] = {
#define TSR_CUDA_LAYER(kind, name) [TSR_LAYER_##kind] = &tsr__cuda_##name##_ops,
#include "runtime/cuda/layers.inc"
#undef TSR_CUDA_LAYER
};

tsr_status tsr__cuda_layer_prepare(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                                   tsr__cuda_layer *out) {
  out->ops = all_ops[layer->kind];
  out->name = layer->name;
  tsr_status status = out->ops ? out->ops->prepare(cuda, layer, dtype, out)
                               : tsr__error(TSR_UNSUPPORTED, "the CUDA backend has no %s",
                                            tsr_layer_kind_name(layer->kind));
  return status == TSR_OK ? TSR_OK : tsr__error_prefix(status, "%s", layer->name);
}

void tsr__cuda_layer_release(const tsr__cuda *cuda, tsr__cuda_layer *layer) {
  for (int i = 0; i < TSR__CUDA_LAYER_TABLES; i++) tsr__cuda_free(cuda, layer->tables[i]);
}
