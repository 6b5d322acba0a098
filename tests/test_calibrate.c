/* Calibration: which lines, which statistics, fed by what. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/alloc_failures.h"
#include "tests/checkpoint_files.h"
#include "tests/small_bert.h"

static const int64_t offsets[] = {0, 7, 9, 20};
static const int32_t ids[] = {1, 4, 9, 16, 25, 36, 49, 7, 8, 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
static const tsr_batch batch = {.sequences = 3, .offsets = offsets, .ids = ids};
enum { TOKENS = 20, LAYERS_MAX = 64 };

typedef struct fixture {
  char *folder;
  small_bert bert;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  tsr_calibration *calibration;
  uint8_t chosen[LAYERS_MAX];
} fixture;

static void begin(fixture *f) {
  *f = (fixture){.folder = files_folder()};
  small_bert_init(&f->bert, 3);
  small_bert_save(&f->bert, f->folder, "", TSR_DTYPE_F32, 0);
  small_bert_config(f->folder, NULL, NULL);
  cr_assert_eq(tsr_checkpoint_open(f->folder, &f->checkpoint), TSR_OK);
  cr_assert_eq(tsr_model_load(f->checkpoint, &f->model), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_calibration_from_ids(&batch, &f->calibration), TSR_OK);
  cr_assert_leq(tsr_model_layer_count(f->model), LAYERS_MAX);
  for (size_t i = 0; i < tsr_model_layer_count(f->model); i++)
    f->chosen[i] = tsr_model_linear(f->model, i) != NULL;
}

static void end(fixture *f) {
  tsr_calibration_destroy(f->calibration);
  tsr_model_destroy(f->model);
  tsr_checkpoint_close(f->checkpoint);
  small_bert_release(&f->bert);
  files_remove(f->folder);
}

/* The statistics are looked at through Wanda: of a row of ones it keeps the features with the
 * greatest norms. */
typedef struct seen {
  fixture *f;
  const char *layer; /* whose statistics are kept */
  int zero_block;    /* the weights of this block are replaced by zeros; -1 = none */
  int64_t rows, width;
  uint8_t order[SMALL_INNER]; /* 1 = in the half with the greater norms */
  int visits;
} seen;

static float zeros[SMALL_INNER * SMALL_INNER];

static tsr_status look(void *user, size_t index, const tsr_statistics *statistics) {
  seen *s = user;
  const char *name = tsr_model_layer_name(s->f->model, index);
  const tsr_packed *old = &tsr_model_linear(s->f->model, index)->weight;
  s->visits++;
  if (!strcmp(name, s->layer)) {
    float ones[SMALL_INNER];
    tsr_prune_options options = {.method = TSR_METHOD_WANDA, .sparsity = 0.5, .threads = 1};
    cr_assert_eq(tsr_pattern_parse("irregular", &options.pattern), TSR_OK);
    s->rows = tsr_statistics_rows(statistics);
    s->width = tsr_statistics_features(statistics);
    for (int64_t i = 0; i < s->width; i++) ones[i] = 1;
    cr_assert_eq(tsr_prune_matrix(&options, statistics, ones, 1, s->width, s->order, NULL), TSR_OK);
  }
  char block[32];
  snprintf(block, sizeof block, "encoder.layer.%d.", s->zero_block);
  if (strncmp(name, block, strlen(block)) != 0) return TSR_OK;
  tsr_packed weight = {.format = TSR_FORMAT_DENSE,
                       .dtype = TSR_DTYPE_F32,
                       .rows = old->rows,
                       .cols = old->cols,
                       .stored = old->rows * old->cols,
                       .values = zeros};
  return tsr_model_set_weight(s->f->model, index, &weight);
}

static tsr_status calibrate(seen *s) {
  tsr_calibrate_options options = {.statistics = TSR_STATISTICS_NORMS,
                                   .threads = 2,
                                   .chosen = s->f->chosen,
                                   .visit = look,
                                   .user = s};
  return tsr_calibrate(s->f->model, s->f->calibration, &options);
}

/* Norms of the states after block 0, from the naive forward pass of a model of one block. */
static void reference_norms(small_bert *bert, double *norms) {
  double hidden[TOKENS * SMALL_HIDDEN];
  for (int i = 0; i < SMALL_HIDDEN; i++) norms[i] = 0;
  for (int s = 0; s < 3; s++) {
    int64_t tokens = offsets[s + 1] - offsets[s];
    small_bert_forward_blocks(bert, ids + offsets[s], NULL, tokens, 1, hidden);
    for (int64_t t = 0; t < tokens; t++)
      for (int i = 0; i < SMALL_HIDDEN; i++)
        norms[i] += hidden[t * SMALL_HIDDEN + i] * hidden[t * SMALL_HIDDEN + i];
  }
}

static void check_order(const seen *s, const double *norms) {
  cr_assert_eq(s->rows, TOKENS);
  cr_assert_eq(s->width, SMALL_HIDDEN);
  for (int i = 0; i < SMALL_HIDDEN; i++)
    for (int j = 0; j < SMALL_HIDDEN; j++)
      if (s->order[i] && !s->order[j])
        cr_assert_geq(norms[i], norms[j] * (1 - 1e-5), "features %d and %d", i, j);
}

Test(calibrate, statistics_are_those_of_the_layers_input) {
  fixture f;
  double norms[SMALL_HIDDEN];
  begin(&f);
  seen s = {.f = &f, .layer = "encoder.layer.1.attention.self.key", .zero_block = -1};
  cr_assert_eq(calibrate(&s), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(s.visits, 6 * SMALL_LAYERS);
  reference_norms(&f.bert, norms);
  check_order(&s, norms);
  end(&f);
}

Test(calibrate, layers_are_fed_by_what_the_visit_left) {
  fixture f;
  double norms[SMALL_HIDDEN];
  begin(&f);
  seen s = {.f = &f, .layer = "encoder.layer.1.attention.self.query", .zero_block = 0};
  cr_assert_eq(calibrate(&s), TSR_OK, "%s", tsr_last_error());
  for (int i = 0; i < f.bert.count; i++) {
    small_tensor *t = &f.bert.tensors[i];
    if (t->rows && !strncmp(t->name, "encoder.layer.0.", 16))
      memset(t->data, 0, (size_t)(t->rows * t->cols) * sizeof *t->data);
  }
  reference_norms(&f.bert, norms);
  check_order(&s, norms);
  end(&f);
}

static tsr_status refuse(void *user, size_t index, const tsr_statistics *statistics) {
  (void)user, (void)index, (void)statistics;
  return TSR_STRUCTURE;
}

Test(calibrate, bad_arguments_are_refused) {
  fixture f;
  begin(&f);
  seen s = {.f = &f, .layer = "", .zero_block = -1};
  tsr_calibrate_options good = {.statistics = TSR_STATISTICS_NORMS,
                                .threads = 1,
                                .chosen = f.chosen,
                                .visit = look,
                                .user = &s},
                        bad;
  cr_assert_eq(tsr_calibrate(NULL, f.calibration, &good), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibrate(f.model, NULL, &good), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibrate(f.model, f.calibration, NULL), TSR_INVALID_ARGUMENT);
  bad = good, bad.threads = 0;
  cr_assert_eq(tsr_calibrate(f.model, f.calibration, &bad), TSR_INVALID_ARGUMENT);
  bad = good, bad.chosen = NULL;
  cr_assert_eq(tsr_calibrate(f.model, f.calibration, &bad), TSR_INVALID_ARGUMENT);
  bad = good, bad.visit = NULL;
  cr_assert_eq(tsr_calibrate(f.model, f.calibration, &bad), TSR_INVALID_ARGUMENT);
  bad = good, bad.statistics = TSR_STATISTICS_NONE;
  cr_assert_eq(tsr_calibrate(f.model, f.calibration, &bad), TSR_INVALID_ARGUMENT);
  bad = good, bad.visit = refuse;
  cr_assert_eq(tsr_calibrate(f.model, f.calibration, &bad), TSR_STRUCTURE);
  f.chosen[0] = 1;
  cr_assert_eq(tsr_calibrate(f.model, f.calibration, &good), TSR_INVALID_ARGUMENT);
  cr_assert_not_null(strstr(tsr_last_error(), "embeddings"), "%s", tsr_last_error());
  f.chosen[0] = 0;
  tsr_calibration *other;
  int32_t beyond[] = {SMALL_VOCABULARY};
  int64_t one[] = {0, 1}, nothing[] = {0, 0}, late[] = {1, 2};
  tsr_batch ids_beyond = {.sequences = 1, .offsets = one, .ids = beyond};
  cr_assert_eq(tsr_calibration_from_ids(&ids_beyond, &other), TSR_OK);
  cr_assert_eq(tsr_calibrate(f.model, other, &good), TSR_INVALID_ARGUMENT);
  tsr_calibration_destroy(other);
  cr_assert_eq(tsr_calibration_from_ids(NULL, &other), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_from_ids(&batch, NULL), TSR_INVALID_ARGUMENT);
  ids_beyond.offsets = nothing;
  cr_assert_eq(tsr_calibration_from_ids(&ids_beyond, &other), TSR_INVALID_ARGUMENT);
  ids_beyond.offsets = late;
  cr_assert_eq(tsr_calibration_from_ids(&ids_beyond, &other), TSR_INVALID_ARGUMENT);
  ids_beyond.sequences = 0;
  cr_assert_eq(tsr_calibration_from_ids(&ids_beyond, &other), TSR_INVALID_ARGUMENT);
  end(&f);
}

Test(calibrate, running_out_of_memory_is_survived) {
  fixture f;
  begin(&f);
  seen s = {.f = &f, .layer = "", .zero_block = -1};
  for (size_t i = 8; i < tsr_model_layer_count(f.model); i++) f.chosen[i] = 0;
  EXPECT_OUT_OF_MEMORY(calibrate(&s));
  end(&f);
}

/* ---- the input ---- */

static char *words_folder(tsr_tokenizer **tokenizer) {
  char *folder = files_folder();
  files_write_text(folder, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n");
  char *path = files_path(folder, "vocab.txt");
  cr_assert_eq(tsr_tokenizer_open(path, tokenizer), TSR_OK);
  free(path);
  return folder;
}

static tsr_status read_and_destroy(const tsr_tokenizer *tokenizer, char *const *paths,
                                   const tsr_calibration_options *options) {
  tsr_calibration *c;
  tsr_status status = tsr_calibration_read(tokenizer, (const char *const *)paths, 2, options, &c);
  tsr_calibration_destroy(c);
  return status;
}

Test(calibrate, lines_become_sequences) {
  tsr_tokenizer *tokenizer;
  tsr_calibration *c;
  char *folder = words_folder(&tokenizer);
  files_write_text(folder, "one", "a b c d\n\n  \t\r\nb\r\n");
  files_write_text(folder, "two", "d d");
  char *paths[] = {files_path(folder, "one"), files_path(folder, "two")};
  tsr_calibration_options options = {.samples = 5, .max_tokens = 5};
  cr_assert_eq(tsr_calibration_read(tokenizer, (const char *const *)paths, 2, &options, &c), TSR_OK,
               "%s", tsr_last_error());
  const tsr_batch *b = tsr_calibration_batch(c);
  cr_assert_eq(b->sequences, 3);
  cr_assert_eq(memcmp(b->offsets, (int64_t[]){0, 5, 8, 12}, 4 * sizeof(int64_t)), 0);
  cr_assert_eq(memcmp(b->ids, (int32_t[]){2, 5, 6, 7, 3, 2, 6, 3, 2, 8, 8, 3}, 12 * 4), 0);
  tsr_calibration_destroy(c);
  EXPECT_OUT_OF_MEMORY(read_and_destroy(tokenizer, paths, &options));
  free(paths[0]);
  free(paths[1]);
  tsr_tokenizer_close(tokenizer);
  files_remove(folder);
}

/* FNV-1a as published: the hash of the bytes 5 0 0 0 ..., written out again. */
static uint64_t fnv(const unsigned char *bytes, size_t count) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

Test(calibrate, hash_is_that_of_lengths_and_tokens) {
  static const unsigned char bytes[] = {2, 0, 0, 0, 1, 0, 0, 0, 4, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0};
  int32_t some_ids[] = {1, 260, 7};
  int64_t some_offsets[] = {0, 2, 3};
  tsr_batch b = {.sequences = 2, .offsets = some_offsets, .ids = some_ids};
  tsr_calibration *c;
  char expected[17];
  cr_assert_eq(fnv((const unsigned char *)"a", 1), 0xaf63dc4c8601ec8cu);
  snprintf(expected, sizeof expected, "%016llx", (unsigned long long)fnv(bytes, sizeof bytes));
  cr_assert_eq(tsr_calibration_from_ids(&b, &c), TSR_OK);
  cr_assert_str_eq(tsr_calibration_hash(c), expected);
  tsr_calibration_destroy(c);
  tsr_calibration_destroy(NULL);
  cr_assert_str_eq(tsr_calibration_hash(NULL), "");
  cr_assert_null(tsr_calibration_batch(NULL));
}

/* 60 lines of which line i has i % 20 + 1 words; each should be drawn about equally often. */
Test(calibrate, samples_are_fair_and_repeatable) {
  enum { LINES = 60, SAMPLES = 15, SEEDS = 400 };
  tsr_tokenizer *tokenizer;
  char *folder = words_folder(&tokenizer), text[4000] = "";
  int drawn[LINES] = {0};
  for (int i = 0; i < LINES; i++) {
    for (int w = 0; w <= i; w++) strcat(text, "a ");
    strcat(text, "\n");
  }
  files_write_text(folder, "lines", text);
  char *path = files_path(folder, "lines"), first[17] = "";
  for (int seed = 0; seed < SEEDS; seed++) {
    tsr_calibration_options options = {SAMPLES, LINES + 2, (uint64_t)seed};
    tsr_calibration *c;
    cr_assert_eq(tsr_calibration_read(tokenizer, (const char *const *)&path, 1, &options, &c),
                 TSR_OK);
    const tsr_batch *b = tsr_calibration_batch(c);
    cr_assert_eq(b->sequences, SAMPLES);
    int64_t before = -1;
    for (int s = 0; s < SAMPLES; s++) {
      int64_t line = b->offsets[s + 1] - b->offsets[s] - 3;
      cr_assert_gt(line, before);
      drawn[before = line]++;
    }
    if (!seed) strcpy(first, tsr_calibration_hash(c));
    cr_assert_eq(!seed, !strcmp(first, tsr_calibration_hash(c)));
    tsr_calibration_destroy(c);
  }
  /* 100 times on average, with a deviation of 8.7. */
  for (int i = 0; i < LINES; i++) cr_assert(drawn[i] > 60 && drawn[i] < 140, "%d", drawn[i]);
  free(path);
  tsr_tokenizer_close(tokenizer);
  files_remove(folder);
}

Test(calibrate, bad_input_is_refused) {
  tsr_tokenizer *tokenizer;
  tsr_calibration *c;
  char *folder = words_folder(&tokenizer);
  files_write_text(folder, "empty", "\n \n");
  char *path = files_path(folder, "empty"), *none = files_path(folder, "none");
  const char *const *paths = (const char *const *)&path;
  tsr_calibration_options good = {.samples = 5, .max_tokens = 5}, bad;
  cr_assert_eq(tsr_calibration_read(tokenizer, paths, 1, &good, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_read(NULL, paths, 1, &good, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_read(tokenizer, NULL, 1, &good, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_read(tokenizer, paths, 0, &good, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_read(tokenizer, paths, 1, NULL, &c), TSR_INVALID_ARGUMENT);
  bad = good, bad.samples = 0;
  cr_assert_eq(tsr_calibration_read(tokenizer, paths, 1, &bad, &c), TSR_INVALID_ARGUMENT);
  bad = good, bad.max_tokens = 1;
  cr_assert_eq(tsr_calibration_read(tokenizer, paths, 1, &bad, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_read(tokenizer, paths, 1, &good, &c), TSR_INVALID_ARGUMENT);
  cr_assert_not_null(strstr(tsr_last_error(), "empty"), "%s", tsr_last_error());
  cr_assert_eq(tsr_calibration_read(tokenizer, (const char *const *)&none, 1, &good, &c),
               TSR_NOT_FOUND);
  cr_assert_null(c);
  cr_assert_eq(tsr_calibration_read(tokenizer, (const char *const *)&folder, 1, &good, &c), TSR_IO);
  free(path);
  free(none);
  tsr_tokenizer_close(tokenizer);
  files_remove(folder);
}
