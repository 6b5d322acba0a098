/* The cuSPARSELt baseline against a stand-in for the library, and the stand-in against its rules.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/baseline/cusparselt_api.h"
#include "runtime/base/half.h"
#include "tessera/tessera.h"
#include "tests/cuda/cuda_matrix.h"
#include "tests/random.h"
#include "tests/standin/gpu_product.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define VARIABLE "TESSERA_CUSPARSELT"
#define BASELINE (&tsr__baseline_cusparselt)

static const tsr_dtype dtypes[] = {TSR_DTYPE_F16, TSR_DTYPE_BF16};

/* Keeps at most two of four; in some groups one or none. */
static void keep_two_of_four(gpu_product *p) {
  random_state random = random_seed(11);
  int64_t count = p->product.m * p->product.k;
  for (int64_t i = 0; i < count; i += 4) {
    int64_t first = random_below(&random, 4), second = random_below(&random, 4);
    int none = random_below(&random, 9) == 0;
    for (int64_t j = 0; j < 4; j++)
      if (none || (j != first && j != second)) p->weights[i + j] = 0;
  }
}

static void create(gpu_product *p, int64_t m, int64_t k, int64_t n, tsr_dtype dtype) {
  gpu_product_create(p, m, k, n, dtype);
  keep_two_of_four(p);
}

Test(cusparselt, equals_the_reference, .init = gpu_product_context) {
  static const int64_t shapes[][3] = {{64, 64, 16}, {16, 16, 8}, {16, 32, 1},
                                      {48, 96, 37}, {80, 16, 7}, {16, 144, 24}};
  for (size_t s = 0; s < COUNT(shapes); s++)
    for (size_t d = 0; d < COUNT(dtypes); d++) {
      gpu_product p;
      create(&p, shapes[s][0], shapes[s][1], shapes[s][2], dtypes[d]);
      gpu_product_expect(&p, BASELINE);
      gpu_product_destroy(&p);
    }
  cr_assert_eq(standin_live_in(VARIABLE), 0);
}

Test(cusparselt, epilogues_and_a_stream, .init = gpu_product_context) {
  CUstream stream;
  cr_assert_eq(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
  for (int i = 0; i < 4; i++) {
    gpu_product p;
    create(&p, 32, 48, 11, dtypes[i % 2]);
    p.gpu.stream = stream;
    p.gpu.activation = i / 2 ? TSR_ACTIVATION_RELU : TSR_ACTIVATION_NONE;
    p.gpu.bias = i % 2 ? NULL : p.bias;
    gpu_product_expect(&p, BASELINE);
    gpu_product_destroy(&p);
  }
  cr_assert_eq(cuStreamDestroy(stream), CUDA_SUCCESS);
}

/* ---- failures ---- */

Test(cusparselt, errors_name_the_call_and_the_status, .init = gpu_product_context) {
  static const char *const unnoticed[] = {"cusparseLtGetProperty",
                                          "cusparseLtGetErrorName",
                                          "cusparseLtDestroy",
                                          "cusparseLtMatDescriptorDestroy",
                                          "cusparseLtMatmulAlgSelectionDestroy",
                                          "cusparseLtMatmulPlanDestroy",
                                          "cusparseLtMatmul",
                                          NULL};
  static const char *const functions[] = {
#define NAME(type, name, parameters) #name,
      TSR__CUSPARSELT_MAP(NAME)
#undef NAME
  };
  gpu_product p;
  const char *version;
  create(&p, 16, 16, 8, TSR_DTYPE_F16);
  cr_assert_eq(BASELINE->open(&version), TSR_OK, "%s", tsr_last_error());
  gpu_product_expect_failures(&p, BASELINE, VARIABLE, functions, COUNT(functions), unnoticed,
                              CUSPARSE_STATUS_INTERNAL_ERROR, "CUSPARSE_STATUS_INTERNAL_ERROR");
  gpu_product_destroy(&p);
}

Test(cusparselt, an_error_of_a_run_is_reported, .init = gpu_product_context) {
  gpu_product p;
  void *state;
  create(&p, 16, 16, 8, TSR_DTYPE_F16);
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_OK, "%s", tsr_last_error());
  setenv("STANDIN_FAIL", "cusparseLtMatmul:6", 1);
  cr_assert_eq(BASELINE->run(state), TSR_DEVICE);
  cr_assert(strstr(tsr_last_error(), "cusparseLtMatmul: CUSPARSE_STATUS_EXECUTION_FAILED (6)"),
            "%s", tsr_last_error());
  BASELINE->destroy(state);
  gpu_product_destroy(&p);
}

Test(cusparselt, refuses_what_it_cannot_do, .init = gpu_product_context) {
  gpu_product p;
  void *state;
  gpu_product_expect_refusals(BASELINE);
  create(&p, 16, 48, 8, TSR_DTYPE_F16);
  p.gpu.activation = TSR_ACTIVATION_GELU;
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_UNSUPPORTED);
  p.gpu.activation = TSR_ACTIVATION_NONE;
  p.product.k = 40;
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_UNSUPPORTED_SHAPE);
  cr_assert(strstr(tsr_last_error(), "16 x 40"), "%s", tsr_last_error());
  p.product.k = 48;
  for (int i = 0; i < 3; i++) p.weights[4 * 31 + i] = 1;
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_STRUCTURE);
  cr_assert(strstr(tsr_last_error(), "2:4"), "%s", tsr_last_error());
  cr_assert_eq(standin_live_in(VARIABLE), 0);
  gpu_product_destroy(&p);
}

Test(cusparselt, is_absent_without_the_library) {
  gpu_product_expect_absent(BASELINE, VARIABLE, "cusparseLtGetProperty");
}

/* ---- the stand-in itself ---- */

static tsr__cusparselt_api sp;

/* D[16, 8] = A[16, 32] B[8, 32]^T. */
typedef struct call {
  cusparseLtHandle_t handle;
  cusparseLtMatDescriptor_t a, b, d;
  cusparseLtMatmulDescriptor_t matmul;
  cusparseLtMatmulAlgSelection_t selection;
  cusparseLtMatmulPlan_t plan;
  CUdeviceptr dense, compressed, x, y, room;
  cudaStream_t stream;
} call;

static cusparseStatus_t dense(call *c, int64_t rows, int64_t cols, int64_t ld, uint32_t alignment,
                              cusparseOrder_t order, cusparseLtMatDescriptor_t *out) {
  return sp.cusparseLtDenseDescriptorInit(&c->handle, out, rows, cols, ld, alignment, CUDA_R_16F,
                                          order);
}

static cusparseStatus_t structured(call *c, int64_t rows, int64_t cols,
                                   cusparseLtMatDescriptor_t *out) {
  return sp.cusparseLtStructuredDescriptorInit(&c->handle, out, rows, cols, cols, 16, CUDA_R_16F,
                                               CUSPARSE_ORDER_ROW, CUSPARSELT_SPARSITY_50_PERCENT);
}

static cusparseStatus_t describe(call *c, cusparseOperation_t op_b,
                                 const cusparseLtMatDescriptor_t *b) {
  return sp.cusparseLtMatmulDescriptorInit(&c->handle, &c->matmul, CUSPARSE_OPERATION_NON_TRANSPOSE,
                                           op_b, &c->a, b, &c->d, &c->d, CUSPARSE_COMPUTE_32F);
}

static void prepare(call *c) {
  static const uint16_t zeros[4096];
  void *symbol;
  gpu_product_context();
#define LOAD(type, name, parameters)        \
  symbol = standin_symbol(VARIABLE, #name); \
  memcpy(&sp.name, &symbol, sizeof symbol);
  TSR__CUSPARSELT_MAP(LOAD)
#undef LOAD
  c->dense = device_copy(zeros, 16 * 32 * 2);
  c->compressed = device_copy(zeros, 4096);
  c->x = device_copy(zeros, 8 * 32 * 2);
  c->y = device_copy(zeros, 16 * 8 * 2);
  c->room = device_room(128 << 10);
  cr_assert_eq(sp.cusparseLtInit(&c->handle), 0);
  cr_assert_eq(structured(c, 16, 32, &c->a), 0);
  cr_assert_eq(dense(c, 8, 32, 32, 16, CUSPARSE_ORDER_ROW, &c->b), 0);
  cr_assert_eq(dense(c, 16, 8, 16, 16, CUSPARSE_ORDER_COL, &c->d), 0);
  cr_assert_eq(describe(c, CUSPARSE_OPERATION_TRANSPOSE, &c->b), 0);
  cr_assert_eq(sp.cusparseLtMatmulAlgSelectionInit(&c->handle, &c->selection, &c->matmul,
                                                   CUSPARSELT_MATMUL_ALG_DEFAULT),
               0);
  cr_assert_eq(sp.cusparseLtMatmulPlanInit(&c->handle, &c->plan, &c->matmul, &c->selection), 0);
}

static cusparseStatus_t compress(call *c, CUdeviceptr from, CUdeviceptr buffer) {
  return sp.cusparseLtSpMMACompress(&c->handle, &c->plan, device_pointer(from),
                                    device_pointer(c->compressed), device_pointer(buffer), NULL);
}

static cusparseStatus_t multiply(call *c, CUdeviceptr x, CUdeviceptr workspace, int32_t streams) {
  static const float one = 1, zero = 0;
  return sp.cusparseLtMatmul(&c->handle, &c->plan, &one, device_pointer(c->compressed),
                             device_pointer(x), &zero, device_pointer(c->y), device_pointer(c->y),
                             device_pointer(workspace), &c->stream, streams);
}

#define REJECTED(status, expression) STANDIN_REJECTS(VARIABLE, status, expression)
#define INVALID CUSPARSE_STATUS_INVALID_VALUE
#define UNSUPPORTED CUSPARSE_STATUS_NOT_SUPPORTED

Test(cusparselt_standin, rejects_wrong_descriptors) {
  call c = {0};
  cusparseLtMatDescriptor_t m;
  char byte = 0;
  prepare(&c);
  REJECTED(UNSUPPORTED, structured(&c, 16, 24, &m));
  REJECTED(UNSUPPORTED, dense(&c, 8, 20, 24, 16, CUSPARSE_ORDER_ROW, &m));
  REJECTED(INVALID, dense(&c, 16, 32, 16, 16, CUSPARSE_ORDER_ROW, &m));
  REJECTED(INVALID, dense(&c, 16, 32, 32, 8, CUSPARSE_ORDER_ROW, &m));
  cr_assert_eq(dense(&c, 8, 40, 40, 16, CUSPARSE_ORDER_ROW, &m), 0);
  REJECTED(INVALID, describe(&c, CUSPARSE_OPERATION_TRANSPOSE, &m));
  REJECTED(INVALID, describe(&c, CUSPARSE_OPERATION_TRANSPOSE, &c.a));
  REJECTED(UNSUPPORTED, describe(&c, CUSPARSE_OPERATION_NON_TRANSPOSE, &c.b));
  REJECTED(INVALID, sp.cusparseLtMatmulDescSetAttribute(&c.handle, &c.matmul,
                                                        CUSPARSELT_MATMUL_BIAS_POINTER, &byte, 1));
  cr_assert_eq(sp.cusparseLtMatDescriptorDestroy(&m), 0);
  REJECTED(INVALID, sp.cusparseLtMatDescriptorDestroy(&m));
  REJECTED(INVALID, describe(&c, CUSPARSE_OPERATION_TRANSPOSE, &m));
}

Test(cusparselt_standin, rejects_wrong_calls) {
  static const uint16_t three[] = {1, 1, 1, 0};
  call c = {0};
  prepare(&c);
  cr_assert_eq(compress(&c, c.dense, c.room), 0);
  REJECTED(INVALID, compress(&c, c.dense, c.room + (128 << 10) - 16));
  cr_assert_eq(cuMemcpyHtoD(c.dense + 8 * 5, three, sizeof three), CUDA_SUCCESS);
  REJECTED(CUSPARSE_STATUS_EXECUTION_FAILED, compress(&c, c.dense, c.room));
  cr_assert_eq(multiply(&c, c.x, c.room, 1), 0, "%s", standin_reason_in(VARIABLE));
  cr_assert_eq(multiply(&c, c.x, c.room, 0), 0);
  REJECTED(INVALID, multiply(&c, c.x + 8, c.room, 1));
  REJECTED(INVALID, multiply(&c, c.x, 0, 1));
  REJECTED(INVALID, multiply(&c, c.x, c.room + (96 << 10), 1));
  REJECTED(INVALID, multiply(&c, c.x, c.room, -1));
  REJECTED(CUSPARSE_STATUS_EXECUTION_FAILED, multiply(&c, c.x + 256, c.room, 1));
  cr_assert_eq(sp.cusparseLtMatmulPlanDestroy(&c.plan), 0);
  REJECTED(INVALID, multiply(&c, c.x, c.room, 1));
  cr_assert_eq(sp.cusparseLtDestroy(&c.handle), 0);
  REJECTED(CUSPARSE_STATUS_NOT_INITIALIZED, multiply(&c, c.x, c.room, 1));
}

Test(cusparselt_standin, finds_three_of_four) {
  static const uint16_t three[] = {0x3c00, 0, 0x3c00, 0x3c00};
  call c = {0};
  int wrong = -1;
  prepare(&c);
  CUdeviceptr verdict = device_room(sizeof wrong);
  for (int round = 0; round < 2; round++) {
    cr_assert_eq(sp.cusparseLtSpMMAPruneCheck(&c.handle, &c.matmul, device_pointer(c.dense),
                                              device_pointer(verdict), NULL),
                 0);
    device_read(&wrong, verdict, sizeof wrong);
    cr_assert_eq(wrong, round);
    cr_assert_eq(cuMemcpyHtoD(c.dense + 8 * 5, three, sizeof three), CUDA_SUCCESS);
  }
}
