#include "tests/small_bert.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/checkpoint_files.h"
#include "tests/layer_reference.h"

/* ---- weights ---- */

static void add(small_bert *bert, uint64_t seed, int block, const char *name, int64_t rows,
                int64_t cols) {
  small_tensor *t = &bert->tensors[bert->count++];
  cr_assert_leq(bert->count, SMALL_TENSORS_MAX);
  if (block < 0)
    snprintf(t->name, sizeof t->name, "%s", name);
  else
    snprintf(t->name, sizeof t->name, "encoder.layer.%d.%s", block, name);
  t->rows = rows;
  t->cols = cols;
  /* Large enough that a mistake anywhere shows, small enough that softmax keeps several terms. */
  t->data = reference_random((size_t)((rows ? rows : 1) * cols),
                             seed * 1000 + (uint64_t)bert->count, 0.35f);
}

void small_bert_init(small_bert *bert, uint64_t seed) {
  enum { H = SMALL_HIDDEN, I = SMALL_INNER };
  *bert = (small_bert){0};
  add(bert, seed, -1, "embeddings.word_embeddings.weight", SMALL_VOCABULARY, H);
  add(bert, seed, -1, "embeddings.position_embeddings.weight", SMALL_POSITIONS, H);
  add(bert, seed, -1, "embeddings.token_type_embeddings.weight", SMALL_TYPES, H);
  add(bert, seed, -1, "embeddings.LayerNorm.weight", 0, H);
  add(bert, seed, -1, "embeddings.LayerNorm.bias", 0, H);
  for (int b = 0; b < SMALL_LAYERS; b++) {
    add(bert, seed, b, "attention.self.query.weight", H, H);
    add(bert, seed, b, "attention.self.query.bias", 0, H);
    add(bert, seed, b, "attention.self.key.weight", H, H);
    add(bert, seed, b, "attention.self.key.bias", 0, H);
    add(bert, seed, b, "attention.self.value.weight", H, H);
    add(bert, seed, b, "attention.self.value.bias", 0, H);
    add(bert, seed, b, "attention.output.dense.weight", H, H);
    add(bert, seed, b, "attention.output.dense.bias", 0, H);
    add(bert, seed, b, "attention.output.LayerNorm.weight", 0, H);
    add(bert, seed, b, "attention.output.LayerNorm.bias", 0, H);
    add(bert, seed, b, "intermediate.dense.weight", I, H);
    add(bert, seed, b, "intermediate.dense.bias", 0, I);
    add(bert, seed, b, "output.dense.weight", H, I);
    add(bert, seed, b, "output.dense.bias", 0, H);
    add(bert, seed, b, "output.LayerNorm.weight", 0, H);
    add(bert, seed, b, "output.LayerNorm.bias", 0, H);
  }
  add(bert, seed, -1, "pooler.dense.weight", H, H);
  add(bert, seed, -1, "pooler.dense.bias", 0, H);
}

void small_bert_release(small_bert *bert) {
  for (int i = 0; i < bert->count; i++) free(bert->tensors[i].data);
}

small_tensor *small_bert_find(small_bert *bert, const char *name) {
  for (int i = 0; i < bert->count; i++)
    if (!strcmp(bert->tensors[i].name, name)) return &bert->tensors[i];
  return NULL;
}

/* ---- on disk ---- */

/* The upper 16 bits of a float are a BF16; cutting the others off makes the two equal. */
static void *to_bf16(small_tensor *t, int64_t count) {
  uint16_t *out = malloc((size_t)count * sizeof *out);
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, &t->data[i], sizeof bits);
    bits &= 0xffff0000u;
    memcpy(&t->data[i], &bits, sizeof bits);
    out[i] = (uint16_t)(bits >> 16);
  }
  return out;
}

static void full_name(char *out, size_t size, const char *prefix, const char *name, int old_names) {
  snprintf(out, size, "%s%s", prefix, name);
  char *weight = strstr(out, "LayerNorm.weight"), *bias = strstr(out, "LayerNorm.bias");
  if (old_names && weight) strcpy(weight, "LayerNorm.gamma");
  if (old_names && bias) strcpy(bias, "LayerNorm.beta");
}

void small_bert_save(small_bert *bert, const char *folder, const char *prefix, tsr_dtype dtype,
                     int old_names) {
  tsr_checkpoint_writer *writer;
  void *converted[SMALL_TENSORS_MAX] = {NULL};
  cr_assert_eq(tsr_checkpoint_writer_create(&writer), TSR_OK);
  for (int i = 0; i < bert->count; i++) {
    char name[128];
    small_tensor *t = &bert->tensors[i];
    int64_t shape[2] = {t->rows ? t->rows : t->cols, t->cols};
    full_name(name, sizeof name, prefix, t->name, old_names);
    if (dtype == TSR_DTYPE_BF16) converted[i] = to_bf16(t, (t->rows ? t->rows : 1) * t->cols);
    cr_assert_eq(tsr_checkpoint_writer_add(writer, name, dtype, t->rows ? 2 : 1, shape,
                                           converted[i] ? converted[i] : t->data),
                 TSR_OK, "%s", tsr_last_error());
  }
  /* What published checkpoints hold besides: to be ignored. */
  static const int64_t ids[SMALL_POSITIONS] = {0}, shape[2] = {1, SMALL_POSITIONS}, one = 1;
  char name[128];
  full_name(name, sizeof name, prefix, "embeddings.position_ids", 0);
  cr_assert_eq(tsr_checkpoint_writer_add(writer, name, TSR_DTYPE_I64, 2, shape, ids), TSR_OK);
  cr_assert_eq(tsr_checkpoint_writer_add(writer, "cls.predictions.bias", TSR_DTYPE_F32, 1, &one,
                                         bert->tensors[0].data),
               TSR_OK);
  char *path = files_path(folder, "model.safetensors");
  cr_assert_eq(tsr_checkpoint_writer_save(writer, path), TSR_OK, "%s", tsr_last_error());
  free(path);
  tsr_checkpoint_writer_destroy(writer);
  for (int i = 0; i < bert->count; i++) free(converted[i]);
}

void small_bert_config(const char *folder, const char *key, const char *value) {
  static const char *const pairs[][2] = {{"model_type", "\"bert\""},
                                         {"hidden_size", "24"},
                                         {"num_attention_heads", "3"},
                                         {"intermediate_size", "40"},
                                         {"num_hidden_layers", "2"},
                                         {"vocab_size", "50"},
                                         {"max_position_embeddings", "20"},
                                         {"type_vocab_size", "2"},
                                         {"layer_norm_eps", "1e-3"},
                                         {"hidden_act", "\"gelu\""},
                                         {"position_embedding_type", "\"absolute\""}};
  char text[1024] = "{\"architectures\": [\"BertModel\"]";
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    int replaced = key && !strcmp(key, pairs[i][0]);
    if (replaced && !value) continue;
    size_t length = strlen(text);
    snprintf(text + length, sizeof text - length, ", \"%s\": %s", pairs[i][0],
             replaced ? value : pairs[i][1]);
  }
  strcat(text, "}");
  files_write_text(folder, "config.json", text);
}

/* ---- what it computes ---- */

static const float *weight(small_bert *bert, int block, const char *name) {
  char full[128];
  if (block < 0)
    snprintf(full, sizeof full, "%s", name);
  else
    snprintf(full, sizeof full, "encoder.layer.%d.%s", block, name);
  return small_bert_find(bert, full)->data;
}

/* y = x W^T + b for one token. */
static void linear(small_bert *bert, int block, const char *name, const double *x, int cols,
                   double *y, int rows) {
  char full[96];
  snprintf(full, sizeof full, "%s.weight", name);
  const float *w = weight(bert, block, full);
  snprintf(full, sizeof full, "%s.bias", name);
  const float *bias = weight(bert, block, full);
  for (int r = 0; r < rows; r++) {
    y[r] = (double)bias[r];
    for (int c = 0; c < cols; c++) y[r] += (double)w[r * cols + c] * x[c];
  }
}

static void layernorm(small_bert *bert, int block, const char *name, double *x) {
  char full[96];
  snprintf(full, sizeof full, "%s.weight", name);
  const float *gamma = weight(bert, block, full);
  snprintf(full, sizeof full, "%s.bias", name);
  const float *beta = weight(bert, block, full);
  double mean = 0, variance = 0;
  for (int i = 0; i < SMALL_HIDDEN; i++) mean += x[i] / SMALL_HIDDEN;
  for (int i = 0; i < SMALL_HIDDEN; i++) variance += (x[i] - mean) * (x[i] - mean) / SMALL_HIDDEN;
  for (int i = 0; i < SMALL_HIDDEN; i++)
    x[i] = (x[i] - mean) / sqrt(variance + 1e-3) * (double)gamma[i] + (double)beta[i];
}

/* Attention of one token over all; k, v: [tokens, SMALL_HIDDEN]. */
static void attend(const double *q, const double *k, const double *v, int64_t tokens, double *y) {
  enum { D = SMALL_HIDDEN / SMALL_HEADS };
  for (int h = 0; h < SMALL_HEADS; h++) {
    double p[SMALL_POSITIONS], sum = 0;
    for (int64_t s = 0; s < tokens; s++) {
      double score = 0;
      for (int d = h * D; d < (h + 1) * D; d++) score += q[d] * k[s * SMALL_HIDDEN + d];
      sum += p[s] = exp(score / sqrt(D));
    }
    for (int d = h * D; d < (h + 1) * D; d++) {
      y[d] = 0;
      for (int64_t s = 0; s < tokens; s++) y[d] += p[s] / sum * v[s * SMALL_HIDDEN + d];
    }
  }
}

static void block_forward(small_bert *bert, int block, double *x, int64_t tokens) {
  enum { H = SMALL_HIDDEN, I = SMALL_INNER };
  double q[SMALL_POSITIONS * H], k[SMALL_POSITIONS * H], v[SMALL_POSITIONS * H];
  for (int64_t t = 0; t < tokens; t++) {
    linear(bert, block, "attention.self.query", x + t * H, H, q + t * H, H);
    linear(bert, block, "attention.self.key", x + t * H, H, k + t * H, H);
    linear(bert, block, "attention.self.value", x + t * H, H, v + t * H, H);
  }
  for (int64_t t = 0; t < tokens; t++) {
    double context[H], y[H], inner[I];
    attend(q + t * H, k, v, tokens, context);
    linear(bert, block, "attention.output.dense", context, H, y, H);
    for (int i = 0; i < H; i++) x[t * H + i] += y[i];
    layernorm(bert, block, "attention.output.LayerNorm", x + t * H);
    linear(bert, block, "intermediate.dense", x + t * H, H, inner, I);
    for (int i = 0; i < I; i++) inner[i] *= 0.5 * erfc(-inner[i] / sqrt(2));
    linear(bert, block, "output.dense", inner, I, y, H);
    for (int i = 0; i < H; i++) x[t * H + i] += y[i];
    layernorm(bert, block, "output.LayerNorm", x + t * H);
  }
}

void small_bert_forward(small_bert *bert, const int32_t *ids, const int32_t *types, int64_t tokens,
                        double *hidden) {
  small_bert_forward_blocks(bert, ids, types, tokens, SMALL_LAYERS, hidden);
}

void small_bert_forward_blocks(small_bert *bert, const int32_t *ids, const int32_t *types,
                               int64_t tokens, int blocks, double *hidden) {
  enum { H = SMALL_HIDDEN };
  const float *words = weight(bert, -1, "embeddings.word_embeddings.weight");
  const float *positions = weight(bert, -1, "embeddings.position_embeddings.weight");
  const float *kinds = weight(bert, -1, "embeddings.token_type_embeddings.weight");
  for (int64_t t = 0; t < tokens; t++) {
    int32_t type = types ? types[t] : 0;
    for (int i = 0; i < H; i++)
      hidden[t * H + i] = (double)words[ids[t] * H + i] + (double)positions[t * H + i] +
                          (double)kinds[type * H + i];
    layernorm(bert, -1, "embeddings.LayerNorm", hidden + t * H);
  }
  for (int b = 0; b < blocks; b++) block_forward(bert, b, hidden, tokens);
}
