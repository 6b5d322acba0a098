/* How far a changed model's embeddings have moved, against the naive forward pass. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/alloc_failures.h"
#include "tests/checkpoint_files.h"
#include "tests/small_bert.h"

static const int64_t offsets[] = {0, 7, 9, 20};
static const int32_t ids[] = {1, 4, 9, 16, 25, 36, 49, 7, 8, 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
static const tsr_batch batch = {.sequences = 3, .offsets = offsets, .ids = ids};
enum { TOKENS_MAX = 20 };
static float zeros[SMALL_INNER * SMALL_HIDDEN];

typedef struct fixture {
  char *folder;
  small_bert bert;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  tsr_calibration *calibration;
} fixture;

static void begin(fixture *f) {
  *f = (fixture){.folder = files_folder()};
  small_bert_init(&f->bert, 3);
  small_bert_save(&f->bert, f->folder, "", TSR_DTYPE_F32, 0);
  small_bert_config(f->folder, NULL, NULL);
  cr_assert_eq(tsr_checkpoint_open(f->folder, &f->checkpoint), TSR_OK);
  cr_assert_eq(tsr_model_load(f->checkpoint, &f->model), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_calibration_from_ids(&batch, &f->calibration), TSR_OK);
}

static void end(fixture *f) {
  tsr_calibration_destroy(f->calibration);
  tsr_model_destroy(f->model);
  tsr_checkpoint_close(f->checkpoint);
  small_bert_release(&f->bert);
  files_remove(f->folder);
}

/* The last block's FFN output becomes 0, in the model and in the naive one. */
static void zero_output(fixture *f) {
  static const char name[] = "encoder.layer.1.output.dense";
  for (size_t i = 0; i < tsr_model_layer_count(f->model); i++) {
    if (strcmp(tsr_model_layer_name(f->model, i), name) != 0) continue;
    tsr_packed weight = {.format = TSR_FORMAT_DENSE,
                         .dtype = TSR_DTYPE_F32,
                         .rows = SMALL_HIDDEN,
                         .cols = SMALL_INNER,
                         .stored = SMALL_HIDDEN * SMALL_INNER,
                         .values = zeros};
    cr_assert_eq(tsr_model_set_weight(f->model, i, &weight), TSR_OK);
  }
  small_tensor *t = small_bert_find(&f->bert, "encoder.layer.1.output.dense.weight");
  memset(t->data, 0, sizeof zeros);
}

/* Mean over the tokens, of length 1. */
static void naive_embedding(fixture *f, int sequence, double *out) {
  double hidden[TOKENS_MAX * SMALL_HIDDEN], squares = 0;
  int64_t tokens = offsets[sequence + 1] - offsets[sequence];
  small_bert_forward(&f->bert, ids + offsets[sequence], NULL, tokens, hidden);
  for (int i = 0; i < SMALL_HIDDEN; i++) {
    out[i] = 0;
    for (int64_t t = 0; t < tokens; t++) out[i] += hidden[t * SMALL_HIDDEN + i];
    squares += out[i] * out[i];
  }
  for (int i = 0; i < SMALL_HIDDEN; i++) out[i] /= sqrt(squares);
}

static void check_effect(int64_t sequences, int first, int second) {
  fixture f;
  tsr_effect *effect;
  double error, before[2][SMALL_HIDDEN], after[SMALL_HIDDEN], cosines = 0;
  int used[2] = {first, second}, count = second < 0 ? 1 : 2;
  begin(&f);
  cr_assert_eq(tsr_effect_create(f.model, f.calibration, sequences, 2, &effect), TSR_OK, "%s",
               tsr_last_error());
  cr_assert_eq(tsr_effect_measure(effect, f.model, &error), TSR_OK);
  cr_assert_float_eq(error, 0, 1e-6);
  for (int i = 0; i < count; i++) naive_embedding(&f, used[i], before[i]);
  zero_output(&f);
  cr_assert_eq(tsr_effect_measure(effect, f.model, &error), TSR_OK);
  for (int i = 0; i < count; i++) {
    naive_embedding(&f, used[i], after);
    for (int k = 0; k < SMALL_HIDDEN; k++) cosines += before[i][k] * after[k] / count;
  }
  cr_assert_gt(error, 0.01);
  cr_assert_float_eq(error, 1 - cosines, 1e-5, "%g, %g", error, 1 - cosines);
  tsr_effect_destroy(effect);
  end(&f);
}

Test(effect, is_one_minus_the_mean_cosine) {
  check_effect(1, 0, -1);
  check_effect(2, 0, 1);
}

Test(effect, bad_arguments_are_refused) {
  fixture f;
  tsr_effect *effect;
  double error;
  begin(&f);
  cr_assert_eq(tsr_effect_create(NULL, f.calibration, 1, 1, &effect), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_effect_create(f.model, NULL, 1, 1, &effect), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_effect_create(f.model, f.calibration, 0, 1, &effect), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_effect_create(f.model, f.calibration, 1, 0, &effect), TSR_INVALID_ARGUMENT);
  cr_assert_null(effect);
  cr_assert_eq(tsr_effect_create(f.model, f.calibration, 1, 1, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_effect_create(f.model, f.calibration, 9, 1, &effect), TSR_OK);
  cr_assert_eq(tsr_effect_measure(NULL, f.model, &error), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_effect_measure(effect, NULL, &error), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_effect_measure(effect, f.model, NULL), TSR_INVALID_ARGUMENT);
  tsr_model *other;
  cr_assert_eq(tsr_model_preset("minilm", 1, &other), TSR_OK);
  cr_assert_eq(tsr_effect_measure(effect, other, &error), TSR_INVALID_ARGUMENT);
  tsr_model_destroy(other);
  tsr_effect_destroy(effect);
  tsr_effect_destroy(NULL);
  end(&f);
}

static tsr_status create_and_measure(fixture *f) {
  tsr_effect *effect;
  double error;
  tsr_status status = tsr_effect_create(f->model, f->calibration, 2, 1, &effect);
  if (status == TSR_OK) status = tsr_effect_measure(effect, f->model, &error);
  tsr_effect_destroy(effect);
  return status;
}

Test(effect, running_out_of_memory_is_survived) {
  fixture f;
  begin(&f);
  EXPECT_OUT_OF_MEMORY(create_and_measure(&f));
  end(&f);
}
