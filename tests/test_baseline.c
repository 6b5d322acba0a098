#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/baseline/baseline.h"
#include "tessera/tessera.h"

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
  tsr__product product = {m, k, n, threads, w, x, y, NULL};
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
  tsr__product good = {1, 1, 1, 1, &one, &one, &one, NULL}, bad;
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
