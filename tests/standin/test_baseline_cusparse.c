/* The cuSPARSE baselines against a stand-in for the library, and the stand-in against its rules. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/baseline/cusparse_api.h"
#include "runtime/base/half.h"
#include "tessera/tessera.h"
#include "tests/cuda/cuda_matrix.h"
#include "tests/random.h"
#include "tests/standin/gpu_product.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define VARIABLE "TESSERA_CUSPARSE"

static const tsr_dtype dtypes[] = {TSR_DTYPE_F16, TSR_DTYPE_BF16};

/* Keeps about that share of the blocks. */
static void keep_blocks(gpu_product *p, int32_t block, double share) {
  random_state random = random_seed(7);
  int64_t k = p->product.k;
  for (int64_t r = 0; r < p->product.m; r += block)
    for (int64_t c = 0; c < k; c += block) {
      if (random_unit(&random) < share) continue;
      for (int64_t i = 0; i < (int64_t)block * block; i++)
        p->weights[(r + i / block) * k + c + i % block] = 0;
    }
}

static void check(const tsr__baseline *baseline, int64_t m, int64_t k, int64_t n, int32_t block,
                  double share) {
  for (size_t d = 0; d < COUNT(dtypes); d++) {
    gpu_product p;
    gpu_product_create(&p, m, k, n, dtypes[d]);
    keep_blocks(&p, block, share);
    if (baseline != &tsr__baseline_cusparse_csr) p.gpu.block = block;
    gpu_product_expect(&p, baseline);
    gpu_product_destroy(&p);
  }
  cr_assert_eq(standin_live_in(VARIABLE), 0);
}

Test(cusparse, csr_equals_the_reference, .init = gpu_product_context) {
  const tsr__baseline *csr = &tsr__baseline_cusparse_csr;
  check(csr, 33, 47, 5, 1, 0.2);
  check(csr, 64, 64, 16, 1, 0.5);
  check(csr, 1, 1, 1, 1, 1);
  check(csr, 7, 130, 9, 1, 1);
  check(csr, 8, 8, 3, 1, 0);
}

Test(cusparse, bsr_equals_the_reference, .init = gpu_product_context) {
  const tsr__baseline *bsr = &tsr__baseline_cusparse_bsr;
  check(bsr, 64, 96, 5, 16, 0.4);
  check(bsr, 32, 32, 1, 32, 1);
  check(bsr, 14, 35, 11, 7, 0.5);
  check(bsr, 16, 16, 4, 8, 0);
}

Test(cusparse, blocked_ell_equals_the_reference, .init = gpu_product_context) {
  const tsr__baseline *ell = &tsr__baseline_cusparse_ell;
  check(ell, 64, 96, 5, 16, 0.4);
  check(ell, 32, 32, 1, 32, 1);
  check(ell, 14, 35, 11, 7, 0.5);
  check(ell, 16, 16, 4, 8, 0);
}

Test(cusparse, takes_a_stream, .init = gpu_product_context) {
  gpu_product p;
  CUstream stream;
  cr_assert_eq(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
  gpu_product_create(&p, 16, 24, 8, TSR_DTYPE_F16);
  p.gpu.stream = stream;
  gpu_product_expect(&p, &tsr__baseline_cusparse_csr);
  gpu_product_destroy(&p);
  cr_assert_eq(cuStreamDestroy(stream), CUDA_SUCCESS);
}

/* ---- failures ---- */

static void expect_failures(const tsr__baseline *baseline, const char *const *functions,
                            size_t count) {
  gpu_product p;
  const char *version;
  gpu_product_create(&p, 32, 32, 8, TSR_DTYPE_F16);
  p.gpu.block = 16;
  cr_assert_eq(baseline->open(&version), TSR_OK, "%s", tsr_last_error());
  for (size_t f = 0; f < count; f++)
    gpu_product_expect_failure(&p, baseline, VARIABLE, functions[f], CUSPARSE_STATUS_INTERNAL_ERROR,
                               "CUSPARSE_STATUS_INTERNAL_ERROR");
  gpu_product_destroy(&p);
}

Test(cusparse, errors_name_the_call_and_the_status, .init = gpu_product_context) {
  static const char *const everywhere[] = {
      "cusparseCreate",      "cusparseSetStream",       "cusparseCreateConstDnMat",
      "cusparseCreateDnMat", "cusparseSpMM_bufferSize", "cusparseSpMM_preprocess",
      "cusparseSpMM"};
  static const char *const csr[] = {"cusparseCreateConstCsr"},
                           *const bsr[] = {"cusparseCreateConstBsr"},
                           *const ell[] = {"cusparseCreateConstBlockedEll"};
  expect_failures(&tsr__baseline_cusparse_csr, everywhere, COUNT(everywhere));
  expect_failures(&tsr__baseline_cusparse_csr, csr, 1);
  expect_failures(&tsr__baseline_cusparse_bsr, bsr, 1);
  expect_failures(&tsr__baseline_cusparse_ell, ell, 1);
}

Test(cusparse, the_version_may_be_refused) {
  const char *version;
  setenv("STANDIN_FAIL", "cusparseGetProperty:7", 1);
  cr_assert_eq(tsr__baseline_cusparse_csr.open(&version), TSR_DEVICE);
  cr_assert(strstr(tsr_last_error(), "cusparseGetProperty: CUSPARSE_STATUS_INTERNAL_ERROR"), "%s",
            tsr_last_error());
  unsetenv("STANDIN_FAIL");
  cr_assert_eq(tsr__baseline_cusparse_csr.open(&version), TSR_OK);
  cr_assert_gt(strlen(version), 4);
}

Test(cusparse, an_algorithm_that_is_not_supported_is_passed_over, .init = gpu_product_context) {
  gpu_product p;
  void *state;
  gpu_product_create(&p, 32, 32, 8, TSR_DTYPE_F16);
  p.gpu.block = 16;
  setenv("STANDIN_FAIL", "cusparseSpMM_bufferSize:10", 1);
  cr_assert_eq(tsr__baseline_cusparse_bsr.create(&p.product, &state), TSR_UNSUPPORTED);
  cr_assert(strstr(tsr_last_error(), "CUSPARSE_STATUS_NOT_SUPPORTED"), "%s", tsr_last_error());
  cr_assert_eq(tsr__baseline_cusparse_csr.create(&p.product, &state), TSR_UNSUPPORTED);
  cr_assert_eq(standin_live_in(VARIABLE), 0);
  gpu_product_destroy(&p);
}

Test(cusparse, refuses_what_it_cannot_do, .init = gpu_product_context) {
  gpu_product p;
  void *state;
  gpu_product_expect_refusals(&tsr__baseline_cusparse_csr);
  gpu_product_expect_refusals(&tsr__baseline_cusparse_bsr);
  gpu_product_expect_refusals(&tsr__baseline_cusparse_ell);
  gpu_product_create(&p, 32, 40, 8, TSR_DTYPE_F16);
  p.gpu.block = 16;
  cr_assert_eq(tsr__baseline_cusparse_bsr.create(&p.product, &state), TSR_UNSUPPORTED_SHAPE);
  cr_assert(strstr(tsr_last_error(), "32 x 40"), "%s", tsr_last_error());
  cr_assert_eq(tsr__baseline_cusparse_ell.create(&p.product, &state), TSR_UNSUPPORTED_SHAPE);
  p.gpu.block = 0;
  cr_assert_eq(tsr__baseline_cusparse_bsr.create(&p.product, &state), TSR_UNSUPPORTED);
  p.gpu.bias = p.bias;
  cr_assert_eq(tsr__baseline_cusparse_csr.create(&p.product, &state), TSR_UNSUPPORTED);
  p.gpu.bias = NULL, p.gpu.activation = TSR_ACTIVATION_RELU;
  cr_assert_eq(tsr__baseline_cusparse_csr.create(&p.product, &state), TSR_UNSUPPORTED);
  gpu_product_destroy(&p);
}

Test(cusparse, is_absent_without_the_library) {
  gpu_product_expect_absent(&tsr__baseline_cusparse_csr, VARIABLE, "cusparseGetProperty");
}

/* ---- the stand-in itself ---- */

static tsr__cusparse_api cs;

/* C[4, 2] = A[4, 6] B[6, 2] with A in each format, half precision. */
typedef struct call {
  cusparseHandle_t handle;
  cusparseConstSpMatDescr_t csr, bsr, ell;
  cusparseConstDnMatDescr_t b;
  cusparseDnMatDescr_t c;
  CUdeviceptr offsets, columns, values, b_memory, c_memory, buffer;
} call;

/* The example of NVIDIA's documentation of Blocked-ELL: 4 x 6 in blocks of 2, 4 columns kept. */
static const int32_t ell_columns[] = {1, -1, 0, 2};
static const float ell_values[] = {1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12};

static CUdeviceptr halves(const float *values, size_t count) {
  uint16_t raw[64];
  cr_assert(tsr__from_f32(values, TSR_DTYPE_F16, raw, count));
  return device_copy(raw, count * sizeof *raw);
}

static void prepare(call *c) {
  static const int32_t offsets[] = {0, 1, 3, 3, 3};
  static const float b[] = {1, 2, 3, 4, 5, 6, 1, 1, 1, 1, 1, 1};
  void *symbol;
  gpu_product_context();
#define LOAD(type, name, parameters)        \
  symbol = standin_symbol(VARIABLE, #name); \
  memcpy(&cs.name, &symbol, sizeof symbol);
  TSR__CUSPARSE_MAP(LOAD)
#undef LOAD
  c->offsets = device_copy(offsets, sizeof offsets);
  c->columns = device_copy(ell_columns, sizeof ell_columns);
  c->values = halves(ell_values, 16);
  c->b_memory = halves(b, 12);
  c->c_memory = halves(b, 8);
  c->buffer = device_room(4096);
  cr_assert_eq(cs.cusparseCreate(&c->handle), 0);
  cr_assert_eq(cs.cusparseCreateConstBlockedEll(&c->ell, 4, 6, 2, 4, device_pointer(c->columns),
                                                device_pointer(c->values), CUSPARSE_INDEX_32I,
                                                CUSPARSE_INDEX_BASE_ZERO, CUDA_R_16F),
               0);
  cr_assert_eq(cs.cusparseCreateConstDnMat(&c->b, 6, 2, 6, device_pointer(c->b_memory), CUDA_R_16F,
                                           CUSPARSE_ORDER_COL),
               0);
  cr_assert_eq(cs.cusparseCreateDnMat(&c->c, 4, 2, 4, device_pointer(c->c_memory), CUDA_R_16F,
                                      CUSPARSE_ORDER_COL),
               0);
}

static cusparseStatus_t size_of(const call *c, cusparseConstSpMatDescr_t a,
                                cusparseSpMMAlg_t algorithm) {
  static const float one = 1, zero = 0;
  size_t bytes;
  return cs.cusparseSpMM_bufferSize(c->handle, CUSPARSE_OPERATION_NON_TRANSPOSE,
                                    CUSPARSE_OPERATION_NON_TRANSPOSE, &one, a, c->b, &zero, c->c,
                                    CUDA_R_32F, algorithm, &bytes);
}

static cusparseStatus_t multiply(const call *c, cusparseConstSpMatDescr_t a,
                                 cusparseSpMMAlg_t algorithm, CUdeviceptr buffer) {
  static const float one = 1, zero = 0;
  return cs.cusparseSpMM(c->handle, CUSPARSE_OPERATION_NON_TRANSPOSE,
                         CUSPARSE_OPERATION_NON_TRANSPOSE, &one, a, c->b, &zero, c->c, CUDA_R_32F,
                         algorithm, device_pointer(buffer));
}

#define REJECTED(status, expression) STANDIN_REJECTS(VARIABLE, status, expression)
#define INVALID CUSPARSE_STATUS_INVALID_VALUE
#define UNSUPPORTED CUSPARSE_STATUS_NOT_SUPPORTED

Test(cusparse_standin, computes_the_documented_example) {
  /* Rows of the dense matrix: 0 0 1 2 0 0; 0 0 3 4 0 0; 5 6 0 0 7 8; 9 10 0 0 11 12. */
  static const float expected[] = {11, 25, 5 + 12 + 35 + 48, 9 + 20 + 55 + 72, 3, 7, 26, 42};
  call c = {0};
  uint16_t raw[8];
  float got[8];
  prepare(&c);
  cr_assert_eq(size_of(&c, c.ell, CUSPARSE_SPMM_BLOCKED_ELL_ALG1), 0);
  cr_assert_eq(multiply(&c, c.ell, CUSPARSE_SPMM_BLOCKED_ELL_ALG1, c.buffer), 0);
  device_read(raw, c.c_memory, sizeof raw);
  cr_assert(tsr__to_f32(raw, TSR_DTYPE_F16, got, 8));
  for (int i = 0; i < 8; i++) cr_assert_eq(got[i], expected[i], "%d: %g", i, (double)got[i]);
}

Test(cusparse_standin, rejects_wrong_descriptors) {
  call c = {0};
  cusparseConstSpMatDescr_t a;
  cusparseConstDnMatDescr_t d;
  prepare(&c);
#define BSR(rows, cols, type)                                                          \
  cs.cusparseCreateConstBsr(&a, 2, 3, 4, rows, cols, device_pointer(c.offsets),        \
                            device_pointer(c.columns), device_pointer(c.values), type, \
                            CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO, CUDA_R_16F,  \
                            CUSPARSE_ORDER_ROW)
  REJECTED(INVALID, BSR(2, 4, CUSPARSE_INDEX_32I));
  REJECTED(INVALID, BSR(1, 1, CUSPARSE_INDEX_32I));
  REJECTED(UNSUPPORTED, BSR(2, 2, CUSPARSE_INDEX_64I));
#define ELL(rows, block, kept)                                                          \
  cs.cusparseCreateConstBlockedEll(&a, rows, 6, block, kept, device_pointer(c.columns), \
                                   device_pointer(c.values), CUSPARSE_INDEX_32I,        \
                                   CUSPARSE_INDEX_BASE_ZERO, CUDA_R_16F)
  REJECTED(INVALID, ELL(5, 2, 4));
  REJECTED(INVALID, ELL(4, 2, 3));
  REJECTED(INVALID, ELL(4, 2, 8));
  REJECTED(INVALID,
           cs.cusparseCreateConstCsr(&a, 4, 6, 3, NULL, device_pointer(c.columns),
                                     device_pointer(c.values), CUSPARSE_INDEX_32I,
                                     CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO, CUDA_R_16F));
  REJECTED(INVALID, cs.cusparseCreateConstDnMat(&d, 6, 2, 5, device_pointer(c.b_memory), CUDA_R_16F,
                                                CUSPARSE_ORDER_COL));
  REJECTED(INVALID, cs.cusparseCreateConstDnMat(&d, 6, 2, 6, device_pointer(c.b_memory + 1),
                                                CUDA_R_16F, CUSPARSE_ORDER_COL));
  REJECTED(INVALID, cs.cusparseDestroySpMat((cusparseConstSpMatDescr_t)c.b));
  cr_assert_eq(cs.cusparseDestroyDnMat(c.b), 0);
  REJECTED(INVALID, cs.cusparseDestroyDnMat(c.b));
}

Test(cusparse_standin, rejects_wrong_calls) {
  call c = {0};
  cusparseSpMMAlg_t alg = CUSPARSE_SPMM_BLOCKED_ELL_ALG1;
  prepare(&c);
  /* Before the size was asked for, without a buffer, with too short a one. */
  REJECTED(INVALID, multiply(&c, c.ell, alg, c.buffer));
  cr_assert_eq(size_of(&c, c.ell, alg), 0);
  REJECTED(INVALID, multiply(&c, c.ell, alg, 0));
  REJECTED(INVALID, multiply(&c, c.ell, alg, c.buffer + 4096 - 64));
  REJECTED(UNSUPPORTED, size_of(&c, c.ell, CUSPARSE_SPMM_CSR_ALG1));
  /* Blocks by columns. */
  cr_assert_eq(cs.cusparseCreateConstBsr(&c.bsr, 2, 3, 3, 2, 2, device_pointer(c.offsets),
                                         device_pointer(c.columns), device_pointer(c.values),
                                         CUSPARSE_INDEX_32I, CUSPARSE_INDEX_32I,
                                         CUSPARSE_INDEX_BASE_ZERO, CUDA_R_16F, CUSPARSE_ORDER_COL),
               0);
  REJECTED(UNSUPPORTED, size_of(&c, c.bsr, CUSPARSE_SPMM_BSR_ALG1));
  /* A column of -1 is no element of CSR. */
  cr_assert_eq(cs.cusparseCreateConstCsr(&c.csr, 4, 6, 3, device_pointer(c.offsets),
                                         device_pointer(c.columns), device_pointer(c.values),
                                         CUSPARSE_INDEX_32I, CUSPARSE_INDEX_32I,
                                         CUSPARSE_INDEX_BASE_ZERO, CUDA_R_16F),
               0);
  cr_assert_eq(size_of(&c, c.csr, CUSPARSE_SPMM_CSR_ALG2), 0);
  REJECTED(CUSPARSE_STATUS_EXECUTION_FAILED, multiply(&c, c.csr, CUSPARSE_SPMM_CSR_ALG2, 0));
  /* Sizes, types, handles. */
  cusparseDnMatDescr_t good = c.c;
  cr_assert_eq(cs.cusparseCreateDnMat(&c.c, 3, 2, 4, device_pointer(c.c_memory), CUDA_R_16F,
                                      CUSPARSE_ORDER_COL),
               0);
  REJECTED(INVALID, size_of(&c, c.ell, alg));
  cr_assert_eq(cs.cusparseCreateDnMat(&c.c, 4, 2, 4, device_pointer(c.c_memory), CUDA_R_16BF,
                                      CUSPARSE_ORDER_COL),
               0);
  REJECTED(UNSUPPORTED, size_of(&c, c.ell, alg));
  c.c = good;
  cr_assert_eq(cs.cusparseDestroy(c.handle), 0);
  REJECTED(CUSPARSE_STATUS_NOT_INITIALIZED, multiply(&c, c.ell, alg, c.buffer));
}

Test(cusparse_standin, rejects_a_buffer_that_was_overwritten) {
  static const float one = 1, zero = 0;
  call c = {0};
  cusparseSpMMAlg_t alg = CUSPARSE_SPMM_BLOCKED_ELL_ALG1;
  prepare(&c);
  cr_assert_eq(size_of(&c, c.ell, alg), 0);
  cr_assert_eq(cs.cusparseSpMM_preprocess(c.handle, CUSPARSE_OPERATION_NON_TRANSPOSE,
                                          CUSPARSE_OPERATION_NON_TRANSPOSE, &one, c.ell, c.b, &zero,
                                          c.c, CUDA_R_32F, alg, device_pointer(c.buffer)),
               0);
  cr_assert_eq(multiply(&c, c.ell, alg, c.buffer), 0);
  cr_assert_eq(cuMemsetD8(c.buffer, 0, 128), CUDA_SUCCESS);
  REJECTED(INVALID, multiply(&c, c.ell, alg, c.buffer));
}
