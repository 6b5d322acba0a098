/* Loading: names, sizes, configurations, and what is wrong with broken ones. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bert_run.h"
#include "tests/checkpoint_files.h"
#include "tests/small_bert.h"

#define CHECK(call) cr_assert_eq(call, TSR_OK, "%s", tsr_last_error())

static const int32_t ids[] = {2, 49, 0, 7, 7, 31, 3};
static const int32_t types[] = {0, 0, 0, 1, 1, 1, 1};
enum { TOKENS = sizeof ids / sizeof ids[0] };

static tsr_status load(const char *folder, tsr_checkpoint **checkpoint, tsr_model **model) {
  *checkpoint = NULL;
  tsr_status status = tsr_checkpoint_open(folder, checkpoint);
  return status == TSR_OK ? tsr_model_load(*checkpoint, model) : status;
}

static void check_hidden(small_bert *bert, const tsr_model *model) {
  const int64_t offsets[] = {0, TOKENS};
  tsr_batch batch = {1, offsets, ids, types};
  float hidden[TOKENS * SMALL_HIDDEN];
  double expected[TOKENS * SMALL_HIDDEN];
  tsr_output output = {.hidden = hidden};
  CHECK(bert_run(model, &batch, &output, NULL, 1));
  small_bert_forward(bert, ids, types, TOKENS, expected);
  for (int i = 0; i < TOKENS * SMALL_HIDDEN; i++)
    cr_assert(fabs((double)hidden[i] - expected[i]) < 1e-5, "[%d, %d] is %.9g, not %.9g",
              i / SMALL_HIDDEN, i % SMALL_HIDDEN, (double)hidden[i], expected[i]);
}

static void check_variant(const char *prefix, tsr_dtype dtype, int old_names, int pooler) {
  char *folder = files_folder();
  small_bert bert;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  small_bert_init(&bert, 1);
  if (!pooler) {
    for (int i = bert.count - 2; i < bert.count; i++) free(bert.tensors[i].data);
    bert.count -= 2;
  }
  small_bert_save(&bert, folder, prefix, dtype, old_names);
  small_bert_config(folder, NULL, NULL);
  CHECK(load(folder, &checkpoint, &model));
  check_hidden(&bert, model);
  tsr_model_destroy(model);
  tsr_checkpoint_close(checkpoint);
  small_bert_release(&bert);
  files_remove(folder);
}

Test(bert, names_with_and_without_prefix_and_pooler) {
  for (int pooler = 0; pooler < 2; pooler++) {
    check_variant("", TSR_DTYPE_F32, 0, pooler);
    check_variant("bert.", TSR_DTYPE_F32, 0, pooler);
  }
}

Test(bert, old_names_of_layernorm) { check_variant("bert.", TSR_DTYPE_F32, 1, 1); }

Test(bert, bfloat16_weights_and_tables) { check_variant("", TSR_DTYPE_BF16, 0, 1); }

/* ---- what a loaded model tells ---- */

Test(bert, layers_and_sizes_can_be_listed) {
  char *folder = files_folder();
  small_bert bert;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  small_bert_init(&bert, 2);
  small_bert_save(&bert, folder, "bert.", TSR_DTYPE_F32, 0);
  small_bert_config(folder, NULL, NULL);
  CHECK(load(folder, &checkpoint, &model));
  const tsr_model_info *info = tsr_model_get_info(model);
  cr_assert_str_eq(info->family, "bert");
  cr_assert_eq(strcmp(info->name, strrchr(folder, '/') + 1), 0);
  cr_assert(info->layers == 2 && info->hidden == 24 && info->heads == 3);
  cr_assert(info->intermediate == 40 && info->vocabulary == 50 && info->max_positions == 20);
  int linear = 0, named = 0;
  for (size_t i = 0; i < tsr_model_layer_count(model); i++) {
    const tsr_linear *l = tsr_model_linear(model, i);
    cr_assert_eq(l != NULL, tsr_model_layer_kind(model, i) == TSR_LAYER_LINEAR);
    if (!l) continue;
    linear++;
    cr_assert_str_eq(l->name, tsr_model_layer_name(model, i));
    named += !strcmp(l->name, "encoder.layer.1.attention.self.query");
    cr_assert_eq(l->activation == TSR_ACTIVATION_GELU, strstr(l->name, "intermediate") != NULL);
  }
  cr_assert_eq(linear, 12);
  cr_assert_eq(named, 1);
  size_t end = tsr_model_layer_count(model);
  cr_assert_null(tsr_model_layer_name(model, end));
  cr_assert_null(tsr_model_linear(model, end));
  cr_assert_eq(tsr_model_layer_kind(model, end), TSR_LAYER_COUNT);
  tsr_model_destroy(model);
  tsr_checkpoint_close(checkpoint);
  small_bert_release(&bert);
  files_remove(folder);
}

/* ---- what is wrong ---- */

static void expect_failure(const char *folder, tsr_status expected, const char *word,
                           const char *word2) {
  tsr_checkpoint *checkpoint;
  tsr_model *model = (tsr_model *)1;
  tsr_status status = load(folder, &checkpoint, &model);
  cr_assert_eq(status, expected, "%s: %s", tsr_status_name(status), tsr_last_error());
  cr_assert_null(model);
  cr_assert(strstr(tsr_last_error(), word), "no '%s' in: %s", word, tsr_last_error());
  cr_assert(strstr(tsr_last_error(), word2), "no '%s' in: %s", word2, tsr_last_error());
  tsr_checkpoint_close(checkpoint);
}

Test(bert, bad_configurations_are_named) {
  static const struct {
    const char *key, *value;
    tsr_status status;
    const char *word;
  } cases[] = {
      {"hidden_size", NULL, TSR_NOT_FOUND, "config.json"},
      {"hidden_size", "0", TSR_MALFORMED, "0"},
      {"hidden_size", "-24", TSR_MALFORMED, "-24"},
      {"hidden_size", "99999999999", TSR_MALFORMED, "99999999999"},
      {"hidden_size", "\"24\"", TSR_MALFORMED, "config.json"},
      {"num_attention_heads", "5", TSR_MALFORMED, "5"},
      {"num_hidden_layers", NULL, TSR_NOT_FOUND, "config.json"},
      {"vocab_size", NULL, TSR_NOT_FOUND, "config.json"},
      {"layer_norm_eps", "-1", TSR_MALFORMED, "-1"},
      {"hidden_act", "\"gelu_new\"", TSR_UNSUPPORTED, "gelu_new"},
      {"position_embedding_type", "\"relative_key\"", TSR_UNSUPPORTED, "relative_key"},
      {"model_type", "\"gpt2\"", TSR_UNSUPPORTED, "gpt2"},
  };
  char *folder = files_folder();
  small_bert bert;
  small_bert_init(&bert, 3);
  small_bert_save(&bert, folder, "", TSR_DTYPE_F32, 0);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    small_bert_config(folder, cases[i].key, cases[i].value);
    expect_failure(folder, cases[i].status, cases[i].key, cases[i].word);
  }
  small_bert_release(&bert);
  files_remove(folder);
}

/* config.json and weights contradict each other: the tensor is named, and both sizes. */
Test(bert, sizes_that_contradict_config_are_named) {
  static const struct {
    const char *key, *value, *tensor, *wanted;
  } cases[] = {
      {"intermediate_size", "48", "encoder.layer.0.intermediate.dense", "48"},
      {"vocab_size", "51", "embeddings.word_embeddings.weight", "51"},
      {"max_position_embeddings", "21", "embeddings.position_embeddings.weight", "21"},
      {"type_vocab_size", "3", "embeddings.token_type_embeddings.weight", "3"},
      {"hidden_size", "27", "embeddings.word_embeddings.weight", "27"},
  };
  char *folder = files_folder();
  small_bert bert;
  small_bert_init(&bert, 4);
  small_bert_save(&bert, folder, "", TSR_DTYPE_F32, 0);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    small_bert_config(folder, cases[i].key, cases[i].value);
    expect_failure(folder, TSR_MALFORMED, cases[i].tensor, cases[i].wanted);
  }
  small_bert_config(folder, "num_hidden_layers", "3");
  expect_failure(folder, TSR_NOT_FOUND, "encoder.layer.2.", "attention.self.query");
  small_bert_release(&bert);
  files_remove(folder);
}

Test(bert, every_missing_tensor_is_named) {
  small_bert bert;
  small_bert_init(&bert, 5);
  for (int i = 0; i < bert.count - 2; i++) {
    char *folder = files_folder();
    char name[96];
    strcpy(name, bert.tensors[i].name);
    strcpy(bert.tensors[i].name, "something.else");
    small_bert_save(&bert, folder, "", TSR_DTYPE_F32, 0);
    small_bert_config(folder, NULL, NULL);
    expect_failure(folder, TSR_NOT_FOUND, name, "");
    strcpy(bert.tensors[i].name, name);
    files_remove(folder);
  }
  small_bert_release(&bert);
}

Test(bert, without_config_nothing_is_guessed) {
  char *folder = files_folder();
  small_bert bert;
  small_bert_init(&bert, 6);
  small_bert_save(&bert, folder, "", TSR_DTYPE_F32, 0);
  expect_failure(folder, TSR_NOT_FOUND, "config.json", "num_hidden_layers");
  small_bert_release(&bert);
  files_remove(folder);
}

/* ---- pooling ---- */

Test(bert, pooling_is_read_from_its_folder) {
  static const struct {
    const char *text;
    tsr_status status;
    tsr_pooling pooling;
    const char *word;
  } cases[] = {
      {"{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}", TSR_OK,
       TSR_POOLING_CLS, ""},
      {"{\"pooling_mode_cls_token\": false, \"pooling_mode_mean_tokens\": true}", TSR_OK,
       TSR_POOLING_MEAN, ""},
      {"{}", TSR_OK, TSR_POOLING_MEAN, ""},
      {"{\"pooling_mode_max_tokens\": true, \"pooling_mode_mean_tokens\": false}", TSR_UNSUPPORTED,
       TSR_POOLING_MEAN, "pooling_mode_max_tokens"},
      {"{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true}", TSR_UNSUPPORTED,
       TSR_POOLING_MEAN, "cls and mean"},
      {"{\"pooling_mode_cls_token\": 1}", TSR_MALFORMED, TSR_POOLING_MEAN, "1_Pooling"},
  };
  char *folder = files_folder();
  char *pooling = files_path(folder, "1_Pooling");
  char *file = files_path(pooling, "config.json");
  small_bert bert;
  small_bert_init(&bert, 7);
  small_bert_save(&bert, folder, "", TSR_DTYPE_F32, 0);
  small_bert_config(folder, NULL, NULL);
  cr_assert_eq(mkdir(pooling, 0700), 0);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    files_write_text(pooling, "config.json", cases[i].text);
    if (cases[i].status != TSR_OK) {
      expect_failure(folder, cases[i].status, cases[i].word, "");
      continue;
    }
    tsr_checkpoint *checkpoint;
    tsr_model *model;
    CHECK(load(folder, &checkpoint, &model));
    cr_assert_eq(tsr_model_get_info(model)->pooling, cases[i].pooling);
    tsr_model_destroy(model);
    tsr_checkpoint_close(checkpoint);
  }
  unlink(file);
  rmdir(pooling);
  free(file);
  free(pooling);
  small_bert_release(&bert);
  files_remove(folder);
}

/* ---- presets ---- */

Test(presets, are_listed_and_seeded) {
  static const int64_t sizes[][4] = {{6, 384, 12, 1536}, {12, 768, 12, 3072}, {24, 1024, 16, 4096}};
  static const char *const names[] = {"minilm",   "bert-base", "bert-large",
                                      "resnet18", "resnet50",  "fashion-resnet"};
  for (size_t i = 0; i < 6; i++) cr_assert_str_eq(tsr_model_preset_name(i), names[i]);
  cr_assert_null(tsr_model_preset_name(6));
  tsr_model *a, *b, *c;
  CHECK(tsr_model_preset("minilm", 1, &a));
  CHECK(tsr_model_preset("minilm", 1, &b));
  CHECK(tsr_model_preset("minilm", 2, &c));
  const tsr_model_info *info = tsr_model_get_info(a);
  cr_assert(info->layers == sizes[0][0] && info->hidden == sizes[0][1]);
  cr_assert(info->heads == sizes[0][2] && info->intermediate == sizes[0][3]);
  int same = 0, linear = 0;
  double sum = 0, squares = 0, count = 0;
  for (size_t i = 0; i < tsr_model_layer_count(a); i++) {
    const tsr_linear *l = tsr_model_linear(a, i);
    if (!l) continue;
    size_t bytes = (size_t)l->weight.stored * sizeof(float);
    cr_assert_eq(memcmp(l->weight.values, tsr_model_linear(b, i)->weight.values, bytes), 0);
    same += !memcmp(l->weight.values, tsr_model_linear(c, i)->weight.values, bytes);
    linear++;
    for (int64_t j = 0; j < l->weight.stored; j++) {
      double w = (double)((const float *)l->weight.values)[j];
      sum += w;
      squares += w * w;
    }
    count += (double)l->weight.stored;
  }
  cr_assert_eq(linear, 36);
  cr_assert_eq(same, 0);
  cr_assert(fabs(sum / count) < 1e-4 && fabs(sqrt(squares / count) - 0.02) < 1e-4,
            "mean %g, deviation %g", sum / count, sqrt(squares / count));
  tsr_model_destroy(a);
  tsr_model_destroy(b);
  tsr_model_destroy(c);
}

Test(presets, unknown_names_and_null_are_refused) {
  tsr_model *model = (tsr_model *)1;
  cr_assert_eq(tsr_model_preset("bert-huge", 1, &model), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), "bert-huge"));
  cr_assert_null(model);
  cr_assert_eq(tsr_model_preset(NULL, 1, &model), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_model_preset("minilm", 1, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_model_load(NULL, &model), TSR_INVALID_ARGUMENT);
  cr_assert_null(tsr_model_get_info(NULL));
  cr_assert_eq(tsr_model_layer_count(NULL), 0);
  cr_assert_null(tsr_model_layer_name(NULL, 0));
  cr_assert_null(tsr_model_linear(NULL, 0));
  tsr_model_destroy(NULL);
}

/* ---- replacing a weight ---- */

Test(set_weight, takes_over_and_checks_the_shape) {
  tsr_model *model;
  CHECK(tsr_model_preset("minilm", 1, &model));
  size_t index = 0;
  while (!tsr_model_linear(model, index)) index++;
  int64_t rows = tsr_model_linear(model, index)->weight.rows;
  float *zeros = calloc((size_t)(rows * (rows + 1)), sizeof *zeros);
  tsr_matrix wrong = {zeros, TSR_DTYPE_F32, rows, rows + 1, rows + 1};
  tsr_matrix right = {zeros, TSR_DTYPE_F32, rows, rows, rows};
  tsr_pattern pattern;
  tsr_packed packed;
  CHECK(tsr_pattern_parse("block:16x16", &pattern));
  CHECK(tsr_pack(&wrong, TSR_FORMAT_BCSR, &pattern, &packed));
  cr_assert_eq(tsr_model_set_weight(model, index, &packed), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), tsr_model_layer_name(model, index)));
  cr_assert(strstr(tsr_last_error(), "384 x 385"), "%s", tsr_last_error());
  cr_assert_null(packed.owned, "it must be taken over on failure, too");
  CHECK(tsr_pack(&right, TSR_FORMAT_BCSR, &pattern, &packed));
  cr_assert_eq(tsr_model_set_weight(model, 0, &packed), TSR_INVALID_ARGUMENT, "an embedding");
  CHECK(tsr_pack(&right, TSR_FORMAT_BCSR, &pattern, &packed));
  CHECK(tsr_model_set_weight(model, index, &packed));
  cr_assert_eq(tsr_model_linear(model, index)->weight.format, TSR_FORMAT_BCSR);
  cr_assert_eq(tsr_model_set_weight(model, index, NULL), TSR_INVALID_ARGUMENT);
  CHECK(tsr_pack(&right, TSR_FORMAT_BCSR, &pattern, &packed));
  cr_assert_eq(tsr_model_set_weight(NULL, index, &packed), TSR_INVALID_ARGUMENT);
  free(zeros);
  tsr_model_destroy(model);
}
