/* Gradients of the embeddings against finite differences of the naive forward pass. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/calibrate/gradient.h"
#include "tessera/tessera.h"
#include "tests/alloc_failures.h"
#include "tests/checkpoint_files.h"
#include "tests/small_bert.h"

static const int64_t offsets[] = {0, 7, 8, 19};
static const int32_t ids[] = {1, 4, 9, 16, 25, 36, 49, 7, 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
static const tsr_batch batch = {.sequences = 3, .offsets = offsets, .ids = ids};
enum { TOKENS = 19, SEQUENCES = 3, LAYERS_MAX = 64 };

typedef struct fixture {
  char *folder;
  small_bert bert;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  tsr_calibration *calibration;
} fixture;

/* unread: a feature inside block 0 that its output does not read; -1: none. */
static void begin(fixture *f, int unread) {
  *f = (fixture){.folder = files_folder()};
  small_bert_init(&f->bert, 3);
  small_tensor *narrow = small_bert_find(&f->bert, "encoder.layer.0.output.dense.weight");
  for (int64_t r = 0; unread >= 0 && r < SMALL_HIDDEN; r++)
    narrow->data[r * SMALL_INNER + unread] = 0;
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

static float direction(int64_t i) { return (float)((i * 37 + 11) % 29) / 29.0f - 0.4f; }

/* Of the sequences' L2-normalised mean states. */
static double along_directions(small_bert *bert) {
  double sum = 0;
  for (int64_t s = 0; s < SEQUENCES; s++) {
    double hidden[TOKENS * SMALL_HIDDEN], mean[SMALL_HIDDEN] = {0}, squares = 0;
    int64_t tokens = offsets[s + 1] - offsets[s];
    small_bert_forward(bert, ids + offsets[s], NULL, tokens, hidden);
    for (int64_t i = 0; i < tokens * SMALL_HIDDEN; i++) mean[i % SMALL_HIDDEN] += hidden[i];
    for (int c = 0; c < SMALL_HIDDEN; c++) squares += mean[c] * mean[c];
    for (int c = 0; c < SMALL_HIDDEN; c++)
      sum += (double)direction(s * SMALL_HIDDEN + c) * mean[c] / sqrt(squares);
  }
  return sum;
}

static double difference(small_bert *bert, const char *layer, int64_t row) {
  static const float STEP = 1.0f / 256;
  char name[128];
  snprintf(name, sizeof name, "%s.bias", layer);
  small_tensor *bias = small_bert_find(bert, name);
  cr_assert_not_null(bias, "%s", name);
  float before = bias->data[row];
  bias->data[row] = before + STEP;
  double above = along_directions(bert), step = (double)bias->data[row];
  bias->data[row] = before - STEP;
  double below = along_directions(bert);
  step -= (double)bias->data[row];
  bias->data[row] = before;
  return (above - below) / step;
}

typedef struct seen {
  double sums[LAYERS_MAX][SMALL_INNER]; /* over the tokens */
  int visits;
} seen;

static void add_up(void *user, size_t layer, const float *gradient, int64_t rows, int64_t width) {
  seen *s = user;
  s->visits++;
  cr_assert_eq(rows, TOKENS);
  for (int64_t i = 0; i < rows * width; i++) s->sums[layer][i % width] += (double)gradient[i];
}

static void check_gradients(fixture *f) {
  float directions[SEQUENCES * SMALL_HIDDEN];
  seen s = {.visits = 0};
  for (int64_t i = 0; i < SEQUENCES * SMALL_HIDDEN; i++) directions[i] = direction(i);
  cr_assert_eq(tsr__backward(f->model, f->calibration, directions, 2, add_up, &s), TSR_OK, "%s",
               tsr_last_error());
  cr_assert_eq(s.visits, 6 * SMALL_LAYERS);
  for (size_t i = 0; i < tsr_model_layer_count(f->model); i++) {
    const tsr_linear *linear = tsr_model_linear(f->model, i);
    for (int64_t r = 0; linear && r < linear->weight.rows; r += 5) {
      const char *name = tsr_model_layer_name(f->model, i);
      double wanted = difference(&f->bert, name, r);
      cr_assert_float_eq(s.sums[i][r], wanted, 2e-5 + 1e-3 * fabs(wanted), "%s, %d: %g, not %g",
                         name, (int)r, s.sums[i][r], wanted);
    }
  }
}

Test(sensitivity, gradients_are_what_finite_differences_say) {
  fixture f;
  begin(&f, -1);
  check_gradients(&f);
  end(&f);
}

static tsr_status sense(fixture *f, int64_t sequences, float *values) {
  float *out[LAYERS_MAX] = {NULL};
  for (size_t i = 0, at = 0; i < tsr_model_layer_count(f->model); i++)
    if (tsr_model_linear(f->model, i)) out[i] = values + SMALL_INNER * at++;
  return tsr_sensitivities(f->model, f->calibration, sequences, 2, out);
}

Test(sensitivity, features_that_nobody_reads_do_not_matter) {
  enum { LINEARS = 6 * SMALL_LAYERS, UNREAD = 7 };
  fixture f;
  float values[LINEARS * SMALL_INNER];
  begin(&f, UNREAD);
  cr_assert_eq(sense(&f, 2, values), TSR_OK, "%s", tsr_last_error());
  for (int i = 0; i < LINEARS; i++)
    for (int c = 0; c < SMALL_HIDDEN; c++) {
      int unread = c == UNREAD && i == 4; /* of block 0: query, key, value, output, inner */
      cr_assert_eq(values[i * SMALL_INNER + c] > 0, !unread, "%d, %d", i, c);
    }
  end(&f);
}

Test(sensitivity, bad_arguments_are_refused) {
  fixture f;
  float values[64 * SMALL_INNER], *out[LAYERS_MAX] = {NULL};
  begin(&f, -1);
  cr_assert_eq(tsr_sensitivities(NULL, f.calibration, 1, 1, out), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_sensitivities(f.model, NULL, 1, 1, out), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_sensitivities(f.model, f.calibration, 0, 1, out), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_sensitivities(f.model, f.calibration, 1, 0, out), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_sensitivities(f.model, f.calibration, 1, 1, NULL), TSR_INVALID_ARGUMENT);
  EXPECT_OUT_OF_MEMORY(sense(&f, 3, values));
  end(&f);
}
