#include "tests/tiny_bert.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tessera/checkpoint.h"
#include "tests/checkpoint_files.h"

const char *const tiny_vocabulary[] = {
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a",   "cat",   "dog",   "sat",
    "on",    "the",   "mat",   "bank",  "river",  "##s", "##ing", "money", "run",
    "walk",  ".",     ",",     "blue",  "is",     "sky", NULL};

/* Everything that is borrowed until the file is written. */
enum { BUFFERS_MAX = 64 };
static float *buffers[BUFFERS_MAX];
static int buffer_count;
static unsigned state;

/* Uniform in [-0.5, 0.5), never 0, so that zeros are only those that were pruned. */
static float next_value(void) {
  state = state * 1664525u + 1013904223u;
  return ((float)(state >> 9) + 0.5f) / (float)(1u << 23) - 0.5f;
}

/* cols 0: a vector. */
static void add(tsr_checkpoint_writer *writer, const char *name, int64_t rows, int64_t cols,
                float offset) {
  int64_t count = rows * (cols ? cols : 1), shape[2] = {rows, cols};
  cr_assert_lt(buffer_count, BUFFERS_MAX);
  float *values = malloc((size_t)count * sizeof *values);
  buffers[buffer_count++] = values;
  for (int64_t i = 0; i < count; i++) values[i] = offset + 0.3f * next_value();
  cr_assert_eq(tsr_checkpoint_writer_add(writer, name, TSR_DTYPE_F32, cols ? 2 : 1, shape, values),
               TSR_OK);
}

static void add_linear(tsr_checkpoint_writer *writer, const char *prefix, int64_t rows,
                       int64_t cols) {
  char name[128];
  snprintf(name, sizeof name, "%s.weight", prefix);
  add(writer, name, rows, cols, 0);
  snprintf(name, sizeof name, "%s.bias", prefix);
  add(writer, name, rows, 0, 0);
}

static void add_norm(tsr_checkpoint_writer *writer, const char *prefix) {
  char name[128];
  snprintf(name, sizeof name, "%s.LayerNorm.weight", prefix);
  add(writer, name, TINY_HIDDEN, 0, 1);
  snprintf(name, sizeof name, "%s.LayerNorm.bias", prefix);
  add(writer, name, TINY_HIDDEN, 0, 0);
}

static void add_layer(tsr_checkpoint_writer *writer, int layer) {
  static const char *const square[] = {"attention.self.query", "attention.self.key",
                                       "attention.self.value", "attention.output.dense"};
  char prefix[96];
  for (int i = 0; i < 4; i++) {
    snprintf(prefix, sizeof prefix, "encoder.layer.%d.%s", layer, square[i]);
    add_linear(writer, prefix, TINY_HIDDEN, TINY_HIDDEN);
  }
  snprintf(prefix, sizeof prefix, "encoder.layer.%d.intermediate.dense", layer);
  add_linear(writer, prefix, TINY_INTERMEDIATE, TINY_HIDDEN);
  snprintf(prefix, sizeof prefix, "encoder.layer.%d.output.dense", layer);
  add_linear(writer, prefix, TINY_HIDDEN, TINY_INTERMEDIATE);
  snprintf(prefix, sizeof prefix, "encoder.layer.%d.attention.output", layer);
  add_norm(writer, prefix);
  snprintf(prefix, sizeof prefix, "encoder.layer.%d.output", layer);
  add_norm(writer, prefix);
}

static void write_texts(const char *folder, int tokens) {
  char config[512];
  snprintf(
      config, sizeof config,
      "{\"model_type\": \"bert\", \"architectures\": [\"BertModel\"], \"hidden_act\": \"gelu\","
      " \"num_hidden_layers\": %d, \"hidden_size\": %d, \"intermediate_size\": %d,"
      " \"num_attention_heads\": %d, \"max_position_embeddings\": %d, \"vocab_size\": %d,"
      " \"type_vocab_size\": 2, \"layer_norm_eps\": 1e-12}",
      TINY_LAYERS, TINY_HIDDEN, TINY_INTERMEDIATE, TINY_HEADS, TINY_POSITIONS, tokens);
  files_write_text(folder, "config.json", config);
  char vocabulary[512] = "";
  int used = 0;
  for (int i = 0; i < tokens; i++)
    used +=
        snprintf(vocabulary + used, sizeof vocabulary - (size_t)used, "%s\n", tiny_vocabulary[i]);
  files_write_text(folder, "vocab.txt", vocabulary);
}

void tiny_bert_write(const char *folder) {
  int tokens = 0;
  while (tiny_vocabulary[tokens]) tokens++;
  state = 1;
  cr_assert_eq(mkdir(folder, 0777), 0, "%s", folder);
  tsr_checkpoint_writer *writer;
  cr_assert_eq(tsr_checkpoint_writer_create(&writer), TSR_OK);
  add(writer, "embeddings.word_embeddings.weight", tokens, TINY_HIDDEN, 0);
  add(writer, "embeddings.position_embeddings.weight", TINY_POSITIONS, TINY_HIDDEN, 0);
  add(writer, "embeddings.token_type_embeddings.weight", 2, TINY_HIDDEN, 0);
  add_norm(writer, "embeddings");
  for (int layer = 0; layer < TINY_LAYERS; layer++) add_layer(writer, layer);
  add_linear(writer, "pooler.dense", TINY_HIDDEN, TINY_HIDDEN);
  char path[512];
  snprintf(path, sizeof path, "%s/model.safetensors", folder);
  cr_assert_eq(tsr_checkpoint_writer_save(writer, path), TSR_OK, "%s", tsr_last_error());
  tsr_checkpoint_writer_destroy(writer);
  while (buffer_count) free(buffers[--buffer_count]);
  write_texts(folder, tokens);
}
