/* Every CUDA kernel of convolutions of one format (TESSERA_FORMAT) against the double reference. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "tests/conv_reference.h"
#include "tests/cuda/cuda_spmm_case.h"
#include "tests/gpusim/gpusim.h"

enum { PATTERNS_MAX = 3 };
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct {
  tsr_format format;
  const char *patterns[PATTERNS_MAX + 1];
} layouts[] = {
    {TSR_FORMAT_DENSE, {"dense"}},
    {TSR_FORMAT_BCSR, {"block:16x16", "block:32x32", "block:16x48"}},
    {TSR_FORMAT_NM, {"2:4"}},
};

/* Strides, paddings and dilations alike in both axes and not; kernels larger than the image; taps
 * that end within a fragment (24 channels); an image that is nearly all padding; outputs of a tile
 * of either width, and one more. The last of them have numbers of channels that only dense filters
 * may have. */
static const struct {
  tsr_conv_shape shape;
  int64_t images;
} cases[] = {
    {{5, 7, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, 2},
    {{9, 6, 32, {3, 3}, {2, 2}, {1, 1}, {1, 1}}, 3},
    {{7, 9, 16, {1, 1}, {2, 2}, {0, 0}, {1, 1}}, 2},
    {{9, 9, 16, {3, 3}, {1, 1}, {2, 2}, {2, 2}}, 1},
    {{6, 10, 8, {2, 3}, {3, 1}, {0, 2}, {1, 3}}, 2},
    {{2, 2, 24, {5, 5}, {1, 2}, {2, 2}, {1, 1}}, 3},
    {{1, 1, 16, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 1},
    {{8, 8, 64, {1, 1}, {1, 1}, {0, 0}, {1, 1}}, 2},
    {{3, 43, 16, {3, 1}, {1, 1}, {1, 0}, {1, 1}}, 1},
    {{5, 13, 40, {1, 3}, {1, 1}, {0, 1}, {1, 1}}, 1},
    {{8, 8, 3, {7, 7}, {2, 2}, {3, 3}, {1, 1}}, 2},
    {{6, 5, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, 2},
    {{4, 5, 20, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, 1},
};

static const char *const *patterns_of(void) {
  size_t row = 0;
  while (row < COUNT(layouts) && layouts[row].format != TESSERA_FORMAT) row++;
  cr_assert_lt(row, COUNT(layouts));
  return layouts[row].patterns;
}

static tsr_pattern pattern_at(int index) {
  const char *const *patterns = patterns_of();
  int count = 0;
  tsr_pattern pattern;
  while (patterns[count]) count++;
  cr_assert_eq(tsr_pattern_parse(patterns[index % count], &pattern), TSR_OK);
  return pattern;
}

/* A layer over random images, as the kernel's element type holds them. */
typedef struct conv_case {
  tsr_conv_shape shape;
  tsr_pattern pattern;
  spmm_case layer;
  float *images;
} conv_case;

static conv_case create(random_state *random, const tsr_cuda_spmm_kernel *kernel,
                        const tsr_conv_shape *s, int64_t images, int pattern, double density,
                        int64_t m) {
  conv_case c = {.shape = *s, .pattern = pattern_at(pattern)};
  int64_t k = (int64_t)s->kernel[0] * s->kernel[1] * s->channels;
  int64_t tokens = images * tsr_test_conv_positions(s, 0) * tsr_test_conv_positions(s, 1);
  int64_t pixels = images * s->height * s->width;
  tsr_cuda_spmm_kernel dense = *kernel; /* whose random activations are pixels here */
  dense.format = TSR_FORMAT_DENSE;
  spmm_case source = cuda_spmm_case_create(
      random, &dense, &(tsr_pattern){.kind = TSR_PATTERN_DENSE}, 1, 1, 1, pixels * s->channels, 0);
  c.images = malloc((size_t)(pixels * s->channels) * sizeof *c.images);
  for (int64_t i = 0; i < pixels * s->channels; i++) c.images[i] = source.x[i];
  spmm_case_destroy(&source);
  c.layer = cuda_spmm_case_create(random, kernel, &c.pattern, density, m, k, tokens, 0);
  cuda_spmm_case_gather(&c.layer, &c.pattern, s, c.images);
  return c;
}

static void destroy(conv_case *c) {
  spmm_case_destroy(&c->layer);
  free(c->images);
}

static void check(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const conv_case *c,
                  cuda_spmm_run run, const char *what) {
  run.tokens = c->layer.tokens;
  run.conv = &c->shape;
  run.images = c->images;
  cuda_spmm_check(module, kernel, &c->layer, &c->pattern, run, what);
}

static int runs(const tsr_cuda_spmm_kernel *kernel, const tsr_conv_shape *s) {
  tsr_spmm_problem problem = {
      .format = kernel->format, .pattern = pattern_at(0), .m = 1, .conv = *s};
  return !kernel->ops->refusal(kernel, &problem);
}

/* Calls `run` for each kernel of the format, in each setting of the simulator. */
static void (*each_kernel)(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what);

static void run_kernels(CUmodule module, const char *what) {
  const tsr_cuda_spmm_kernel *kernel;
  int count = 0;
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++) {
    if (kernel->format != TESSERA_FORMAT || !kernel->ops->convolution) continue;
    each_kernel(module, kernel, what);
    count++;
  }
  cr_assert_gt(count, 0);
}

static void for_each_kernel(void (*run)(CUmodule module, const tsr_cuda_spmm_kernel *kernel,
                                        const char *what)) {
  each_kernel = run;
  device_for_each_setting(TESSERA_IMAGE, run_kernels);
}

/* Every shape, with filters of a tile, one less and more, and one; every epilogue and a few splits
 * by turns. */
static void run_shapes(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what) {
  const int64_t ms[] = {kernel->tile_m, 1, kernel->tile_m + 1, kernel->tile_m - 1};
  random_state random = random_seed(41);
  int turn = kernel->dtype == TSR_DTYPE_F16;
  for (size_t i = 0; i < COUNT(cases); i++, turn++) {
    if (!runs(kernel, &cases[i].shape)) {
      cr_assert_neq(cases[i].shape.channels % 8, 0);
      cr_assert_neq(kernel->format, TSR_FORMAT_DENSE);
      continue;
    }
    conv_case c =
        create(&random, kernel, &cases[i].shape, cases[i].images, turn, 0.5, ms[turn % 4]);
    cuda_spmm_run run = {.variant = spmm_variant_at(turn * 7 % SPMM_VARIANTS),
                         .ldc_pad = turn % 4 * 4,
                         .pixel_pad = turn % 3 * 8,
                         .splits = turn % 4 == 3 ? 3 : 1};
    check(module, kernel, &c, run, what);
    destroy(&c);
  }
}

Test(cuda_conv, shapes) { for_each_kernel(run_shapes); }

/* Every output under which a NaN or an infinity lies, and no other, shows it. */
static void run_special_values(CUmodule module, const tsr_cuda_spmm_kernel *kernel,
                               const char *what) {
  static const tsr_conv_shape shape = {4, 5, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}};
  random_state random = random_seed(43);
  conv_case c = create(&random, kernel, &shape, 2, 0, 0.5, 40);
  c.images[5] = NAN;
  c.images[18 * 16 + 3] = INFINITY;
  c.images[33 * 16 + 9] = -INFINITY;
  cuda_spmm_case_gather(&c.layer, &c.pattern, &c.shape, c.images);
  check(module, kernel, &c, (cuda_spmm_run){.splits = 1}, what);
  destroy(&c);
}

Test(cuda_conv, special_values) { for_each_kernel(run_special_values); }

static double memory_counter(const json_t *launch, const char *name) {
  const json_t *value = json_object_get(json_object_get(launch, "memory"), name);
  cr_assert(json_is_number(value), "%s is not counted", name);
  return json_number_value(value);
}

/* Nothing stored, everything; and where sizes fill the tiles: no bank
 * conflict anywhere, no local memory, and every sector that copies to shared memory ask for is used
 * whole. */
static void run_traffic(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what) {
  static const double densities[] = {0.0, 0.4, 1.0};
  tsr_conv_shape shape = {8, kernel->tile_n / 8, 64, {3, 3}, {1, 1}, {1, 1}, {1, 1}};
  random_state random = random_seed(44);
  for (size_t d = 0; d < COUNT(densities); d++) {
    conv_case c = create(&random, kernel, &shape, 1, 0, densities[d], kernel->tile_m);
    cuda_spmm_run run = {.splits = 1, .variant = {.residual = RESIDUAL_APART, .residual_first = 1}};
    check(module, kernel, &c, run, what);
    char *text = gpusim_last_launch_json();
    json_t *launch = json_loads(text, 0, NULL);
    cr_assert_eq(memory_counter(launch, "shared_bank_conflicts"), 0, "%s: %s: %s", what,
                 kernel->name, text);
    cr_assert_eq(memory_counter(launch, "local_load_bytes"), 0);
    /* Lanes with different taps may share a pixel's sector. */
    cr_assert_leq(memory_counter(launch, "async_global_sectors") * 32,
                  memory_counter(launch, "async_bytes"), "%s: %s: %s", what, kernel->name, text);
    json_decref(launch);
    free(text);
    destroy(&c);
  }
}

Test(cuda_conv, traffic) { for_each_kernel(run_traffic); }
