/* shrink on bottleneck blocks, whose last convolution is added to the trunk: what is removed, and
 * that results stay what they were. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tessera/tessera.h"
#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/random.h"
#include "tests/small_resnet.h"

enum { SIDE = 32, CLASSES = 7, IMAGES = 3 };

/* Stem of 16 channels; a stage of 64 with one block, one of 96 with two; inner widths 16 and 24. */
static const small_resnet *bottleneck = &small_resnets[1];

static void write_image(int index) {
  char name[32];
  unsigned char pixels[SIDE * SIDE * 3];
  random_state random = random_seed((uint64_t)index + 5);
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)random_below(&random, 256);
  snprintf(name, sizeof name, "%d.ppm", index);
  FILE *file = fopen(command_path(name), "wb");
  cr_assert(file);
  fprintf(file, "P6 %d %d 255\n", SIDE, SIDE);
  cr_assert_eq(fwrite(pixels, 1, sizeof pixels, file), sizeof pixels);
  fclose(file);
}

static void enter(void) {
  command_enter();
  cr_assert_eq(mkdir(command_path("model"), 0777), 0);
  small_resnet_save(bottleneck, command_path("model"));
  for (int i = 0; i < IMAGES; i++) write_image(i);
}

TestSuite(shrink_bottleneck, .init = enter, .fini = command_leave);

static void run_logits(const char *model, float logits[IMAGES * CLASSES]) {
  cr_assert_eq(
      command_run("run %s -t 1 -i 0.ppm -i 1.ppm -i 2.ppm --logits --format npy -o out.npy", model),
      0, "%s", command_errors());
  size_t size;
  char *bytes = files_read(command_path("out.npy"), &size);
  cr_assert_eq(size, 128 + IMAGES * CLASSES * sizeof(float));
  memcpy(logits, bytes + 128, size - 128);
  free(bytes);
}

static void expect_same_logits(const char *left, const char *right) {
  float before[IMAGES * CLASSES], after[IMAGES * CLASSES];
  run_logits(left, before);
  run_logits(right, after);
  for (int i = 0; i < IMAGES * CLASSES; i++)
    cr_assert(fabsf(before[i] - after[i]) < 2e-5f * (1 + fabsf(before[i])), "%s %d: %g, not %g",
              right, i, (double)after[i], (double)before[i]);
}

static void prune_and_shrink(const char *options) {
  cr_assert_eq(command_run("prune model -o pruned %s", options), 0, "%s", command_errors());
  cr_assert_eq(command_run("shrink pruned -o small"), 0, "%s", command_errors());
  expect_same_logits("pruned", "small");
}

/* 0 = not looked at. */
static void expect_shape(const char *name, int64_t rows, int64_t cols) {
  tsr_checkpoint *checkpoint;
  cr_assert_eq(tsr_checkpoint_open(command_path("small"), &checkpoint), TSR_OK);
  const tsr_tensor *tensor = tsr_checkpoint_find(checkpoint, name);
  cr_assert_not_null(tensor, "%s", name);
  if (rows) cr_assert_eq(tensor->shape[0], rows, "%s: %d rows", name, (int)tensor->shape[0]);
  if (cols) cr_assert_eq(tensor->shape[1], cols, "%s: %d columns", name, (int)tensor->shape[1]);
  tsr_checkpoint_close(checkpoint);
}

Test(shrink_bottleneck, half_of_the_filters) {
  prune_and_shrink("-p row -s 0.5");
  expect_shape("layer1.0.conv1.weight", 8, 16);
  expect_shape("layer2.1.conv1.weight", 12, 0);
  expect_shape("layer2.1.bn1.running_mean", 12, 0);
  expect_shape("layer2.1.conv2.weight", 12, 12);
  expect_shape("layer2.1.conv3.weight", 0, 12);
  cr_assert_eq(command_run("pack small -o packed"), 0, "%s", command_errors());
  expect_same_logits("pruned", "packed");
}

/* All that is added up in a channel has to be gone before the channel goes: here the same third of
 * the filters of both blocks' last convolutions and of the one that the trunk goes through. */
Test(shrink_bottleneck, channels_of_the_trunk) {
  prune_and_shrink(
      "-p row -s 0.9 --layers layer2.0.conv3 --layers layer2.1.conv3 "
      "--layers layer2.0.downsample.0");
  json_t *config = json_load_file(command_path("small/config.json"), 0, NULL);
  json_t *widths = json_object_get(config, "hidden_sizes");
  int64_t width = json_integer_value(json_array_get(widths, 1));
  cr_assert_eq(json_integer_value(json_array_get(widths, 0)), 64);
  cr_assert(width > 0 && width < 96, "%d", (int)width);
  json_decref(config);
  expect_shape("layer2.0.conv1.weight", 24, 64);
  expect_shape("layer2.0.conv3.weight", width, 24);
  expect_shape("layer2.0.downsample.0.weight", width, 64);
  expect_shape("layer2.0.downsample.1.bias", width, 0);
  expect_shape("layer2.1.conv1.weight", 24, width);
  expect_shape("layer2.1.conv3.weight", width, 24);
  expect_shape("layer2.1.bn3.running_var", width, 0);
  expect_shape("fc.weight", CLASSES, width);
}

/* The trunk becomes narrower than what is within the blocks. */
Test(shrink_bottleneck, a_trunk_of_few_channels) {
  prune_and_shrink(
      "-p row -s 0.97 --layers layer1.0.conv3 --layers layer1.0.downsample.0 "
      "--layers layer2.0.conv3 --layers layer2.1.conv3 --layers layer2.0.downsample.0");
  cr_assert_eq(command_run("explain small --json"), 0, "%s", command_errors());
}
