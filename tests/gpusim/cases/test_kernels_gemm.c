/* kernels/gemm.cu and the pipelined GEMM of kernels/pipeline.cu against a loop in double.
 *
 * Operands are multiples of 1/64 below 1, so products and sums of up to 128 of them are exact in
 * f32 by any order and rounding; only f16 accumulators round. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "runtime/base/half.h"
#include "tests/gpusim/cases/device_case.h"

typedef struct gemm {
  int m, n, k;
  float *a, *b;     /* [m, k], [n, k] */
  double *expected; /* [n, m] */
} gemm;

static gemm gemm_create(int m, int n, int k) {
  gemm g = {.m = m, .n = n, .k = k};
  g.a = malloc((size_t)(m * k) * sizeof(float));
  g.b = malloc((size_t)(n * k) * sizeof(float));
  g.expected = calloc((size_t)(m * n), sizeof(double));
  random_steps(8, g.a, (size_t)(m * k));
  random_steps(9, g.b, (size_t)(n * k));
  for (int t = 0; t < n; t++)
    for (int r = 0; r < m; r++)
      for (int i = 0; i < k; i++)
        g.expected[t * m + r] += (double)g.a[r * k + i] * (double)g.b[t * k + i];
  return g;
}

static void gemm_destroy(gemm *g) {
  free(g->a);
  free(g->b);
  free(g->expected);
}

/* Elements of `dtype` on the device; I8 is 64 times the value. */
static CUdeviceptr upload(const float *values, int count, tsr_dtype dtype) {
  uint8_t *encoded = malloc((size_t)count * 4);
  size_t bytes = (size_t)count;
  if (dtype == TSR_DTYPE_I8) {
    for (int i = 0; i < count; i++) encoded[i] = (uint8_t)(int8_t)(values[i] * 64);
  } else {
    bytes *= dtype == TSR_DTYPE_F32 ? 4 : 2;
    cr_assert(tsr__from_f32(values, dtype, encoded, (uint64_t)count));
  }
  CUdeviceptr address = device_copy(encoded, bytes);
  free(encoded);
  return address;
}

typedef enum sum_type { SUM_F32, SUM_F16, SUM_S32 } sum_type;

static double sum_at(const void *sums, int i, sum_type type) {
  if (type == SUM_F16) return (double)tsr__f16_to_f32(((const uint16_t *)sums)[i]);
  return type == SUM_S32 ? ((const int *)sums)[i] / 4096.0 : (double)((const float *)sums)[i];
}

/* times: what the epilogue multiplies by. An f16 accumulator rounds once for every 16 of k, by half
 * an ulp of a sum below k: 2^-11 k. */
static void check_gemm(CUfunction function, gemm *g, device_grid grid, tsr_dtype dtype,
                       sum_type type, double times, const char *what) {
  CUdeviceptr a = upload(g->a, g->m * g->k, dtype), b = upload(g->b, g->n * g->k, dtype);
  CUdeviceptr c = device_room((size_t)(g->m * g->n) * 4);
  void *args[] = {&a, &b, &g->m, &g->n, &g->k, &c};
  device_run(function, grid, args);
  void *sums = malloc((size_t)(g->m * g->n) * 4);
  device_read(sums, c, (size_t)(g->m * g->n) * (type == SUM_F16 ? 2 : 4));
  double tolerance = type == SUM_F16 ? times * (g->k / 16.0) * 0x1p-11 * g->k : 0;
  for (int i = 0; i < g->m * g->n; i++) {
    double actual = sum_at(sums, i, type), expected = g->expected[i] * times;
    cr_assert(fabs(actual - expected) <= tolerance, "%s: %dx%dx%d: token %d, row %d: %g, not %g",
              what, g->m, g->n, g->k, i / g->m, i % g->m, actual, expected);
  }
  free(sums);
  device_free(a);
  device_free(b);
  device_free(c);
}

static unsigned tiles(int size, int tile) { return (unsigned)((size + tile - 1) / tile); }

static void run_f32(CUmodule module, const char *what) {
  static const int sizes[][3] = {{1, 1, 1}, {16, 16, 16}, {17, 15, 33}, {40, 20, 50}};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    gemm g = gemm_create(sizes[s][0], sizes[s][1], sizes[s][2]);
    device_grid grid = {.x = tiles(g.m, 16), .y = tiles(g.n, 16), .threads_x = 16, .threads_y = 16};
    check_gemm(device_function(module, "gemm_f32"), &g, grid, TSR_DTYPE_F32, SUM_F32, 1, what);
    gemm_destroy(&g);
  }
}

Test(kernels_gemm, f32) { device_for_each_build("gemm", run_f32); }

static void run_wmma(CUmodule module, const char *what) {
  static const struct {
    const char *name;
    tsr_dtype dtype;
    sum_type type;
  } rows[] = {{"gemm_wmma_f16", TSR_DTYPE_F16, SUM_F32},
              {"gemm_wmma_f16_f16", TSR_DTYPE_F16, SUM_F16},
              {"gemm_wmma_bf16", TSR_DTYPE_BF16, SUM_F32},
              {"gemm_wmma_s8", TSR_DTYPE_I8, SUM_S32}};
  gemm g = gemm_create(32, 48, 64);
  device_grid grid = {.x = tiles(g.m, 16), .y = tiles(g.n, 16), .threads_x = 32};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    check_gemm(device_function(module, rows[i].name), &g, grid, rows[i].dtype, rows[i].type, 2,
               what);
  gemm_destroy(&g);
}

Test(kernels_gemm, wmma) { device_for_each_build("gemm", run_wmma); }

static void run_pipelined(CUmodule module, const char *what) {
  static const int sizes[][3] = {{1, 1, 8}, {64, 64, 32}, {65, 63, 40}, {128, 70, 128}};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    gemm g = gemm_create(sizes[s][0], sizes[s][1], sizes[s][2]);
    device_grid grid = {.x = tiles(g.m, 64),
                        .y = tiles(g.n, 64),
                        .threads_x = 128,
                        .shared_bytes = 3 * 2 * 64 * 32 * 2};
    check_gemm(device_function(module, "gemm_pipelined"), &g, grid, TSR_DTYPE_F16, SUM_F32, 1,
               what);
    gemm_destroy(&g);
  }
}

Test(kernels_gemm, pipelined) { device_for_each_build("pipeline", run_pipelined); }

static void run_producer_consumer(CUmodule module, const char *what) {
  enum { ROUNDS = 9 };
  int values[ROUNDS][32], totals[32], rounds = ROUNDS;
  for (int i = 0; i < ROUNDS * 32; i++) values[i / 32][i % 32] = i * i % 1000 - 300;
  CUdeviceptr in = device_copy(values, sizeof values), out = device_room(sizeof totals);
  void *args[] = {&in, &rounds, &out};
  device_run(device_function(module, "producer_consumer"), (device_grid){.x = 1, .threads_x = 64},
             args);
  device_read(totals, out, sizeof totals);
  for (int lane = 0; lane < 32; lane++) {
    int expected = 0;
    for (int i = 0; i < ROUNDS; i++) expected += values[i][lane] * (i + 1);
    cr_assert_eq(totals[lane], expected, "%s: lane %d: %d", what, lane, totals[lane]);
  }
  device_free(in);
  device_free(out);
}

Test(kernels_gemm, producer_consumer) { device_for_each_build("pipeline", run_producer_consumer); }
