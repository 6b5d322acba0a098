/* Layers of images that have no plan: pooling, softmax, convolutions of several groups. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/layer_kernel.h"
#include "runtime/layer/layer.h"
#include "tests/compare.h"
#include "tests/conv_reference.h"
#include "tests/random.h"

enum { IMAGES = 2 };

static float *uniform(random_state *random, int64_t count) {
  float *out = malloc((size_t)count * sizeof *out + 1);
  cr_assert(out);
  for (int64_t i = 0; i < count; i++) out[i] = (float)(2 * random_unit(random) - 1);
  return out;
}

static int64_t in_values(const tsr_conv_shape *s) { return s->height * s->width * s->channels; }

static int64_t out_pixels(const tsr_conv_shape *s) {
  return tsr_test_conv_positions(s, 0) * tsr_test_conv_positions(s, 1);
}

/* Runs the layer on every instruction set of the machine, in 1 and 3 threads, and compares. */
static void check(tsr__layer *layer, int64_t input_width, const float *x, const double *expected,
                  int64_t count, double tolerance) {
  const tsr__layer_ops *ops = tsr__layer_ops_of(layer->kind);
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  layer->residual = TSR__NO_SLOT;
  cr_assert_eq(ops->validate(layer, input_width), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(ops->output_width(layer) * IMAGES, count);
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++)
    for (int threads = 1; threads <= 3 && hardware.isa[isa]; threads += 2) {
      float *y = malloc((size_t)count * sizeof *y);
      memset(y, 0xff, (size_t)count * sizeof *y);
      tsr__layer_limits limits = {
          .max_batch = IMAGES, .threads = threads, .kernels = &tsr__layer_kernels[isa]};
      tsr__layer_io io = {.images = IMAGES, .x = x, .y = y, .limits = &limits};
      ops->run(layer, &io);
      cr_assert(tsr_test_close(tsr_layer_kind_name(layer->kind), expected, y, 1, count, count,
                               tolerance));
      free(y);
    }
}

static const tsr_conv_shape pools[] = {
    {9, 8, 19, {3, 3}, {2, 2}, {1, 1}, {1, 1}}, {7, 7, 64, {7, 7}, {1, 1}, {0, 0}, {1, 1}},
    {5, 6, 3, {2, 2}, {2, 2}, {0, 0}, {1, 1}},  {6, 9, 8, {2, 3}, {1, 2}, {1, 1}, {2, 1}},
    {1, 1, 5, {1, 1}, {1, 1}, {0, 0}, {1, 1}},
};

static void check_pools(tsr__pool2d_kind kind) {
  random_state random = random_seed(3);
  for (size_t i = 0; i < sizeof pools / sizeof pools[0]; i++) {
    const tsr_conv_shape *s = &pools[i];
    int64_t count = IMAGES * out_pixels(s) * s->channels;
    float *x = uniform(&random, IMAGES * in_values(s));
    double *expected = malloc((size_t)count * sizeof *expected);
    tsr_test_pool2d(s, kind == TSR__POOL2D_MAX, IMAGES, x, expected);
    tsr__layer layer = {.kind = TSR_LAYER_POOL2D, .as.pool2d = {*s, kind}};
    check(&layer, in_values(s), x, expected, count, kind == TSR__POOL2D_MAX ? 0 : 1e-6);
    free(expected);
    free(x);
  }
}

Test(image_layers, maximum_pooling) { check_pools(TSR__POOL2D_MAX); }
Test(image_layers, average_pooling) { check_pools(TSR__POOL2D_AVERAGE); }

Test(image_layers, a_maximum_keeps_nan) {
  for (int first = 0; first < 2; first++) {
    tsr_conv_shape s = {1, 2, 9, {1, 2}, {1, 1}, {0, 0}, {1, 1}};
    float x[IMAGES * 18];
    double expected[IMAGES * 9];
    for (int i = 0; i < IMAGES * 18; i++) x[i] = (float)i;
    for (int image = 0; image < IMAGES; image++) x[image * 18 + first * 9 + 4] = NAN;
    for (int i = 0; i < IMAGES * 9; i++)
      expected[i] = i % 9 == 4 ? (double)NAN : (double)x[i / 9 * 18 + 9 + i % 9];
    tsr__layer layer = {.kind = TSR_LAYER_POOL2D, .as.pool2d = {s, TSR__POOL2D_MAX}};
    check(&layer, 18, x, expected, IMAGES * 9, 0);
  }
}

Test(image_layers, softmax_of_large_values) {
  const float x[IMAGES * 3] = {1000, 999, -1000, 0, 0, 0};
  double e = exp(-1.0);
  const double expected[IMAGES * 3] = {1 / (1 + e), e / (1 + e), 0, 1.0 / 3, 1.0 / 3, 1.0 / 3};
  tsr__layer layer = {.kind = TSR_LAYER_SOFTMAX, .as.softmax = {3}};
  check(&layer, 3, x, expected, IMAGES * 3, 1e-7);
}

/* Each group is a convolution of its own over its channels. */
Test(image_layers, convolutions_of_several_groups) {
  static const struct {
    tsr_conv_shape shape;
    int64_t filters, groups;
  } cases[] = {{{6, 7, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, 8, 8},
               {{6, 7, 12, {3, 2}, {2, 1}, {1, 0}, {1, 2}}, 6, 3},
               {{4, 4, 6, {1, 1}, {1, 1}, {0, 0}, {1, 1}}, 4, 2}};
  random_state random = random_seed(5);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const tsr_conv_shape *s = &cases[i].shape;
    int64_t filters = cases[i].filters, groups = cases[i].groups, each = filters / groups;
    tsr_conv_shape part = *s;
    part.channels /= groups;
    int64_t k = part.channels * s->kernel[0] * s->kernel[1], pixels = IMAGES * out_pixels(s);
    float *w = uniform(&random, filters * k), *x = uniform(&random, IMAGES * in_values(s));
    float *bias = uniform(&random, filters);
    double *expected = malloc((size_t)(pixels * filters) * sizeof *expected);
    double *sums = malloc((size_t)(pixels * each) * sizeof *sums);
    for (int64_t g = 0; g < groups; g++) {
      float *slice = malloc((size_t)(IMAGES * s->height * s->width * s->channels) * sizeof *slice);
      for (int64_t p = 0; p < IMAGES * s->height * s->width; p++)
        memcpy(slice + p * part.channels, x + p * s->channels + g * part.channels,
               (size_t)part.channels * sizeof *slice);
      tsr_test_conv(&part, w + g * each * k, each, slice, part.channels, IMAGES, sums);
      for (int64_t t = 0; t < pixels * each; t++) {
        int64_t row = g * each + t % each;
        expected[t / each * filters + row] = fmax(0, sums[t] + (double)bias[row]);
      }
      free(slice);
    }
    tsr__layer layer = {.kind = TSR_LAYER_CONV2D,
                        .as.conv2d = {.linear = {.weight = {.format = TSR_FORMAT_DENSE,
                                                            .dtype = TSR_DTYPE_F32,
                                                            .rows = filters,
                                                            .cols = k,
                                                            .stored = filters * k,
                                                            .values = w},
                                                 .bias = bias,
                                                 .activation = TSR_ACTIVATION_RELU},
                                      .shape = *s,
                                      .groups = groups}};
    check(&layer, in_values(s), x, expected, pixels * filters,
          tsr_test_tolerance(k, 1.0, 1.0, 1.0));
    free(sums);
    free(expected);
    free(bias);
    free(x);
    free(w);
  }
}

Test(image_layers, bad_layers_are_refused_with_their_values) {
  static const float w[8 * 9] = {0};
  tsr__layer conv = {.kind = TSR_LAYER_CONV2D,
                     .residual = TSR__NO_SLOT,
                     .as.conv2d = {.linear = {.weight = {.format = TSR_FORMAT_DENSE,
                                                         .dtype = TSR_DTYPE_F32,
                                                         .rows = 8,
                                                         .cols = 9,
                                                         .stored = 72,
                                                         .values = w}},
                                   .shape = {4, 4, 8, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
                                   .groups = 8}};
  tsr__layer pool2d = {.kind = TSR_LAYER_POOL2D, .as.pool2d = {pools[0], TSR__POOL2D_MAX}};
  tsr__layer softmax = {.kind = TSR_LAYER_SOFTMAX, .as.softmax = {3}};
  struct {
    tsr__layer layer;
    int64_t width;
    tsr_status status;
    const char *text;
  } cases[] = {{conv, 127, TSR_UNSUPPORTED_SHAPE, "4 x 4 x 8, but its input has 127"},
               {conv, 128, TSR_INVALID_ARGUMENT, "0 groups"},
               {conv, 128, TSR_UNSUPPORTED_SHAPE, "over 4 channels has 36"},
               {conv, 128, TSR_UNSUPPORTED, "8 groups with weights that are not dense"},
               {conv, 128, TSR_UNSUPPORTED, "8 groups with a residual"},
               {pool2d, 10, TSR_UNSUPPORTED_SHAPE, "9 x 8 x 19, but its input has 10"},
               {pool2d, 1368, TSR_UNSUPPORTED_SHAPE, "padding of 2 is more than half"},
               {pool2d, 1368, TSR_INVALID_ARGUMENT, "pooling 7"},
               {softmax, 4, TSR_UNSUPPORTED_SHAPE, "a width of 3, the input has 4"}};
  cases[1].layer.as.conv2d.groups = 0;
  cases[2].layer.as.conv2d.groups = 2;
  cases[3].layer.as.conv2d.linear.weight.format = TSR_FORMAT_CSR;
  cases[4].layer.residual = 0;
  cases[6].layer.as.pool2d.shape.padding[0] = 2;
  cases[7].layer.as.pool2d.kind = (tsr__pool2d_kind)7;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const tsr__layer_ops *ops = tsr__layer_ops_of(cases[i].layer.kind);
    cr_assert_eq(ops->validate(&cases[i].layer, cases[i].width), cases[i].status, "%zu: %s", i,
                 tsr_last_error());
    cr_assert(strstr(tsr_last_error(), cases[i].text), "%s lacks %s", tsr_last_error(),
              cases[i].text);
  }
}
