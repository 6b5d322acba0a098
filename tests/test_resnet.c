/* ResNets: whole models against logits that NumPy computed, and the ways in which loading, planning
 * and executing them fail. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/execute.h"
#include "tessera/model.h"
#include "tests/checkpoint_files.h"
#include "tests/small_resnet.h"

#define CHECK(call) cr_assert_eq(call, TSR_OK, "%s", tsr_last_error())

enum { IMAGES = 2, CLASSES_MAX = 16 };

typedef struct fixture {
  const small_resnet *sizes;
  char *folder;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  float *pixels;
} fixture;

static fixture open_fixture(int index) {
  fixture f = {.sizes = &small_resnets[index], .folder = files_folder()};
  const small_resnet *m = f.sizes;
  small_resnet_save(m, f.folder);
  CHECK(tsr_checkpoint_open(f.folder, &f.checkpoint));
  CHECK(tsr_model_load(f.checkpoint, &f.model));
  f.pixels = small_resnet_values("pixels", IMAGES * m->size * m->size * m->channels, 0, 2);
  return f;
}

static void close_fixture(fixture *f) {
  tsr_model_destroy(f->model);
  tsr_checkpoint_close(f->checkpoint);
  files_remove(f->folder);
  free(f->pixels);
}

/* [IMAGES, classes] of a model's line in the golden file. */
static void read_golden(const small_resnet *m, float *out) {
  FILE *file = fopen(TESSERA_TEST_DATA "/golden/resnet.txt", "r");
  char name[32];
  int image, lines = 0;
  cr_assert(file);
  while (fscanf(file, "%31s %d", name, &image) == 2) {
    int wanted = !strcmp(name, m->name);
    lines += wanted;
    float value;
    for (int64_t c = 0; fscanf(file, "%f", &value) == 1; c++) {
      cr_assert(!wanted || c < m->classes);
      if (wanted) out[image * m->classes + c] = value;
    }
  }
  fclose(file);
  cr_assert_eq(lines, IMAGES);
}

static tsr_image_batch batch_of(const fixture *f, int64_t images) {
  const small_resnet *m = f->sizes;
  return (tsr_image_batch){images, m->size, m->size, m->channels, f->pixels, TSR_IMAGE_NHWC};
}

static tsr_model_plan *plan_of(const tsr_model *model, int64_t batch, int threads) {
  tsr_model_plan_options options = {.linear.threads = threads, .max_batch = batch};
  tsr_model_plan *plan;
  CHECK(tsr_model_plan_create(model, &options, &plan));
  return plan;
}

static void *workspace_of(const tsr_model_plan *plan) {
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  void *workspace = aligned_alloc(64, bytes + 64 - bytes % 64);
  cr_assert(workspace);
  memset(workspace, 0xff, bytes);
  return workspace;
}

static void execute(const tsr_model_plan *plan, const tsr_image_batch *batch, float *logits,
                    float *probabilities) {
  void *workspace = workspace_of(plan);
  tsr_image_output output = {.logits = logits, .probabilities = probabilities};
  CHECK(tsr_model_execute_images(plan, batch, &output, workspace,
                                 tsr_model_plan_workspace_bytes(plan)));
  free(workspace);
}

/* Logits reach 10; every sum of at most 864 products rounds, relatively, by less than 1e-5. */
static void compare(const char *what, const float *expected, const float *actual, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    cr_assert_float_eq(actual[i], expected[i], 2e-4, "%s: logit %d is %g, not %g", what, (int)i,
                       (double)actual[i], (double)expected[i]);
}

static void check_model(int index) {
  fixture f = open_fixture(index);
  float golden[IMAGES * CLASSES_MAX] = {0}, logits[IMAGES * CLASSES_MAX] = {0};
  int64_t classes = f.sizes->classes;
  read_golden(f.sizes, golden);
  for (int threads = 1; threads <= 3; threads += 2) {
    tsr_model_plan *plan = plan_of(f.model, IMAGES + 1, threads);
    tsr_image_batch batch = batch_of(&f, IMAGES);
    execute(plan, &batch, logits, NULL);
    compare(f.sizes->name, golden, logits, IMAGES * classes);
    batch.images = 1;
    execute(plan, &batch, logits, NULL);
    compare("one image", golden, logits, classes);
    tsr_model_plan_destroy(plan);
  }
  close_fixture(&f);
}

Test(resnet, basic_blocks_equal_numpy) { check_model(0); }
Test(resnet, bottleneck_blocks_equal_numpy) { check_model(1); }
Test(resnet, fashion_equals_numpy) { check_model(2); }

/* The last plan frees the model's weights as it goes; what it computes is the same, and one that
 * was made before still runs. */
Test(resnet, a_plan_takes_the_weights) {
  fixture f = open_fixture(1);
  float golden[IMAGES * CLASSES_MAX] = {0}, logits[IMAGES * CLASSES_MAX] = {0};
  read_golden(f.sizes, golden);
  tsr_image_batch batch = batch_of(&f, IMAGES);
  tsr_model_plan_options options = {.linear.threads = 1, .max_batch = IMAGES};
  tsr_model_plan *before = plan_of(f.model, IMAGES, 1), *plan, *refused;
  cr_assert_eq(tsr_model_plan_take(f.model, NULL, &plan), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_model_plan_take(NULL, &options, &plan), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_model_plan_take(f.model, &options, NULL), TSR_INVALID_ARGUMENT);
  CHECK(tsr_model_plan_take(f.model, &options, &plan));
  execute(plan, &batch, logits, NULL);
  compare("taken", golden, logits, IMAGES * f.sizes->classes);
  memset(logits, 0, sizeof logits);
  execute(before, &batch, logits, NULL);
  compare("made before", golden, logits, IMAGES * f.sizes->classes);
  const tsr_linear *first = tsr_model_linear(f.model, 0);
  cr_assert(first && first->weight.rows == f.sizes->stem && !first->weight.values);
  cr_assert_eq(tsr_model_plan_create(f.model, &options, &refused), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "has taken over the weights"), "%s", tsr_last_error());
  cr_assert_eq(tsr_model_plan_take(f.model, &options, &refused), TSR_INVALID_ARGUMENT);
  tsr_model_plan_destroy(before);
  tsr_model_plan_destroy(plan);
  close_fixture(&f);
}

Test(resnet, channels_first_is_the_same) {
  fixture f = open_fixture(0);
  const small_resnet *m = f.sizes;
  int64_t pixels = m->size * m->size;
  float a[IMAGES * CLASSES_MAX] = {0}, b[IMAGES * CLASSES_MAX] = {0};
  float *nchw = malloc((size_t)(IMAGES * pixels * m->channels) * sizeof *nchw);
  for (int64_t i = 0; i < IMAGES; i++)
    for (int64_t p = 0; p < pixels; p++)
      for (int64_t c = 0; c < m->channels; c++)
        nchw[(i * m->channels + c) * pixels + p] = f.pixels[(i * pixels + p) * m->channels + c];
  tsr_model_plan *plan = plan_of(f.model, IMAGES, 1);
  tsr_image_batch batch = batch_of(&f, IMAGES);
  execute(plan, &batch, a, NULL);
  batch.pixels = nchw;
  batch.layout = TSR_IMAGE_NCHW;
  execute(plan, &batch, b, NULL);
  cr_assert(!memcmp(a, b, (size_t)(IMAGES * m->classes) * sizeof *a));
  tsr_model_plan_destroy(plan);
  free(nchw);
  close_fixture(&f);
}

Test(resnet, probabilities_are_the_softmax) {
  fixture f = open_fixture(2);
  float logits[IMAGES * CLASSES_MAX] = {0}, probabilities[IMAGES * CLASSES_MAX] = {0};
  int64_t classes = f.sizes->classes;
  tsr_model_plan *plan = plan_of(f.model, IMAGES, 1);
  tsr_image_batch batch = batch_of(&f, IMAGES);
  execute(plan, &batch, logits, probabilities);
  for (int64_t i = 0; i < IMAGES; i++) {
    double sum = 0;
    for (int64_t c = 0; c < classes; c++) sum += exp((double)logits[i * classes + c]);
    for (int64_t c = 0; c < classes; c++)
      cr_assert_float_eq(probabilities[i * classes + c], exp((double)logits[i * classes + c]) / sum,
                         1e-6);
  }
  tsr_model_plan_destroy(plan);
  close_fixture(&f);
}

/* What is packed beforehand gives the same as what is packed when it is loaded. */
Test(resnet, packed_checkpoints_give_the_same) {
  fixture f = open_fixture(1);
  char *folder = files_folder(), *path = files_path(folder, "model.safetensors");
  tsr_checkpoint_writer *writer;
  CHECK(tsr_checkpoint_writer_create(&writer));
  tsr_packed packed[64];
  int count = 0;
  for (size_t i = 0; i < tsr_checkpoint_tensor_count(f.checkpoint); i++) {
    const tsr_tensor *t = tsr_checkpoint_tensor(f.checkpoint, i);
    if (t->ndim != 4) {
      CHECK(tsr_checkpoint_writer_add(writer, t->name, t->dtype, t->ndim, t->shape, t->data));
      continue;
    }
    tsr_packed dense;
    CHECK(tsr_packed_load(f.checkpoint, t->name, &dense));
    tsr_matrix matrix = {dense.values, dense.dtype, dense.rows, dense.cols, dense.cols};
    tsr_pattern pattern = {.kind = TSR_PATTERN_BLOCK, .block_rows = 16, .block_cols = 16};
    CHECK(tsr_pack(&matrix, TSR_FORMAT_BCSR, &pattern, &packed[count]));
    CHECK(tsr_packed_save(writer, t->name, &packed[count++]));
    tsr_packed_release(&dense);
  }
  CHECK(tsr_checkpoint_writer_save(writer, path));
  small_resnet_config(f.sizes, folder, NULL, NULL);
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  CHECK(tsr_checkpoint_open(folder, &checkpoint));
  CHECK(tsr_model_load(checkpoint, &model));
  cr_assert_eq(tsr_model_linear(model, 2)->weight.format, TSR_FORMAT_BCSR);
  float golden[IMAGES * CLASSES_MAX] = {0}, logits[IMAGES * CLASSES_MAX] = {0};
  read_golden(f.sizes, golden);
  tsr_model_plan *plan = plan_of(model, IMAGES, 1);
  tsr_image_batch batch = batch_of(&f, IMAGES);
  execute(plan, &batch, logits, NULL);
  compare("packed", golden, logits, IMAGES * f.sizes->classes);
  tsr_model_plan_destroy(plan);
  tsr_model_destroy(model);
  tsr_checkpoint_close(checkpoint);
  tsr_checkpoint_writer_destroy(writer);
  while (count) tsr_packed_release(&packed[--count]);
  free(path);
  files_remove(folder);
  close_fixture(&f);
}

Test(resnet, info_and_names) {
  fixture f = open_fixture(0);
  const tsr_model_info *info = tsr_model_get_info(f.model);
  cr_assert_str_eq(info->family, "resnet");
  cr_assert(info->image_height == 32 && info->image_width == 32 && info->image_channels == 3);
  cr_assert_eq(info->classes, 11);
  cr_assert(info->image_mean[1] == 0.25f && info->image_std[1] == 1.0f);
  cr_assert_str_eq(tsr_model_class_name(f.model, 3), "shoe");
  cr_assert_null(tsr_model_class_name(f.model, 1));
  cr_assert_null(tsr_model_class_name(f.model, 11));
  cr_assert_null(tsr_model_class_name(f.model, -1));
  cr_assert_null(tsr_model_class_name(NULL, 0));
  cr_assert_str_eq(tsr_model_layer_name(f.model, 0), "conv1");
  cr_assert_str_eq(tsr_model_layer_name(f.model, 2), "layer1.0.conv1");
  cr_assert_eq(tsr_model_layer_kind(f.model, 0), TSR_LAYER_CONV2D);
  cr_assert_eq(tsr_model_layer_kind(f.model, 1), TSR_LAYER_POOL2D);
  close_fixture(&f);
}

/* torchvision documents 11,689,512 and 25,557,032 parameters, of which each BatchNorm has two per
 * channel; folded, one of them is left: the filters' bias. */
Test(resnet, presets_have_the_published_sizes) {
  static const struct {
    const char *name;
    int64_t parameters;
  } cases[] = {{"resnet18", 11689512}, {"resnet50", 25557032}};
  for (int i = 0; i < 2; i++) {
    tsr_model *model;
    CHECK(tsr_model_preset(cases[i].name, 1, &model));
    int64_t parameters = 0;
    for (size_t l = 0; l < tsr_model_layer_count(model); l++) {
      const tsr_linear *linear = tsr_model_linear(model, l);
      if (!linear) continue;
      int conv = tsr_model_layer_kind(model, l) == TSR_LAYER_CONV2D;
      parameters += linear->weight.rows * (linear->weight.cols + (conv ? 2 : 1));
    }
    cr_assert_eq(parameters, cases[i].parameters, "%s has %lld", cases[i].name,
                 (long long)parameters);
    tsr_model_destroy(model);
  }
}

Test(resnet, fashion_preset_runs) {
  tsr_model *model;
  CHECK(tsr_model_preset("fashion-resnet", 3, &model));
  const tsr_model_info *info = tsr_model_get_info(model);
  cr_assert(info->image_height == 28 && info->image_channels == 1 && info->classes == 10);
  tsr_model_plan *plan = plan_of(model, 1, 1);
  float *pixels = small_resnet_values("pixels", 28 * 28, 0, 2), logits[10];
  tsr_image_batch batch = {1, 28, 28, 1, pixels, TSR_IMAGE_NHWC};
  execute(plan, &batch, logits, NULL);
  for (int i = 0; i < 10; i++) cr_assert(isfinite(logits[i]));
  free(pixels);
  tsr_model_plan_destroy(plan);
  tsr_model_destroy(model);
}

Test(resnet, malformed_configurations) {
  static const struct {
    const char *key, *value;
    tsr_status status;
    const char *text;
  } cases[] = {
      {"depths", NULL, TSR_NOT_FOUND, "'depths'"},
      {"depths", "[]", TSR_MALFORMED, "'depths' is empty"},
      {"depths", "[1]", TSR_MALFORMED, "'depths' has 1 stages, 'hidden_sizes' 2"},
      {"depths", "[2, 0]", TSR_MALFORMED, "'depths' is 0"},
      {"depths", "[2, \"1\"]", TSR_MALFORMED, "depths"},
      {"depths", "[1,1,1,1,1,1,1,1,1]", TSR_UNSUPPORTED, "more than 8"},
      {"hidden_sizes", "[64, 40]", TSR_NOT_FOUND, "layer1.0.downsample.0.weight"},
      {"hidden_sizes", "[16, 48]", TSR_MALFORMED, "layer2.0.downsample.0.weight"},
      {"hidden_sizes", "[16, -40]", TSR_MALFORMED, "'hidden_sizes' is -40"},
      {"layer_type", "\"wide\"", TSR_UNSUPPORTED, "'layer_type' is 'wide'"},
      {"image_size", "0", TSR_MALFORMED, "'image_size' is 0"},
      {"num_channels", "4", TSR_MALFORMED, "conv1.weight"},
      {"batch_norm_eps", "-1", TSR_MALFORMED, "'batch_norm_eps' is -1"},
      {"id2label", "{\"11\": \"x\"}", TSR_MALFORMED, "'11' is no number below 11"},
      {"id2label", "{\"a\": \"x\"}", TSR_MALFORMED, "'a' is no number"},
      {"image_mean", "[0, 1]", TSR_MALFORMED, "'image_mean' has 2 values, for 3 channels"},
      {"model_type", "\"vgg\"", TSR_UNSUPPORTED, "none of: bert, resnet, fashion-resnet"},
  };
  fixture f = open_fixture(0);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tsr_checkpoint *checkpoint;
    tsr_model *model;
    small_resnet_config(f.sizes, f.folder, cases[i].key, cases[i].value);
    CHECK(tsr_checkpoint_open(f.folder, &checkpoint));
    cr_assert_eq(tsr_model_load(checkpoint, &model), cases[i].status, "%s: %s", cases[i].key,
                 tsr_last_error());
    cr_assert_null(model);
    cr_assert(strstr(tsr_last_error(), cases[i].text), "%s lacks %s", tsr_last_error(),
              cases[i].text);
    tsr_checkpoint_close(checkpoint);
  }
  close_fixture(&f);
}

Test(resnet, bad_arguments) {
  fixture f = open_fixture(0);
  tsr_model_plan *plan = plan_of(f.model, IMAGES, 1), *refused;
  void *workspace = workspace_of(plan);
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  float logits[IMAGES * CLASSES_MAX] = {0};
  tsr_image_output output = {.logits = logits};
  const tsr_image_batch good = batch_of(&f, IMAGES);
  struct {
    tsr_image_batch batch;
    tsr_status status;
    const char *text;
  } cases[] = {
      {good, TSR_INVALID_ARGUMENT, "0 images"},
      {good, TSR_INVALID_ARGUMENT, "3 images, planned for 1 to 2"},
      {good, TSR_INVALID_ARGUMENT, "pixels"},
      {good, TSR_INVALID_ARGUMENT, "layout 2"},
      {good, TSR_UNSUPPORTED_SHAPE, "images of 31 x 32 x 3"},
      {good, TSR_UNSUPPORTED_SHAPE, "images of 32 x 33 x 3"},
      {good, TSR_UNSUPPORTED_SHAPE, "images of 32 x 32 x 1"},
  };
  cases[0].batch.images = 0;
  cases[1].batch.images = 3;
  cases[2].batch.pixels = NULL;
  cases[3].batch.layout = (tsr_image_layout)2;
  cases[4].batch.height = 31;
  cases[5].batch.width = 33;
  cases[6].batch.channels = 1;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cr_assert_eq(tsr_model_execute_images(plan, &cases[i].batch, &output, workspace, bytes),
                 cases[i].status);
    cr_assert(strstr(tsr_last_error(), cases[i].text), "%s lacks %s", tsr_last_error(),
              cases[i].text);
  }
  cr_assert_eq(tsr_model_execute_images(NULL, &good, &output, workspace, bytes),
               TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_model_execute_images(plan, NULL, &output, workspace, bytes),
               TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_model_execute_images(plan, &good, NULL, workspace, bytes), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_model_execute_images(plan, &good, &output, NULL, bytes), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_model_execute_images(plan, &good, &output, workspace, bytes - 1),
               TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_model_execute_images(plan, &good, &output, (char *)workspace + 8, bytes),
               TSR_INVALID_ARGUMENT);
  static const int64_t offsets[] = {0, 1};
  static const int32_t ids[] = {0};
  tsr_batch text = {1, offsets, ids, NULL};
  tsr_output hidden = {0};
  cr_assert_eq(tsr_model_execute(plan, &text, &hidden, workspace, bytes), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "takes images"));
  tsr_model_plan_options none = {.linear.threads = 1, .max_batch = 0};
  cr_assert_eq(tsr_model_plan_create(f.model, &none, &refused), TSR_INVALID_ARGUMENT);
  free(workspace);
  tsr_model_plan_destroy(plan);
  close_fixture(&f);
}
