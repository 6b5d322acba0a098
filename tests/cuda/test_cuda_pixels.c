/* The layers of images beside convolutions of one group, against naive references. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda/layer_launch.h"
#include "tests/conv_reference.h"
#include "tests/cuda/cuda_matrix.h"
#include "tests/layer_reference.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { IMAGES = 2 };

static const tsr_dtype dtypes[] = {TSR_DTYPE_F16, TSR_DTYPE_BF16};

static char *kernel_name(char name[64], tsr_dtype dtype, const char *layer) {
  snprintf(name, 64, "tsr_%s_%s__sm80", cuda_type_name(dtype), layer);
  return name;
}

static int64_t out_pixels(const tsr_conv_shape *s) {
  return tsr_test_conv_positions(s, 0) * tsr_test_conv_positions(s, 1);
}

/* Compares a room of [rows, cols] with expected. */
static void check(const char *what, const cuda_matrix *room, const double *expected, double slack) {
  int64_t count = room->rows * room->cols;
  float *out = malloc((size_t)count * sizeof *out);
  cuda_matrix_read(room, out);
  for (int64_t i = 0; i < count; i++)
    cuda_expect_close(what, i / room->cols, i % room->cols, (double)out[i], expected[i],
                      slack + cuda_epsilon(room->dtype) * fabs(expected[i]));
  free(out);
}

/* ---- channels first ---- */

static void check_nchw(CUmodule module, tsr_dtype dtype, int32_t pixels, int32_t channels,
                       const char *what) {
  int32_t padded = (channels + 7) / 8 * 8, n = IMAGES * pixels;
  float *x = reference_random((size_t)n * (size_t)channels, 91, 2.0f);
  double *expected = calloc((size_t)n * (size_t)padded, sizeof *expected);
  cuda_matrix in = cuda_matrix_upload(x, TSR_DTYPE_F32, 1, (int64_t)n * channels,
                                      (int64_t)n * channels, pixels % 2);
  cuda_matrix out = cuda_matrix_room(dtype, n, padded, padded + 8, 0);
  cuda_round(x, (size_t)n * (size_t)channels, dtype);
  for (int32_t i = 0; i < n * channels; i++) {
    int32_t place = i % pixels, channel = i / pixels % channels, image = i / pixels / channels;
    expected[(image * pixels + place) * padded + channel] = (double)x[i];
  }
  tsr_cuda_nchw_args args = {.x = in.data,
                             .y = out.data,
                             .ldy = out.ld,
                             .n = n,
                             .image_pixels = pixels,
                             .channels = channels,
                             .padded = padded};
  char name[64];
  cuda_launch(module, kernel_name(name, dtype, "from_nchw"), tsr__cuda_nchw_launch(&args), &args);
  check(what, &out, expected, 0);
  cuda_matrix_free(&in);
  cuda_matrix_free(&out);
  free(expected);
  free(x);
}

static void run_nchw(CUmodule module, const char *what) {
  static const int32_t sizes[][2] = {{1, 1}, {35, 3}, {12, 8}, {7, 17}};
  for (size_t d = 0; d < COUNT(dtypes); d++)
    for (size_t i = 0; i < COUNT(sizes); i++)
      check_nchw(module, dtypes[d], sizes[i][0], sizes[i][1], what);
}

Test(cuda_pixels, channels_first) {
  device_for_each_setting(TESSERA_IMAGES "/pixels.fatbin", run_nchw);
}

/* ---- pooling ---- */

static void check_pool(CUmodule module, tsr_dtype dtype, const tsr_conv_shape *s, int average,
                       const char *what) {
  int64_t pixels = IMAGES * s->height * s->width, n = IMAGES * out_pixels(s);
  float *x = reference_random((size_t)(pixels * s->channels), 92, 2.0f);
  double *expected = malloc((size_t)(n * s->channels) * sizeof *expected);
  x[s->channels / 2] = NAN;
  cuda_round(x, (size_t)(pixels * s->channels), dtype);
  tsr_test_pool2d(s, !average, IMAGES, x, expected);
  int64_t pad = s->channels % 8 ? 8 - s->channels % 8 : average;
  cuda_matrix in = cuda_matrix_upload(x, dtype, pixels, s->channels, s->channels + pad, average);
  cuda_matrix out = cuda_matrix_room(dtype, n, s->channels, s->channels + pad, 0);
  tsr_cuda_pool2d_args args = {.x = in.data,
                               .y = out.data,
                               .ldx = in.ld,
                               .ldy = out.ld,
                               .conv = tsr__cuda_conv_of(s),
                               .n = (int32_t)n,
                               .average = average};
  char name[64];
  cuda_launch(module, kernel_name(name, dtype, "pool2d"), tsr__cuda_pool2d_launch(&args), &args);
  /* f32 sums of the window's values, each at most 2. */
  check(what, &out, expected, average ? 0x1p-22 * s->kernel[0] * s->kernel[1] : 0);
  cuda_matrix_free(&in);
  cuda_matrix_free(&out);
  free(expected);
  free(x);
}

static void run_pools(CUmodule module, const char *what) {
  static const tsr_conv_shape shapes[] = {
      {9, 8, 19, {3, 3}, {2, 2}, {1, 1}, {1, 1}}, {7, 7, 64, {7, 7}, {1, 1}, {0, 0}, {1, 1}},
      {5, 6, 3, {2, 2}, {2, 2}, {0, 0}, {1, 1}},  {6, 9, 8, {2, 3}, {1, 2}, {1, 1}, {2, 1}},
      {1, 1, 5, {1, 1}, {1, 1}, {0, 0}, {1, 1}},
  };
  for (size_t d = 0; d < COUNT(dtypes); d++)
    for (size_t i = 0; i < COUNT(shapes); i++)
      for (int average = 0; average < 2; average++)
        check_pool(module, dtypes[d], &shapes[i], average, what);
}

Test(cuda_pixels, pooling) { device_for_each_setting(TESSERA_IMAGES "/pixels.fatbin", run_pools); }

/* ---- convolutions of several groups ---- */

/* Filters over all channels that are zero outside of their group's. */
static float *spread_filters(const tsr_conv_shape *s, const float *w, int64_t filters,
                             int64_t groups) {
  int64_t taps = (int64_t)s->kernel[0] * s->kernel[1], few = s->channels / groups;
  float *all = calloc((size_t)(filters * taps * s->channels), sizeof *all);
  for (int64_t i = 0; i < filters * taps; i++)
    for (int64_t c = 0; c < few; c++)
      all[i * s->channels + i / taps / (filters / groups) * few + c] = w[i * few + c];
  return all;
}

static void check_groups(CUmodule module, tsr_dtype dtype, const tsr_conv_shape *s, int32_t filters,
                         int32_t groups, const char *what) {
  int64_t pixels = IMAGES * s->height * s->width, n = IMAGES * out_pixels(s);
  int64_t k = (int64_t)s->kernel[0] * s->kernel[1] * (s->channels / groups);
  float *x = reference_random((size_t)(pixels * s->channels), 93, 1.0f);
  float *w = reference_random((size_t)(filters * k), 94, 1.0f);
  float *bias = reference_random((size_t)filters, 95, 1.0f);
  double *expected = malloc((size_t)(n * filters) * sizeof *expected);
  cuda_round(x, (size_t)(pixels * s->channels), dtype);
  cuda_round(w, (size_t)(filters * k), dtype);
  float *all = spread_filters(s, w, filters, groups);
  tsr_test_conv(s, all, filters, x, s->channels, IMAGES, expected);
  for (int64_t i = 0; i < n * filters; i++)
    expected[i] = fmax(0, expected[i] + (double)bias[i % filters]);
  cuda_matrix in = cuda_matrix_upload(x, dtype, pixels, s->channels, s->channels + 3, 1);
  cuda_matrix weights = cuda_matrix_upload(w, dtype, filters, k, k, 0);
  cuda_matrix b = cuda_matrix_upload(bias, TSR_DTYPE_F32, 1, filters, filters, 0);
  cuda_matrix out = cuda_matrix_room(dtype, n, filters, filters + 2, 0);
  tsr_cuda_grouped_args args = {.x = in.data,
                                .weights = weights.data,
                                .bias = b.data,
                                .y = out.data,
                                .ldx = in.ld,
                                .ldy = out.ld,
                                .conv = tsr__cuda_conv_of(s),
                                .n = (int32_t)n,
                                .filters = filters,
                                .groups = groups,
                                .activation = TSR_ACTIVATION_RELU};
  char name[64];
  cuda_launch(module, kernel_name(name, dtype, "grouped_conv"), tsr__cuda_grouped_launch(&args),
              &args);
  check(what, &out, expected, (double)((k + 1) * k) * 0x1p-24);
  cuda_matrix_free(&in);
  cuda_matrix_free(&weights);
  cuda_matrix_free(&b);
  cuda_matrix_free(&out);
  free(all);
  free(expected);
  free(bias);
  free(w);
  free(x);
}

static void run_groups(CUmodule module, const char *what) {
  static const struct {
    tsr_conv_shape shape;
    int32_t filters, groups;
  } cases[] = {{{5, 6, 6, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, 4, 2},
               {{7, 4, 12, {3, 2}, {2, 1}, {1, 0}, {1, 2}}, 12, 12},
               {{3, 3, 8, {1, 1}, {1, 1}, {0, 0}, {1, 1}}, 16, 4}};
  for (size_t d = 0; d < COUNT(dtypes); d++)
    for (size_t i = 0; i < COUNT(cases); i++)
      check_groups(module, dtypes[d], &cases[i].shape, cases[i].filters, cases[i].groups, what);
}

Test(cuda_pixels, convolutions_of_several_groups) {
  device_for_each_setting(TESSERA_IMAGES "/pixels.fatbin", run_groups);
}

/* ---- softmax ---- */

static void expect_softmax(const float *x, int32_t width, double *y) {
  double greatest = (double)x[0], sum = 0;
  for (int32_t i = 0; i < width; i++) greatest = fmax(greatest, (double)x[i]);
  for (int32_t i = 0; i < width; i++) sum += exp((double)x[i] - greatest);
  for (int32_t i = 0; i < width; i++) y[i] = exp((double)x[i] - greatest) / sum;
}

static void check_softmax(CUmodule module, tsr_dtype dtype, int32_t width, const char *what) {
  enum { N = 5 };
  const size_t count = (size_t)N * (size_t)width;
  float *x = reference_random(count, 96, 20.0f);
  double *expected = malloc(count * sizeof *expected);
  if (width > 4) x[width + 3] = NAN; /* of the second row */
  cuda_round(x, count, dtype);
  for (int r = 0; r < N; r++) expect_softmax(x + r * width, width, expected + r * width);
  cuda_matrix in = cuda_matrix_upload(x, dtype, N, width, width + width % 3, width % 2);
  cuda_matrix out = cuda_matrix_room(TSR_DTYPE_F32, N, width, width, 0);
  tsr_cuda_softmax_args args = {.x = in.data, .y = out.data, .ldx = in.ld, .n = N, .width = width};
  char name[64];
  cuda_launch(module, kernel_name(name, dtype, "softmax"), tsr__cuda_softmax_launch(&args), &args);
  /* expf within 2 ulp; a sum of `width` numbers in 32 lanes and a tree; one division. */
  check(what, &out, expected, (width / 32.0 + 16) * 0x1p-23);
  cuda_matrix_free(&in);
  cuda_matrix_free(&out);
  free(expected);
  free(x);
}

static void run_softmax(CUmodule module, const char *what) {
  static const int32_t widths[] = {1, 7, 8, 10, 255, 1000, 1100};
  for (size_t d = 0; d < COUNT(dtypes); d++)
    for (size_t i = 0; i < COUNT(widths); i++) check_softmax(module, dtypes[d], widths[i], what);
}

Test(cuda_pixels, softmax) { device_for_each_setting(TESSERA_IMAGES "/rows.fatbin", run_softmax); }
