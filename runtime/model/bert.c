#include "runtime/model/bert.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

typedef struct builder {
  const tsr__bert_config *config;
  tsr__weights *weights;
  tsr_model *model;
  int32_t hidden;  /* [tokens, hidden]: what goes from layer to layer */
  int32_t qkv;     /* [tokens, 3 hidden]: queries, keys, values */
  int32_t context; /* [tokens, hidden]: what attention gathered */
  int32_t inner;   /* [tokens, intermediate] */
  int32_t pooled;  /* [sequences, hidden] */
} builder;

/* A record's name, which is its tensors' without ".weight" and ".bias". block < 0: no block. */
static void set_name(tsr__layer *layer, int64_t block, const char *name) {
  if (block < 0)
    snprintf(layer->name, sizeof layer->name, "%s", name);
  else
    snprintf(layer->name, sizeof layer->name, "encoder.layer.%lld.%s", (long long)block, name);
}

static tsr_status get_floats(const builder *b, const tsr__layer *layer, const char *suffix,
                             int64_t cols, float initial, const float **out) {
  char name[TSR__LAYER_NAME_MAX + 16];
  snprintf(name, sizeof name, "%s.%s", layer->name, suffix);
  return b->weights->floats(b->weights, name, 1, cols, initial, out);
}

static tsr_status add_linear(const builder *b, tsr__layer *layer, int64_t rows, int64_t cols) {
  char name[TSR__LAYER_NAME_MAX + 16];
  tsr_linear *linear = &layer->as.linear;
  layer->kind = TSR_LAYER_LINEAR;
  TSR_TRY(get_floats(b, layer, "bias", rows, 0.0f, &linear->bias));
  snprintf(name, sizeof name, "%s.weight", layer->name);
  TSR_TRY(b->weights->matrix(b->weights, name, rows, cols, &linear->weight));
  return tsr__model_add_layer(b->model, layer);
}

static tsr_status add_layernorm(const builder *b, int64_t block, const char *name) {
  tsr__layer layer = {.kind = TSR_LAYER_LAYERNORM,
                      .input = b->hidden,
                      .residual = TSR__NO_SLOT,
                      .output = b->hidden,
                      .as.layernorm = {.width = b->config->hidden, .epsilon = b->config->epsilon}};
  set_name(&layer, block, name);
  TSR_TRY(get_floats(b, &layer, "weight", b->config->hidden, 1.0f, &layer.as.layernorm.gamma));
  TSR_TRY(get_floats(b, &layer, "bias", b->config->hidden, 0.0f, &layer.as.layernorm.beta));
  return tsr__model_add_layer(b->model, &layer);
}

static tsr_status add_embeddings(const builder *b) {
  const tsr__bert_config *c = b->config;
  tsr__weights *w = b->weights;
  tsr__layer layer = {.kind = TSR_LAYER_EMBEDDING,
                      .input = TSR__NO_SLOT,
                      .residual = TSR__NO_SLOT,
                      .output = b->hidden,
                      .as.embedding = {.vocabulary = c->vocabulary,
                                       .width = c->hidden,
                                       .position_count = c->max_positions,
                                       .type_count = c->types}};
  tsr__embedding *e = &layer.as.embedding;
  set_name(&layer, -1, "embeddings");
  TSR_TRY(w->table(w, "embeddings.word_embeddings.weight", c->vocabulary, c->hidden, &e->words,
                   &e->words_dtype));
  TSR_TRY(w->floats(w, "embeddings.position_embeddings.weight", c->max_positions, c->hidden, NAN,
                    &e->positions));
  TSR_TRY(
      w->floats(w, "embeddings.token_type_embeddings.weight", c->types, c->hidden, NAN, &e->types));
  TSR_TRY(tsr__model_add_layer(b->model, &layer));
  return add_layernorm(b, -1, "embeddings.LayerNorm");
}

/* Queries, keys and values side by side in one slot, queries first: they begin its life. */
static tsr_status add_qkv(const builder *b, int64_t block) {
  static const char *const names[] = {"query", "key", "value"};
  for (int i = 0; i < 3; i++) {
    char name[48];
    tsr__layer layer = {.input = b->hidden,
                        .residual = TSR__NO_SLOT,
                        .output = b->qkv,
                        .output_column = i * b->config->hidden};
    snprintf(name, sizeof name, "attention.self.%s", names[i]);
    set_name(&layer, block, name);
    TSR_TRY(add_linear(b, &layer, b->config->hidden, b->config->hidden));
  }
  return TSR_OK;
}

static tsr_status add_attention(const builder *b, int64_t block) {
  int64_t head_dim = b->config->hidden / b->config->heads;
  tsr__layer layer = {.kind = TSR_LAYER_ATTENTION,
                      .input = b->qkv,
                      .residual = TSR__NO_SLOT,
                      .output = b->context,
                      .as.attention = {.heads = b->config->heads,
                                       .head_dim = head_dim,
                                       .scale = (float)(1 / sqrt((double)head_dim))}};
  set_name(&layer, block, "attention.self");
  return tsr__model_add_layer(b->model, &layer);
}

static tsr_status add_block(const builder *b, int64_t block) {
  const tsr__bert_config *c = b->config;
  tsr__layer projection = {.input = b->context, .residual = b->hidden, .output = b->hidden};
  tsr__layer widen = {.input = b->hidden,
                      .residual = TSR__NO_SLOT,
                      .output = b->inner,
                      .as.linear.activation = c->activation};
  tsr__layer narrow = {.input = b->inner, .residual = b->hidden, .output = b->hidden};
  set_name(&projection, block, "attention.output.dense");
  set_name(&widen, block, "intermediate.dense");
  set_name(&narrow, block, "output.dense");
  TSR_TRY(add_qkv(b, block));
  TSR_TRY(add_attention(b, block));
  TSR_TRY(add_linear(b, &projection, c->hidden, c->hidden));
  TSR_TRY(add_layernorm(b, block, "attention.output.LayerNorm"));
  TSR_TRY(add_linear(b, &widen, c->intermediate, c->hidden));
  TSR_TRY(add_linear(b, &narrow, c->hidden, c->intermediate));
  return add_layernorm(b, block, "output.LayerNorm");
}

static tsr_status add_pool(const builder *b) {
  tsr__layer layer = {.kind = TSR_LAYER_POOL,
                      .input = b->hidden,
                      .residual = TSR__NO_SLOT,
                      .output = b->pooled,
                      .as.pool = {.width = b->config->hidden, .pooling = b->config->pooling}};
  set_name(&layer, -1, "pooling");
  return tsr__model_add_layer(b->model, &layer);
}

static tsr_status add_slots(builder *b) {
  int64_t hidden = b->config->hidden;
  TSR_TRY(tsr__model_add_slot(b->model, hidden, 0, &b->hidden));
  TSR_TRY(tsr__model_add_slot(b->model, 3 * hidden, 0, &b->qkv));
  TSR_TRY(tsr__model_add_slot(b->model, hidden, 0, &b->context));
  TSR_TRY(tsr__model_add_slot(b->model, b->config->intermediate, 0, &b->inner));
  TSR_TRY(tsr__model_add_slot(b->model, hidden, 1, &b->pooled));
  b->model->hidden_slot = b->hidden;
  b->model->pooled_slot = b->pooled;
  return TSR_OK;
}

tsr_status tsr__bert_build(const tsr__bert_config *config, tsr__weights *weights,
                           tsr_model *model) {
  builder b = {.config = config, .weights = weights, .model = model};
  tsr_model_info *info = &model->info;
  info->layers = config->layers;
  info->hidden = config->hidden;
  info->heads = config->heads;
  info->intermediate = config->intermediate;
  info->vocabulary = config->vocabulary;
  info->max_positions = config->max_positions;
  info->pooling = config->pooling;
  TSR_TRY(add_slots(&b));
  TSR_TRY(add_embeddings(&b));
  for (int64_t block = 0; block < config->layers; block++) TSR_TRY(add_block(&b, block));
  TSR_TRY(add_pool(&b));
  tsr__model_seal(model);
  return TSR_OK;
}
