/* Models of images on the CUDA backend, compared with the CPU's. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/half.h"
#include "runtime/cuda/host.h"
#include "tessera/tessera.h"
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

/* Set by tests in which no layer may run as a dense one. */
static int own_formats_only;

static tsr_model_plan *plan_for(const tsr_model *model, tsr_backend backend, int64_t images) {
  tsr_model_plan_options options = {
      .linear = {.backend = backend, .threads = 1, .no_dense_fallback = own_formats_only},
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

/* How far logits and probabilities may lie apart. bf16 has three bits less than f16. */
typedef struct limits {
  double logits, probabilities;
} limits;

static const limits of_f16 = {2e-2, 5e-3}, of_bf16 = {8 * 2e-2, 8 * 5e-3};

/* The same classes, and outputs within the limits. */
static void compare(const tsr_model *model, const tsr_image_batch *batch, limits most) {
  int64_t classes = tsr_model_get_info(model)->classes;
  outputs cpu = run_cpu(model, batch), cuda = run_cuda(model, batch);
  for (int64_t i = 0; i < batch->images; i++)
    cr_assert_eq(greatest(cpu.logits + i * classes, classes),
                 greatest(cuda.logits + i * classes, classes), "image %d", (int)i);
  for (int64_t i = 0; i < batch->images * classes; i++) {
    cr_assert_leq(fabs((double)cpu.logits[i] - (double)cuda.logits[i]), most.logits,
                  "image %d, class %d: %g, not %g", (int)(i / classes), (int)(i % classes),
                  (double)cuda.logits[i], (double)cpu.logits[i]);
    cr_assert_leq(fabs((double)cpu.probabilities[i] - (double)cuda.probabilities[i]),
                  most.probabilities);
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
  compare(fashion.model, &batch, of_f16);
  free(pixels);
  unload(&fashion);
}

/* ---- the same, pruned ---- */

enum { FEW = 4, INNER_CHANNELS = 16 };

/* As it was, or pruned by magnitude; then packed in `dtype`. */
static void set_weight(tsr_model *model, size_t index, const tsr_pattern *pattern,
                       tsr_format format, tsr_dtype dtype) {
  const tsr_linear *linear = tsr_model_linear(model, index);
  int64_t rows = linear->weight.rows, cols = linear->weight.cols, count = rows * cols;
  float *w = malloc((size_t)count * sizeof *w);
  uint16_t *rounded = malloc((size_t)count * sizeof *rounded);
  tsr_mask *mask = malloc((size_t)count * sizeof *mask);
  tsr_packed packed = {0};
  cr_assert_eq(tsr_unpack_f32(&linear->weight, w, cols), TSR_OK);
  if (pattern->kind != TSR_PATTERN_DENSE) {
    double sparsity = format == TSR_FORMAT_VNM ? 1 - 2.0 / pattern->m : 0.5;
    tsr_prune_options options = {.pattern = *pattern, .sparsity = sparsity, .threads = 1};
    cr_assert_eq(tsr_prune_method_parse("magnitude-l2", &options.method), TSR_OK);
    cr_assert_eq(tsr_prune_matrix(&options, NULL, w, rows, cols, mask, NULL), TSR_OK, "%s",
                 tsr_last_error());
  }
  tsr_matrix matrix = {w, TSR_DTYPE_F32, rows, cols, cols};
  if (dtype != TSR_DTYPE_F32) {
    cr_assert(tsr__from_f32(w, dtype, rounded, (uint64_t)count));
    matrix.data = rounded;
    matrix.dtype = dtype;
  }
  cr_assert_eq(tsr_pack(&matrix, format, pattern, &packed), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_model_set_weight(model, index, &packed), TSR_OK, "%s", tsr_last_error());
  free(mask);
  free(rounded);
  free(w);
}

/* Every `step`-th layer, but for the first convolution and the classifier, follows the pattern.
 * Returns how many do. */
static size_t prune(tsr_model *model, const char *text, tsr_format format, tsr_dtype dtype,
                    size_t step) {
  static const tsr_pattern dense = {.kind = TSR_PATTERN_DENSE};
  tsr_pattern pattern;
  size_t seen = 0, pruned = 0;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK);
  for (size_t i = 0; i < tsr_model_layer_count(model); i++) {
    const tsr_linear *linear = tsr_model_linear(model, i);
    if (!linear) continue;
    int inner = linear->conv && linear->conv->channels >= INNER_CHANNELS;
    int follows = inner && seen++ % step == 0;
    pruned += (size_t)follows;
    if (follows)
      set_weight(model, i, &pattern, format, dtype);
    else
      set_weight(model, i, &dense, TSR_FORMAT_DENSE, dtype);
  }
  return pruned;
}

/* Kernels of a plan whose names contain `part`. */
static size_t count_kernels(const tsr_model *model, const char *part) {
  tsr_model_plan *plan = plan_for(model, TSR_BACKEND_CUDA, FEW);
  size_t found = 0;
  for (size_t i = 0; i < tsr_model_layer_count(model); i++) {
    const tsr_linear_plan *layer = tsr_model_plan_linear(plan, i);
    if (!layer) continue;
    found += strstr(tsr_spmm_kernel_name(tsr_linear_plan_selection(layer)->kernel), part) != NULL;
  }
  tsr_model_plan_destroy(plan);
  return found;
}

/* kernels: what the names of the pruned layers' kernels have in common; NULL: they run as dense. */
static void compare_pruned(const char *pattern, tsr_format format, tsr_dtype dtype, size_t step,
                           const char *kernels, limits most) {
  loaded fashion = load(FASHION);
  float *pixels = shown_images(fashion.model);
  tsr_image_batch batch = {FEW, 28, 28, 1, pixels, TSR_IMAGE_NHWC};
  size_t pruned = prune(fashion.model, pattern, format, dtype, step);
  cr_assert_geq(pruned, 3);
  own_formats_only = kernels != NULL;
  if (kernels) cr_assert_eq(count_kernels(fashion.model, kernels), pruned, "not all %s", kernels);
  compare(fashion.model, &batch, most);
  free(pixels);
  unload(&fashion);
}

Test(cuda_resnet, blocks_equal_the_cpu) {
  compare_pruned("block:16x16", TSR_FORMAT_BCSR, TSR_DTYPE_F32, 1, "_f16_bcsr_conv_", of_f16);
}

Test(cuda_resnet, two_of_four_equals_the_cpu) {
  compare_pruned("2:4", TSR_FORMAT_NM, TSR_DTYPE_F32, 1, "_f16_nm_conv_", of_f16);
}

Test(cuda_resnet, panels_equal_the_cpu) {
  compare_pruned("vnm:32:2:8", TSR_FORMAT_VNM, TSR_DTYPE_F32, 1, "_f16_vnm_conv_", of_f16);
}

Test(cuda_resnet, panels_in_bf16_equal_the_cpu) {
  compare_pruned("vnm:64:2:6", TSR_FORMAT_VNM, TSR_DTYPE_BF16, 1, "_bf16_vnm_conv_", of_bf16);
}

/* They run as 2:4, or as dense ones where that is predicted to be faster. */
Test(cuda_resnet, narrow_panels_equal_the_cpu) {
  loaded fashion = load(FASHION);
  prune(fashion.model, "vnm:16:2:8", TSR_FORMAT_VNM, TSR_DTYPE_F32, 1);
  cr_assert_geq(count_kernels(fashion.model, "_f16_nm_conv_"), 3);
  unload(&fashion);
  compare_pruned("vnm:16:2:8", TSR_FORMAT_VNM, TSR_DTYPE_F32, 1, NULL, of_f16);
}

Test(cuda_resnet, some_layers_by_rows_equal_the_cpu) {
  compare_pruned("row", TSR_FORMAT_COMPACT, TSR_DTYPE_F32, 2, NULL, of_f16);
}

Test(cuda_resnet, bf16_equals_the_cpu) {
  compare_pruned("block:16x16", TSR_FORMAT_BCSR, TSR_DTYPE_BF16, 1, "_bf16_bcsr_conv_", of_bf16);
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
    compare(small.model, &batch, of_f16);
    batch.layout = TSR_IMAGE_NCHW;
    compare(small.model, &batch, of_f16);
    free(pixels);
    unload(&small);
    files_remove(folder);
  }
}

/* ---- graphs ---- */

enum { BATCHES = 7, REPLAYED_IMAGES = 2, CLASSES = 10 };

/* Batches a a a b c a a: b is smaller, c of the other layout (of one channel, the same pixels). The
 * first of a shape is executed as it is, the second one captured. */
Test(cuda_resnet, batches_of_one_shape_replay_a_graph) {
  static const int64_t captured[] = {0, 1, 1, 1, 1, 1, 2}, replayed[] = {0, 1, 2, 2, 2, 2, 3};
  loaded fashion = load(FASHION);
  float *pixels = shown_images(fashion.model);
  tsr_model_plan *plan = plan_for(fashion.model, TSR_BACKEND_CUDA, REPLAYED_IMAGES);
  tsr__cuda_host *host;
  cr_assert_eq(tsr__cuda_host_create(plan, &host), TSR_OK, "%s", tsr_last_error());
  for (int i = 0; i < BATCHES; i++) {
    tsr_image_batch batch = {i == 3 ? 1 : REPLAYED_IMAGES,
                             28,
                             28,
                             1,
                             pixels + i * 28 * 28,
                             i == 4 ? TSR_IMAGE_NCHW : TSR_IMAGE_NHWC};
    float logits[REPLAYED_IMAGES * CLASSES];
    tsr_image_output output = {.logits = logits};
    outputs eager = run_cuda(fashion.model, &batch);
    cr_assert_eq(tsr__cuda_host_execute_images(host, &batch, &output), TSR_OK, "%s",
                 tsr_last_error());
    cr_assert_eq(memcmp(eager.logits, logits, (size_t)batch.images * CLASSES * sizeof *logits), 0,
                 "batch %d", i);
    int64_t captures, replays;
    tsr__cuda_replay_counts(tsr__cuda_host_replay(host), &captures, &replays);
    cr_assert_eq(captures, captured[i], "batch %d: %d captures", i, (int)captures);
    cr_assert_eq(replays, replayed[i], "batch %d: %d replays", i, (int)replays);
    drop(&eager);
  }
  tsr__cuda_host_destroy(host);
  tsr_model_plan_destroy(plan);
  free(pixels);
  unload(&fashion);
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
