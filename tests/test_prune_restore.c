/* After pruning by images every filter has the mean and the variance that it had before. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/command.h"
#include "tests/tiny_resnet.h"

static void enter(void) { command_enter(); }
TestSuite(prune_restore, .init = enter, .fini = command_leave);

enum { IMAGES = 8, PIXELS = IMAGES * TINY_SIDE * TINY_SIDE, HEADER = 16, LAYERS_MAX = 64 };
static unsigned char idx[HEADER + PIXELS] = {0, 0, 8, 3,         0, 0, 0, IMAGES,
                                             0, 0, 0, TINY_SIDE, 0, 0, 0, TINY_SIDE};

/* Grey images of noise, as a raw IDX file. */
static void write_images(void) {
  for (int i = HEADER; i < HEADER + PIXELS; i++) idx[i] = (unsigned char)(i * 37 ^ i >> 3);
  FILE *file = fopen(command_path("images.idx"), "wb");
  cr_assert(file && fwrite(idx, 1, sizeof idx, file) == sizeof idx && !fclose(file));
}

typedef struct opened {
  tsr_checkpoint *checkpoint;
  tsr_model *model;
} opened;

static opened open_model(const char *folder) {
  opened o;
  cr_assert_eq(tsr_checkpoint_open(command_path(folder), &o.checkpoint), TSR_OK);
  cr_assert_eq(tsr_model_load(o.checkpoint, &o.model), TSR_OK, "%s", tsr_last_error());
  return o;
}

static void close_model(opened *o) {
  tsr_model_destroy(o->model);
  tsr_checkpoint_close(o->checkpoint);
}

static tsr_status nothing(void *user, size_t layer, const tsr_statistics *statistics) {
  (void)user, (void)layer, (void)statistics;
  return TSR_OK;
}

typedef struct seen {
  const tsr_model *pruned;
  int layers;
} seen;

static tsr_status assert_like(void *user, size_t layer, const tsr_moments *now,
                              const tsr_moments *wanted) {
  seen *s = user;
  const tsr_linear *linear = tsr_model_linear(s->pruned, layer);
  s->layers++;
  for (int64_t r = 0; r < linear->weight.rows; r++) {
    double deviation = sqrt(wanted->variances[r]);
    cr_assert_float_eq(now->means[r], wanted->means[r], 1e-3 * deviation + 1e-6, "%s: filter %d",
                       linear->name, (int)r);
    cr_assert_float_eq(now->variances[r], wanted->variances[r], 2e-3 * wanted->variances[r],
                       "%s: filter %d", linear->name, (int)r);
  }
  return TSR_OK;
}

static void compare(const char *folder) {
  opened dense = open_model("model"), pruned = open_model(folder);
  const char *path = command_path("images.idx");
  tsr_calibration_options read = {.samples = IMAGES, .max_tokens = 2, .seed = 1};
  tsr_calibration *calibration;
  uint8_t chosen[LAYERS_MAX] = {0};
  cr_assert_eq(tsr_calibration_read_images(dense.model, &path, 1, &read, &calibration), TSR_OK);
  for (size_t i = 0; i < tsr_model_layer_count(dense.model); i++)
    chosen[i] = tsr_model_linear(dense.model, i) && tsr_model_linear(dense.model, i)->conv;
  seen s = {.pruned = pruned.model};
  tsr_calibrate_options options = {.statistics = TSR_STATISTICS_NORMS,
                                   .threads = 1,
                                   .chosen = chosen,
                                   .visit = nothing,
                                   .compare = assert_like,
                                   .reference = dense.model,
                                   .user = &s};
  cr_assert_eq(tsr_calibrate(pruned.model, calibration, &options), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(s.layers, TINY_CONVS);
  tsr_calibration_destroy(calibration);
  close_model(&pruned);
  close_model(&dense);
}

Test(prune_restore, filters_keep_mean_and_variance) {
  static const char *const methods[] = {"wanda", "sparsegpt", "admm"};
  static const char *const patterns[] = {"2:4", "irregular -s 0.5"};
  tiny_resnet_write(command_path("model"));
  write_images();
  for (int m = 0; m < 3; m++)
    for (int p = 0; p < 2; p++) {
      cr_assert_eq(command_run("prune model -o pruned -p %s --method %s -c images.idx -t 1",
                               patterns[p], methods[m]),
                   0, "%s", command_errors());
      compare("pruned");
    }
}
