/* Every CUDA kernel of convolutions of one format (TESSERA_FORMAT) against the double reference. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "tests/conv_reference.h"
#include "tests/cuda/each_kernel.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

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
  conv_case c = {.shape = *s};
  cr_assert_gt(each_kernel_pattern(kernel, s, pattern, &c.pattern), 0);
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

static void for_each_kernel(each_kernel_run *run) {
  each_kernel(TESSERA_IMAGE, TESSERA_FORMAT, 1, run);
}

/* Every shape, with filters of a tile, one less and more, and one; every epilogue and a few splits
 * by turns. */
static void run_shapes(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what) {
  const int64_t ms[] = {kernel->tile_m, 1, kernel->tile_m + 1, kernel->tile_m - 1};
  random_state random = random_seed(41);
  int turn = kernel->dtype == TSR_DTYPE_F16;
  for (size_t i = 0; i < COUNT(cases); i++, turn++) {
    tsr_pattern pattern;
    if (!each_kernel_pattern(kernel, &cases[i].shape, turn, &pattern)) {
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

/* Nothing stored, everything, where the format leaves that open; and where sizes fill the tiles: no
 * bank conflict anywhere, no local memory, and every sector that copies to shared memory ask for is
 * used whole. Folded activations are read in runs of 16 aligned bytes, so that the two sectors at
 * the ends may be used in half. */
static void run_traffic(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what) {
  static const double densities[] = {0.4, 0.0, 1.0};
  tsr_conv_shape shape = {8, kernel->tile_n / 8, 64, {3, 3}, {1, 1}, {1, 1}, {1, 1}};
  random_state random = random_seed(44);
  size_t count = kernel->format == TSR_FORMAT_BCSR ? COUNT(densities) : 1;
  for (size_t d = 0; d < count; d++) {
    conv_case c = create(&random, kernel, &shape, 1, 0, densities[d], kernel->tile_m);
    cuda_spmm_run run = {.splits = 1, .variant = {.residual = RESIDUAL_APART, .residual_first = 1}};
    check(module, kernel, &c, run, what);
    each_kernel_traffic traffic = each_kernel_last_traffic(kernel, what);
    /* Lanes with different taps may share a pixel's sector. */
    double runs = kernel->ops->feature_major ? 1.0 + 2.0 * 16 / (2.0 * kernel->tile_n) : 1.0;
    cr_assert_leq(traffic.sector_bytes, runs * traffic.copied_bytes,
                  "%s: %s: %g bytes in sectors of %g", what, kernel->name, traffic.copied_bytes,
                  traffic.sector_bytes);
    destroy(&c);
  }
}

Test(cuda_conv, traffic) { for_each_kernel(run_traffic); }
