#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/baseline/baseline.h"
#include "tessera/tessera.h"
#include "tests/conv_reference.h"

static void fill(float *values, size_t count, unsigned seed) {
  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (float)(int)(seed >> 16) / 32768.0f - 1.0f;
  }
}

/* Every element against a dot product in double. */
static void check_product(const tsr__baseline *baseline, int64_t m, int64_t k, int64_t n,
                          int32_t threads) {
  size_t w_count = (size_t)(m * k), x_count = (size_t)(n * k), y_count = (size_t)(n * m);
  float *w = malloc(w_count * sizeof *w), *x = malloc(x_count * sizeof *x);
  float *y = malloc(y_count * sizeof *y);
  cr_assert(w && x && y);
  fill(w, w_count, 1);
  fill(x, x_count, 2);
  fill(y, y_count, 3);
  tsr__product product = {.m = m, .k = k, .n = n, .threads = threads, .weights = w, .x = x, .y = y};
  void *state;
  cr_assert_eq(baseline->create(&product, &state), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(baseline->run(state), TSR_OK, "%s", tsr_last_error());
  for (int64_t t = 0; t < n; t++)
    for (int64_t r = 0; r < m; r++) {
      double sum = 0;
      for (int64_t c = 0; c < k; c++) sum += (double)w[r * k + c] * (double)x[t * k + c];
      double bound = 1e-6 * (double)(k + 1);
      cr_assert_float_eq((double)y[t * m + r], sum, bound, "%s: row %d of token %d", baseline->key,
                         (int)r, (int)t);
    }
  tsr__range weights = baseline->weights(state);
  cr_assert_not_null(weights.data);
  cr_assert_geq(weights.bytes, w_count * sizeof *w);
  baseline->destroy(state);
  free(w);
  free(x);
  free(y);
}

/* y = relu(W x + bias + y) of every shape, against the naive convolution. */
static void check_conv(const tsr__baseline *baseline, const tsr_conv_shape *s, int64_t m,
                       int64_t images, int relu, int sum) {
  int64_t k = (int64_t)s->kernel[0] * s->kernel[1] * s->channels;
  int64_t n = images * tsr_test_conv_positions(s, 0) * tsr_test_conv_positions(s, 1);
  size_t x_count = (size_t)(images * s->height * s->width * s->channels);
  size_t w_count = (size_t)(m * k), y_count = (size_t)(n * m);
  float *w = malloc(w_count * sizeof *w), *x = malloc(x_count * sizeof *x);
  float *y = malloc(y_count * sizeof *y), *before = malloc(y_count * sizeof *y);
  float *bias = malloc((size_t)m * sizeof *bias);
  double *sums = malloc(y_count * sizeof *sums);
  fill(w, w_count, 1);
  fill(x, x_count, 2);
  fill(y, y_count, 3);
  fill(bias, (size_t)m, 4);
  memcpy(before, y, y_count * sizeof *y);
  tsr_test_conv(s, w, m, x, s->channels, images, sums);
  tsr__conv_product conv = {.shape = *s, .images = images, .bias = bias, .relu = relu, .sum = sum};
  tsr__product product = {
      .m = m, .k = k, .n = n, .threads = 1, .weights = w, .x = x, .y = y, .conv = &conv};
  void *state;
  cr_assert_eq(baseline->create(&product, &state), TSR_OK, "%s", tsr_last_error());
  for (size_t i = 0; i < y_count; i++) {
    double expected = sums[i] + (double)bias[i % (size_t)m] + (sum ? (double)before[i] : 0);
    if (relu) expected = fmax(expected, 0);
    cr_assert_float_eq((double)y[i], expected, 1e-6 * (double)(k + 1), "%s: %d", baseline->key,
                       (int)i);
  }
  cr_assert_eq(baseline->run(state), TSR_OK, "%s", tsr_last_error());
  cr_assert_geq(baseline->weights(state).bytes, w_count * sizeof *w);
  baseline->destroy(state);
  free(w);
  free(x);
  free(y);
  free(before);
  free(bias);
  free(sums);
}

static void check_convs(const tsr__baseline *baseline) {
  static const tsr_conv_shape shapes[] = {{9, 7, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
                                          {14, 14, 3, {7, 7}, {2, 2}, {3, 3}, {1, 1}},
                                          {8, 8, 32, {1, 1}, {2, 2}, {0, 0}, {1, 1}},
                                          {5, 6, 20, {1, 1}, {1, 1}, {0, 0}, {1, 1}},
                                          {9, 9, 8, {3, 3}, {1, 2}, {2, 2}, {2, 1}}};
  const char *version;
  if (baseline->open(&version) != TSR_OK) cr_skip_test("%s", tsr_last_error());
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
    check_conv(baseline, &shapes[i], i % 2 ? 24 : 17, 1 + (int64_t)i % 2, i != 1, i > 1);
}

Test(baseline, convolutions_of_onednn) { check_convs(&tsr__baseline_onednn); }
Test(baseline, convolutions_of_tessera_dense) { check_convs(&tsr__baseline_dense); }

static void check_baseline(const tsr__baseline *baseline) {
  const char *version;
  if (baseline->open(&version) != TSR_OK) {
    cr_assert_gt(strlen(tsr_last_error()), 10);
    cr_skip_test("%s", tsr_last_error());
  }
  check_product(baseline, 48, 32, 16, 1);
  check_product(baseline, 17, 31, 5, 1);
  check_product(baseline, 1, 1, 1, 1);
  check_product(baseline, 64, 96, 37, 2);

  float one = 1;
  tsr__product good = {.m = 1, .k = 1, .n = 1, .threads = 1, .weights = &one, .x = &one, .y = &one};
  tsr__product bad;
  void *state;
  cr_assert_eq(baseline->create(NULL, &state), TSR_INVALID_ARGUMENT);
  cr_assert_eq(baseline->create(&good, NULL), TSR_INVALID_ARGUMENT);
  bad = good, bad.m = 0;
  cr_assert_eq(baseline->create(&bad, &state), TSR_INVALID_ARGUMENT);
  bad = good, bad.threads = 0;
  cr_assert_eq(baseline->create(&bad, &state), TSR_INVALID_ARGUMENT);
  bad = good, bad.weights = NULL;
  cr_assert_eq(baseline->create(&bad, &state), TSR_INVALID_ARGUMENT);
  baseline->destroy(NULL);
}

Test(baseline, onednn_matmul_computes_the_product) { check_baseline(&tsr__baseline_onednn); }

Test(baseline, sgemm_computes_the_product) { check_baseline(&tsr__baseline_sgemm); }

Test(baseline, tessera_dense_computes_the_product) { check_baseline(&tsr__baseline_dense); }

Test(baseline, found_by_name) {
  const tsr__baseline *baseline;
  cr_assert_eq(tsr__baseline_find("onednn", &baseline), TSR_OK);
  cr_assert_eq(baseline, &tsr__baseline_onednn);
  cr_assert_eq(tsr__baseline_find("sgemm", &baseline), TSR_OK);
  cr_assert_eq(baseline, &tsr__baseline_sgemm);
  cr_assert_eq(tsr__baseline_find("none", &baseline), TSR_OK);
  cr_assert_null(baseline);
  cr_assert_eq(tsr__baseline_find("mkl", &baseline), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "mkl") && strstr(tsr_last_error(), "cublaslt, "));
  cr_assert_eq(tsr__baseline_find(NULL, &baseline), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__baseline_find("none", NULL), TSR_INVALID_ARGUMENT);
}

/* The real libraries, where they are installed: every function is found, and they tell a version.
 */
Test(baseline, libraries_of_the_gpu_open_or_say_why) {
  const tsr__baseline *baseline;
  size_t seen = 0;
  for (size_t b = 0; (baseline = tsr__baseline_at(b)); b++) {
    const tsr__baseline *found;
    const char *version = NULL;
    cr_assert_eq(tsr__baseline_find(baseline->key, &found), TSR_OK);
    cr_assert_eq(found, baseline);
    if (baseline->backend != TSR_BACKEND_CUDA) continue;
    tsr_status status = baseline->open(&version);
    cr_assert(status == TSR_OK || status == TSR_NOT_FOUND, "%s", tsr_last_error());
    cr_assert_gt(strlen(status == TSR_OK ? version : tsr_last_error()), 4);
    seen++;
  }
  cr_assert_gt(seen, 2);
}
