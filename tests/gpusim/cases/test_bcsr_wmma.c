/* The BCSR 16x16 WMMA kernel, as nvcc compiled it, against the double reference. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/bcsr_args.h"
#include "runtime/base/half.h"
#include "tests/gpusim/cases/device_case.h"
#include "tests/spmm_case.h"

enum { TOKENS = 66, TILE_N = 64 };

typedef struct element {
  const char *kernel;
  tsr_dtype dtype;
  double epsilon; /* of one rounding to it */
} element;

static const element elements[] = {
    {"tsr_f16_bcsr_spmm_16x64x16__sm80", TSR_DTYPE_F16, 0x1p-11},
    {"tsr_bf16_bcsr_spmm_16x64x16__sm80", TSR_DTYPE_BF16, 0x1p-8},
};

static void round_to(float *values, int64_t count, tsr_dtype dtype) {
  uint16_t *rounded = malloc((size_t)count * sizeof *rounded + 1);
  cr_assert(tsr__from_f32(values, dtype, rounded, (uint64_t)count));
  cr_assert(tsr__to_f32(rounded, dtype, values, (uint64_t)count));
  free(rounded);
}

/* A random layer whose weights and inputs the element type holds exactly. */
static spmm_case make_case(random_state *random, const element *e, double density, int64_t m,
                           int64_t k, int64_t pad) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse("block:16x16", &pattern), TSR_OK);
  spmm_case c = spmm_case_create(random, TSR_FORMAT_BCSR, &pattern, density, m, k, TOKENS, pad);
  round_to(c.w, m * k, e->dtype);
  round_to(c.x, (TOKENS - 1) * c.ldx + k, e->dtype);
  spmm_case_refresh(&c, &pattern);
  return c;
}

static CUdeviceptr upload(const float *values, int64_t count, tsr_dtype dtype) {
  uint16_t *encoded = malloc((size_t)count * sizeof *encoded + 1);
  cr_assert(tsr__from_f32(values, dtype, encoded, (uint64_t)count));
  CUdeviceptr address = device_copy(encoded, (size_t)count * sizeof *encoded);
  free(encoded);
  return address;
}

static CUdeviceptr upload_offsets(const int64_t *offsets, int64_t count) {
  int32_t *narrow = malloc((size_t)count * sizeof *narrow);
  for (int64_t i = 0; i < count; i++) narrow[i] = (int32_t)offsets[i];
  CUdeviceptr address = device_copy(narrow, (size_t)count * sizeof *narrow);
  free(narrow);
  return address;
}

/* Each of k products is exact; a sum of k of them loses at most an ulp of k a term to
 * truncation (2^-23 k each), and C is rounded once to its type. */
static void check_output(const spmm_case *c, const element *e, const uint16_t *out, int64_t ldc,
                         int64_t tokens, const char *what) {
  for (int64_t t = 0; t < tokens; t++)
    for (int64_t r = 0; r < ldc; r++) {
      if (r >= c->m) {
        cr_assert_eq(out[t * ldc + r], 0xabab, "%s: token %d: wrote beyond row %d", what, (int)t,
                     (int)c->m);
        continue;
      }
      float actual;
      cr_assert(tsr__to_f32(&out[t * ldc + r], e->dtype, &actual, 1));
      double expected = c->sums[t * c->m + r], k = (double)c->k;
      int same = isnan(expected) ? isnan(actual)
                                 : (double)actual == expected ||
                                       fabs((double)actual - expected) <=
                                           k * k * 0x1p-23 + e->epsilon * fabs(expected);
      cr_assert(same, "%s: %s: m %d, k %d, n %d: token %d, row %d: %g, not %g", what, e->kernel,
                (int)c->m, (int)c->k, (int)tokens, (int)t, (int)r, (double)actual, expected);
    }
}

static void check_case(CUmodule module, const element *e, const spmm_case *c, int64_t tokens,
                       int64_t pad, const char *what) {
  if (c->m == 0 || tokens == 0) return; /* nothing to launch: a grid has at least one CTA */
  const tsr_packed *p = &c->packed;
  int64_t block_rows = (c->m + 15) / 16, ldc = c->m + pad;
  size_t out_bytes = (size_t)(tokens * ldc) * sizeof(uint16_t);
  uint16_t *out = malloc(out_bytes);
  memset(out, 0xab, out_bytes);
  tsr_cuda_bcsr_args args = {
      .ldb = c->ldx, .ldc = ldc, .m = (int32_t)c->m, .k = (int32_t)c->k, .n = (int32_t)tokens};
  CUdeviceptr values = upload(p->values, p->stored, e->dtype);
  CUdeviceptr offsets = upload_offsets(p->row_offsets, block_rows + 1);
  CUdeviceptr columns = device_copy(p->col_indices, (size_t)p->stored / 256 * sizeof(int32_t));
  CUdeviceptr b = upload(c->x, c->k ? (tokens - 1) * c->ldx + c->k : 0, e->dtype);
  CUdeviceptr output = device_copy(out, out_bytes);
  memcpy(&args.values, &values, sizeof values);
  memcpy(&args.row_offsets, &offsets, sizeof offsets);
  memcpy(&args.col_indices, &columns, sizeof columns);
  memcpy(&args.b, &b, sizeof b);
  memcpy(&args.c, &output, sizeof output);
  void *parameters[] = {&args};
  device_run(device_function(module, e->kernel),
             (device_grid){.x = (unsigned)block_rows,
                           .y = (unsigned)((tokens + TILE_N - 1) / TILE_N),
                           .threads_x = 128},
             parameters);
  device_read(out, output, out_bytes);
  check_output(c, e, out, ldc, tokens, what);
  free(out);
  device_free(values);
  device_free(offsets);
  device_free(columns);
  device_free(b);
  device_free(output);
}

static void run_sizes(CUmodule module, const char *what) {
  static const int64_t ms[] = {0, 1, 15, 16, 17, 35}, ks[] = {0, 1, 15, 16, 17, 35};
  static const int64_t ns[] = {0, 1, 15, 16, 17, TILE_N - 1, TILE_N, TILE_N + 1};
  random_state random = random_seed(11);
  int count = 0;
  for (size_t e = 0; e < 2; e++)
    for (size_t i = 0; i < sizeof ms / sizeof ms[0]; i++)
      for (size_t j = 0; j < sizeof ks / sizeof ks[0]; j++, count++) {
        int64_t pad = count % 3;
        spmm_case c = make_case(&random, &elements[e], 0.5, ms[i], ks[j], pad);
        check_case(module, &elements[e], &c, ns[count % 8], pad, what);
        check_case(module, &elements[e], &c, ns[(count + 3) % 8], pad, what);
        spmm_case_destroy(&c);
      }
}

Test(bcsr_wmma, sizes) { device_for_each_setting(TESSERA_BCSR_WMMA_PTX, run_sizes); }

static void run_densities(CUmodule module, const char *what) {
  static const double densities[] = {0.0, 0.1, 0.5, 1.0};
  random_state random = random_seed(12);
  for (size_t e = 0; e < 2; e++)
    for (size_t d = 0; d < 4; d++) {
      spmm_case c = make_case(&random, &elements[e], densities[d], 100, 131, 5);
      check_case(module, &elements[e], &c, TOKENS, 3, what);
      spmm_case_destroy(&c);
    }
}

Test(bcsr_wmma, densities) { device_for_each_setting(TESSERA_BCSR_WMMA_PTX, run_densities); }

/* Every output that a NaN or an infinity enters, and no other, shows it. */
static void run_special_values(CUmodule module, const char *what) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse("block:16x16", &pattern), TSR_OK);
  random_state random = random_seed(13);
  for (size_t e = 0; e < 2; e++) {
    spmm_case c = make_case(&random, &elements[e], 0.5, 48, 64, 1);
    c.x[2 * c.ldx + 5] = NAN;
    c.x[3 * c.ldx + 20] = INFINITY;
    c.x[4 * c.ldx + 40] = -INFINITY;
    spmm_case_refresh(&c, &pattern);
    check_case(module, &elements[e], &c, 17, 0, what);
    spmm_case_destroy(&c);
  }
}

Test(bcsr_wmma, special_values) {
  device_for_each_setting(TESSERA_BCSR_WMMA_PTX, run_special_values);
}
