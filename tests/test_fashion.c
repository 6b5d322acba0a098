/* The committed fashion-resnet against what torch computes from the same weights
 * (scripts/fashion_reference.py), through the command. Where Debian's dataset-fashion-mnist is
 * installed, over its test images too. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/image/images.h"
#include "tessera/tessera.h"
#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/idx_files.h"

#define MODEL TESSERA_TEST_DATA "/../models/fashion-resnet"
#define DATA "/usr/share/datasets/fashion-mnist/t10k-"

/* All 10,000 images take minutes under a sanitizer. */
#ifdef __SANITIZE_ADDRESS__
enum { TESTED = 100 };
#else
enum { TESTED = 10000 };
#endif
enum { SHOWN = 20, SIDE = 28, CLASSES = 10, ALL = 10000, BAR = 2 };

static tsr_checkpoint *golden;
static float logits[SHOWN * CLASSES];

static const tsr_tensor *find(const char *name, uint64_t bytes) {
  const tsr_tensor *tensor = tsr_checkpoint_find(golden, name);
  cr_assert_not_null(tensor, "%s", name);
  cr_assert_eq(tensor->bytes, bytes, "%s", name);
  return tensor;
}

static void write_file(const char *name, const char *head, size_t head_bytes, const void *data,
                       size_t bytes) {
  image_file_write(command_path(name), head, head_bytes, data, bytes);
}

static void enter(void) {
  command_enter();
  cr_assert_eq(tsr_checkpoint_open(TESSERA_TEST_DATA "/golden/fashion_resnet.safetensors", &golden),
               TSR_OK, "%s", tsr_last_error());
  memcpy(logits, find("logits", sizeof logits)->data, sizeof logits);
  idx_write_images(command_path("shown.idx"), SHOWN, SIDE,
                   find("images", SHOWN * SIDE * SIDE)->data);
}

static void leave(void) {
  tsr_checkpoint_close(golden);
  command_leave();
}

TestSuite(fashion, .init = enter, .fini = leave, .timeout = 300);

static int best_of(const float *values) {
  int best = 0;
  for (int c = 1; c < CLASSES; c++)
    if (values[c] > values[best]) best = c;
  return best;
}

static void expect_logits(const json_t *image, int index) {
  const json_t *values = json_object_get(image, "logits");
  cr_assert_eq(json_array_size(values), CLASSES);
  for (size_t c = 0; c < CLASSES; c++) {
    double got = json_number_value(json_array_get(values, c));
    double wanted = (double)logits[(size_t)index * CLASSES + c];
    cr_assert(fabs(got - wanted) < 1e-3, "image %d, class %d: %.7g, not %.7g", index, (int)c, got,
              wanted);
  }
}

static json_t *classify(const char *options) {
  char arguments[512];
  snprintf(arguments, sizeof arguments, "run " MODEL " --threads 1 --format json %s", options);
  return command_json(arguments);
}

Test(fashion, logits_and_classes_are_torchs) {
  json_t *result = classify("--image shown.idx --logits");
  const json_t *images = json_object_get(result, "images");
  const json_t *names = json_object_get(result, "classes");
  cr_assert_eq(json_array_size(images), SHOWN);
  cr_assert_str_eq(json_string_value(json_array_get(names, 9)), "Ankle boot");
  for (int i = 0; i < SHOWN; i++) {
    const json_t *image = json_array_get(images, (size_t)i);
    char label[32];
    snprintf(label, sizeof label, "shown.idx[%d]", i);
    cr_assert_str_eq(json_text(image, "image"), label);
    cr_assert_str_eq(json_text(image, "class"), json_string_value(json_array_get(
                                                    names, (size_t)best_of(logits + i * CLASSES))));
    expect_logits(image, i);
  }
  json_decref(result);
}

Test(fashion, probabilities_are_the_softmax_of_the_logits) {
  json_t *result = classify("--image shown.idx --batch 7");
  const json_t *images = json_object_get(result, "images");
  for (size_t i = 0; i < SHOWN; i++) {
    const json_t *values = json_object_get(json_array_get(images, i), "probabilities");
    double sum = 0;
    for (size_t c = 0; c < CLASSES; c++) sum += exp((double)logits[i * CLASSES + c]);
    for (size_t c = 0; c < CLASSES; c++) {
      double wanted = exp((double)logits[i * CLASSES + c]) / sum;
      double got = json_number_value(json_array_get(values, c));
      cr_assert(fabs(got - wanted) < 1e-3, "image %d, class %d: %g, not %g", (int)i, (int)c, got,
                wanted);
    }
  }
  json_decref(result);
}

Test(fashion, other_kinds_of_files_hold_the_same_image) {
  const void *pixels = find("images", SHOWN * SIDE * SIDE)->data;
  write_file("shoe.pgm", "P5 28 28 255\n", 13, pixels, SIDE * SIDE);
  char npy[128];
  memset(npy, ' ', sizeof npy);
  memcpy(npy, "\x93NUMPY\x01\0\x76\0", 10);
  const char text[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (28, 28), }";
  memcpy(npy + 10, text, strlen(text));
  npy[127] = '\n';
  write_file("shoe.npy", npy, sizeof npy, pixels, SIDE * SIDE);
  json_t *result = classify("--image shoe.pgm --image shoe.npy --logits");
  const json_t *images = json_object_get(result, "images");
  cr_assert_eq(json_array_size(images), 2);
  for (size_t i = 0; i < 2; i++) expect_logits(json_array_get(images, i), 0);
  cr_assert_str_eq(json_text(json_array_get(images, 1), "image"), "shoe.npy");
  json_decref(result);
}

Test(fashion, text_names_the_likeliest_classes_in_order) {
  cr_assert_eq(command_run("run " MODEL " -t 1 --image shown.idx --top 3 --logits"), 0, "%s",
               command_errors());
  char names[3][32], label[64];
  double values[3];
  cr_assert_eq(sscanf(command_output(), "%31[^0-9-] %lf, %31[^0-9-] %lf, %31[^0-9-] %lf\t%63s",
                      names[0], &values[0], names[1], &values[1], names[2], &values[2], label),
               7, "%s", command_output());
  cr_assert_str_eq(label, "shown.idx[0]");
  cr_assert(fabs(values[0] - (double)logits[best_of(logits)]) < 1e-3, "%s", command_output());
  cr_assert(values[0] >= values[1] && values[1] >= values[2], "%s", command_output());
}

Test(fashion, npy_has_a_row_an_image) {
  cr_assert_eq(command_run("run " MODEL " -t 1 --image shown.idx --format npy --logits -o out.npy"),
               0, "%s", command_errors());
  size_t size;
  char *bytes = files_read(command_path("out.npy"), &size);
  cr_assert_eq(size, 128 + sizeof logits);
  cr_assert(strstr(bytes + 10, "'shape': (20, 10), }"));
  for (int i = 0; i < SHOWN * CLASSES; i++) {
    float value;
    memcpy(&value, bytes + 128 + 4 * i, 4);
    cr_assert(fabsf(value - logits[i]) < 1e-3f, "%d: %g, not %g", i, (double)value,
              (double)logits[i]);
  }
  free(bytes);
}

Test(fashion, arguments_that_do_not_fit_are_refused) {
  write_file("small.pgm", "P5 5 7 255\n", 11, logits, 35);
  assert_fails(7, "small.pgm: images of 7 x 5 pixels, the model takes 28 x 28",
               "run " MODEL " --image small.pgm");
  assert_fails(3, "nowhere.png", "run " MODEL " --image nowhere.png");
  assert_fails(2, "give some with --image", "run " MODEL);
  assert_fails(2, "--text, --file and --ids mean nothing",
               "run " MODEL " --image shown.idx --text shoe");
  assert_fails(2, "--pairs and --hidden mean nothing", "run " MODEL " --image shown.idx --hidden");
  assert_fails(2, "minilm classifies no images", "run minilm --image shown.idx");
  assert_fails(2, "minilm classifies no images", "run minilm --ids - --logits");
  assert_fails(2, "--top: 0", "run " MODEL " --image shown.idx --top 0");
}

/* How many of the first `count` test images torch recognises. */
static int64_t torch_right(const tsr__labels *labels, int64_t count) {
  const unsigned char *predictions = find("predictions", ALL)->data;
  int64_t right = 0;
  for (int64_t i = 0; i < count; i++) right += predictions[i] == labels->values[i];
  return right;
}

/* A metric of `evaluate MODEL --task fashion`, in images. */
static double evaluate(const char *options, int count, const char *metric) {
  char arguments[512];
  snprintf(arguments, sizeof arguments,
           "evaluate " MODEL " --task fashion --data . --threads 1 --json %s", options);
  json_t *report = command_json(arguments);
  const json_t *task = json_array_get(json_object_get(report, "tasks"), 0);
  cr_assert_eq((int)json_number(task, "count"), count);
  const json_t *metrics = json_object_get(task, "metrics");
  double images = count * json_number(json_object_get(metrics, metric), "value");
  json_decref(report);
  return images;
}

Test(fashion, accuracy_is_torchs) {
  tsr__labels labels;
  tsr__images images;
  if (tsr__labels_read(DATA "labels-idx1-ubyte.gz", &labels) == TSR_NOT_FOUND)
    cr_skip_test("dataset-fashion-mnist is not installed");
  cr_assert_eq(tsr__images_read(DATA "images-idx3-ubyte.gz", &images), TSR_OK, "%s",
               tsr_last_error());
  cr_assert_eq(labels.count, ALL);
  cr_assert_eq(images.count, ALL);
  cr_assert_eq(torch_right(&labels, ALL), atoll(tsr_checkpoint_metadata(golden, "right")));
  idx_write_fashion(".", TESTED, SIDE, images.pixels, labels.values);
  double right = evaluate("", TESTED, "accuracy"), wanted = (double)torch_right(&labels, TESTED);
  cr_assert(fabs(right - wanted) <= BAR, "%g right, torch has %g", right, wanted);
  tsr__images_release(&images);
  tsr__labels_release(&labels);
}

Test(fashion, evaluate_counts_labels_and_agreement) {
  unsigned char labels[SHOWN];
  for (int i = 0; i < SHOWN; i++) labels[i] = (unsigned char)best_of(logits + i * CLASSES);
  for (int i = 0; i < 3; i++) labels[5 * i] = (unsigned char)((labels[5 * i] + 1) % CLASSES);
  idx_write_fashion(".", SHOWN, SIDE, find("images", SHOWN * SIDE * SIDE)->data, labels);
  cr_assert(fabs(evaluate("", SHOWN, "accuracy") - (SHOWN - 3)) < 1e-9);
  cr_assert(fabs(evaluate("--reference " MODEL, SHOWN, "agreement") - SHOWN) < 1e-9);
}

Test(fashion, broken_data_is_refused) {
  static const unsigned char labels[3] = {1, 2, 3};
  idx_write_fashion(".", 3, SIDE, find("images", SHOWN * SIDE * SIDE)->data, labels);
  idx_write_images(command_path("t10k-images-idx3-ubyte.gz"), 2, SIDE,
                   find("images", SHOWN * SIDE * SIDE)->data);
  assert_fails(5, "2 images, but 3 labels",
               "evaluate " MODEL " --task fashion --data . --threads 1");
}
