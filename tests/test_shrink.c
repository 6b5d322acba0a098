/* shrink: what is removed, and that results stay what they were. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/random.h"
#include "tests/tiny_bert.h"
#include "tests/tiny_resnet.h"

enum { IMAGES = 6 };

static void write_images(void) {
  random_state random = random_seed(3);
  unsigned char bytes[16 + IMAGES * TINY_SIDE * TINY_SIDE] = {
      0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 0, TINY_SIDE, 0, 0, 0, TINY_SIDE};
  for (size_t i = 16; i < sizeof bytes; i++) bytes[i] = (unsigned char)random_below(&random, 256);
  FILE *file = fopen(command_path("images.idx"), "wb");
  cr_assert_eq(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
  fclose(file);
}

static void enter(void) {
  command_enter();
  tiny_resnet_write(command_path("model"));
  write_images();
}

TestSuite(shrink, .init = enter, .fini = command_leave);

static void run_logits(const char *model, float logits[IMAGES * TINY_CLASSES]) {
  cr_assert_eq(command_run("run %s -t 1 -i images.idx --logits --format npy -o out.npy", model), 0,
               "%s", command_errors());
  size_t size;
  char *bytes = files_read(command_path("out.npy"), &size);
  cr_assert_eq(size, 128 + IMAGES * TINY_CLASSES * sizeof(float));
  memcpy(logits, bytes + 128, size - 128);
  free(bytes);
}

/* Shrinks "pruned" to "small" and returns shrink's report. */
static json_t *shrink_and_compare(void) {
  float before[IMAGES * TINY_CLASSES], after[IMAGES * TINY_CLASSES];
  json_t *report = command_json("shrink pruned -o small --json");
  run_logits("pruned", before);
  run_logits("small", after);
  for (int i = 0; i < IMAGES * TINY_CLASSES; i++)
    cr_assert(fabsf(before[i] - after[i]) < 1e-5f, "%d: %g, not %g", i, (double)after[i],
              (double)before[i]);
  return report;
}

static void prune(const char *options) {
  cr_assert_eq(command_run("prune model -o pruned %s", options), 0, "%s", command_errors());
}

/* 0 = not looked at. */
static void expect_shape(const char *name, int64_t rows, int64_t cols) {
  tsr_checkpoint *checkpoint;
  cr_assert_eq(tsr_checkpoint_open(command_path("small"), &checkpoint), TSR_OK);
  const tsr_tensor *tensor = tsr_checkpoint_find(checkpoint, name);
  cr_assert_not_null(tensor, "%s", name);
  if (rows) cr_assert_eq(tensor->shape[0], rows, "%s: %d", name, (int)tensor->shape[0]);
  if (cols) cr_assert_eq(tensor->shape[1], cols, "%s: %d", name, (int)tensor->shape[1]);
  tsr_checkpoint_close(checkpoint);
}

Test(shrink, channels_within_blocks_go_with_their_filters) {
  prune("-p row -s 0.5");
  json_decref(shrink_and_compare());
  expect_shape("layer2.1.conv1.weight", 16, 0);
  expect_shape("layer2.1.bn1.running_var", 16, 0);
  expect_shape("layer2.1.conv2.weight", 0, 16);
}

Test(shrink, a_channel_between_blocks_goes_when_nothing_is_added_to_it) {
  prune("-p row -s 0.75 --layers 'layer2.*conv2' --layers layer2.0.downsample.0");
  json_t *report = shrink_and_compare();
  cr_assert_lt(json_number(report, "channels_after"), json_number(report, "channels_before"));
  json_decref(report);
  json_t *config = json_load_file(command_path("small/config.json"), 0, NULL);
  int64_t width = json_integer_value(json_array_get(json_object_get(config, "hidden_sizes"), 1));
  cr_assert(width > 0 && width < 32, "%d", (int)width);
  cr_assert_eq(json_integer_value(json_object_get(config, "embedding_size")), 16);
  cr_assert_eq(json_number(config, "batch_norm_eps"), 1e-5);
  json_decref(config);
  expect_shape("fc.weight", TINY_CLASSES, width);
  expect_shape("layer2.0.downsample.0.weight", width, 16);
  expect_shape("layer2.0.bn2.bias", width, 0);
  expect_shape("layer2.1.conv1.weight", 32, width);
  expect_shape("layer2.1.conv2.weight", width, 32);
}

/* A whole column of zeros in the reader: nobody looks at that channel. */
Test(shrink, channels_that_nobody_reads_go) {
  prune("-p column -s 1 --layers layer2.1.conv2");
  json_t *report = shrink_and_compare();
  cr_assert_eq(json_number(report, "channels_before") - json_number(report, "channels_after"), 31);
  json_decref(report);
  expect_shape("layer2.1.conv1.weight", 1, 32);
}

/* Filters of zeros whose BatchNorm was left alone give a constant: it counts where it is above 0.
 */
Test(shrink, constants_above_0_stay) {
  prune("-p irregular -s 1 --layers layer2.1.conv1");
  json_t *report = shrink_and_compare();
  double gone = json_number(report, "channels_before") - json_number(report, "channels_after");
  cr_assert(gone > 0 && gone < 31, "%g", gone);
  json_decref(report);
}

Test(shrink, a_model_without_zeros_stays_as_it_is) {
  cr_assert_eq(command_run("shrink model -o small"), 0, "%s", command_errors());
  cr_assert(strstr(command_output(), "144 of 144 channels"), "%s", command_output());
  expect_shape("layer2.0.conv1.weight", 32, 16);
}

Test(shrink, what_it_cannot_read_is_refused_by_name) {
  tiny_bert_write(command_path("bert"));
  assert_fails(3, "conv1.weight: there is no plain tensor of this name", "shrink bert -o small");
  prune("-p row -s 0.75");
  cr_assert_eq(command_run("pack pruned -o packed"), 0);
  assert_fails(6, "there is no layer1.0.conv1.weight: no ResNet", "shrink packed -o small");
  assert_fails(2, "is the input itself", "shrink pruned -o pruned");
  assert_fails(6, "IN and OUT must be folders", "shrink pruned -o small.safetensors");
}
