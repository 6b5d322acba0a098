/* Models of images on the CUDA backend, compared with the CPU's. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "runtime/cuda/host.h"
#include "tests/checkpoint_files.h"
#include "tests/small_resnet.h"

#define FASHION TESSERA_TEST_DATA "/../models/fashion-resnet"
#define GOLDEN TESSERA_TEST_DATA "/golden/fashion_resnet.safetensors"
enum { SHOWN = 20 };

typedef struct outputs {
  float *logits, *probabilities;
} outputs;

static outputs room(const tsr_model *model, int64_t images) {
  size_t count = (size_t)(images * tsr_model_get_info(model)->classes);
  outputs o = {calloc(count, sizeof(float)), calloc(count, sizeof(float))};
  cr_assert(o.logits && o.probabilities);
  return o;
}

static void drop(outputs *o) {
  free(o->logits);
  free(o->probabilities);
}

static tsr_model_plan *plan_for(const tsr_model *model, tsr_backend backend, int64_t images) {
  tsr_model_plan_options options = {.linear = {.backend = backend, .threads = 1},
                                    .max_batch = images};
  tsr_model_plan *plan;
  cr_assert_eq(tsr_model_plan_create(model, &options, &plan), TSR_OK, "%s", tsr_last_error());
  return plan;
}

static outputs run_cpu(const tsr_model *model, const tsr_image_batch *batch) {
  tsr_model_plan *plan = plan_for(model, TSR_BACKEND_CPU, batch->images);
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  void *workspace = aligned_alloc(64, bytes / 64 * 64 + 64);
  outputs o = room(model, batch->images);
  tsr_image_output output = {.logits = o.logits, .probabilities = o.probabilities};
  cr_assert_eq(tsr_model_execute_images(plan, batch, &output, workspace, bytes), TSR_OK, "%s",
               tsr_last_error());
  free(workspace);
  tsr_model_plan_destroy(plan);
  return o;
}

/* The plan is made for one image more than there are. */
static outputs run_cuda(const tsr_model *model, const tsr_image_batch *batch) {
  tsr_model_plan *plan = plan_for(model, TSR_BACKEND_CUDA, batch->images + 1);
  tsr__cuda_host *host;
  outputs o = room(model, batch->images);
  tsr_image_output output = {.logits = o.logits, .probabilities = o.probabilities};
  cr_assert_eq(tsr__cuda_host_create(plan, &host), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr__cuda_host_execute_images(host, batch, &output), TSR_OK, "%s", tsr_last_error());
  tsr__cuda_host_destroy(host);
  tsr_model_plan_destroy(plan);
  return o;
}

static int64_t greatest(const float *values, int64_t count) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; i++)
    if (values[i] > values[best]) best = i;
  return best;
}

/* The same classes, logits that differ by 2e-2 at most, probabilities by 5e-3. */
static void compare(const tsr_model *model, const tsr_image_batch *batch) {
  int64_t classes = tsr_model_get_info(model)->classes;
  outputs cpu = run_cpu(model, batch), cuda = run_cuda(model, batch);
  for (int64_t i = 0; i < batch->images; i++)
    cr_assert_eq(greatest(cpu.logits + i * classes, classes),
                 greatest(cuda.logits + i * classes, classes), "image %d", (int)i);
  for (int64_t i = 0; i < batch->images * classes; i++) {
    cr_assert_leq(fabs((double)cpu.logits[i] - (double)cuda.logits[i]), 2e-2,
                  "image %d, class %d: %g, not %g", (int)(i / classes), (int)(i % classes),
                  (double)cuda.logits[i], (double)cpu.logits[i]);
    cr_assert_leq(fabs((double)cpu.probabilities[i] - (double)cuda.probabilities[i]), 5e-3);
  }
  drop(&cpu);
  drop(&cuda);
}

/* ---- the trained one ---- */

typedef struct loaded {
  tsr_checkpoint *checkpoint; /* the model's weights lie in it */
  tsr_model *model;
} loaded;

static loaded load(const char *folder) {
  loaded l;
  cr_assert_eq(tsr_checkpoint_open(folder, &l.checkpoint), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_model_load(l.checkpoint, &l.model), TSR_OK, "%s", tsr_last_error());
  return l;
}

static void unload(loaded *l) {
  tsr_model_destroy(l->model);
  tsr_checkpoint_close(l->checkpoint);
}

/* Twenty test images as the model wants them; one channel is the same in both layouts. */
static float *shown_images(const tsr_model *model) {
  const tsr_model_info *info = tsr_model_get_info(model);
  int64_t count = SHOWN * info->image_height * info->image_width;
  float *pixels = malloc((size_t)count * sizeof *pixels);
  tsr_checkpoint *golden;
  cr_assert_eq(tsr_checkpoint_open(GOLDEN, &golden), TSR_OK, "%s", tsr_last_error());
  const tsr_tensor *images = tsr_checkpoint_find(golden, "images");
  cr_assert(images && images->bytes == (uint64_t)count);
  const unsigned char *bytes = images->data;
  for (int64_t i = 0; i < count; i++)
    pixels[i] = ((float)bytes[i] / 255 - info->image_mean[0]) / info->image_std[0];
  tsr_checkpoint_close(golden);
  return pixels;
}

Test(cuda_resnet, fashion_resnet_equals_the_cpu) {
  loaded fashion = load(FASHION);
  float *pixels = shown_images(fashion.model);
  tsr_image_batch batch = {SHOWN, 28, 28, 1, pixels, TSR_IMAGE_NHWC};
  compare(fashion.model, &batch);
  free(pixels);
  unload(&fashion);
}

/* ---- small ones of every kind: bottlenecks, ImageNet's stem, three channels ---- */

Test(cuda_resnet, small_ones_equal_the_cpu_in_both_layouts) {
  for (int i = 0; i < SMALL_RESNETS; i++) {
    const small_resnet *m = &small_resnets[i];
    char *folder = files_folder();
    small_resnet_save(m, folder);
    loaded small = load(folder);
    float *pixels = small_resnet_values("pixels", 2 * m->size * m->size * m->channels, 0, 2);
    tsr_image_batch batch = {2, m->size, m->size, m->channels, pixels, TSR_IMAGE_NHWC};
    compare(small.model, &batch);
    batch.layout = TSR_IMAGE_NCHW;
    compare(small.model, &batch);
    free(pixels);
    unload(&small);
    files_remove(folder);
  }
}

Test(cuda_resnet, a_batch_that_does_not_fit_is_refused) {
  loaded fashion = load(FASHION);
  tsr_model_plan *plan = plan_for(fashion.model, TSR_BACKEND_CUDA, 1);
  static float pixels[2 * 28 * 28], logits[20];
  tsr__cuda_host *host;
  tsr_image_output output = {.logits = logits};
  cr_assert_eq(tsr__cuda_host_create(plan, &host), TSR_OK, "%s", tsr_last_error());
  tsr_image_batch two = {2, 28, 28, 1, pixels, TSR_IMAGE_NHWC};
  cr_assert_eq(tsr__cuda_host_execute_images(host, &two, &output), TSR_INVALID_ARGUMENT);
  tsr_image_batch small = {1, 27, 28, 1, pixels, TSR_IMAGE_NHWC};
  cr_assert_eq(tsr__cuda_host_execute_images(host, &small, &output), TSR_UNSUPPORTED_SHAPE);
  tsr_image_batch none = {1, 28, 28, 1, NULL, TSR_IMAGE_NHWC};
  cr_assert_eq(tsr__cuda_host_execute_images(host, &none, &output), TSR_INVALID_ARGUMENT);
  tsr__cuda_host_destroy(host);
  tsr_model_plan_destroy(plan);
  unload(&fashion);
}
