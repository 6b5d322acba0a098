/* The cuBLASLt baseline against a stand-in for the library, and the stand-in against its rules. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/baseline/cublaslt_api.h"
#include "tessera/tessera.h"
#include "tests/cuda/cuda_matrix.h"
#include "tests/standin/gpu_product.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define VARIABLE "TESSERA_CUBLASLT"
#define BASELINE (&tsr__baseline_cublaslt)

static const int64_t shapes[][3] = {{64, 64, 16}, {17, 31, 5},  {1, 1, 1},
                                    {48, 96, 37}, {130, 70, 9}, {8, 256, 8}};
static const tsr_dtype dtypes[] = {TSR_DTYPE_F16, TSR_DTYPE_BF16};

Test(cublaslt, equals_the_reference, .init = gpu_product_context) {
  for (size_t s = 0; s < COUNT(shapes); s++)
    for (size_t d = 0; d < COUNT(dtypes); d++) {
      gpu_product p;
      gpu_product_create(&p, shapes[s][0], shapes[s][1], shapes[s][2], dtypes[d]);
      gpu_product_expect(&p, BASELINE);
      gpu_product_destroy(&p);
    }
  cr_assert_eq(standin_live_in(VARIABLE), 0);
}

Test(cublaslt, epilogues_equal_the_reference, .init = gpu_product_context) {
  static const tsr_activation activations[] = {TSR_ACTIVATION_NONE, TSR_ACTIVATION_RELU,
                                               TSR_ACTIVATION_GELU};
  for (int i = 0; i < 6; i++) {
    gpu_product p;
    gpu_product_create(&p, 33, 20, 7, dtypes[i % 2]);
    p.gpu.activation = activations[i / 2];
    gpu_product_expect(&p, BASELINE);
    p.gpu.bias = p.bias;
    gpu_product_expect(&p, BASELINE);
    gpu_product_destroy(&p);
  }
}

Test(cublaslt, takes_a_stream_and_operands_aligned_to_16_bytes, .init = gpu_product_context) {
  gpu_product p;
  CUstream stream;
  cr_assert_eq(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
  gpu_product_create(&p, 40, 24, 16, TSR_DTYPE_F16);
  /* The second token on, which lies 48 bytes further. */
  p.gpu.stream = stream;
  p.gpu.x = (const char *)p.gpu.x + 48;
  p.product.n = 8;
  memmove(p.x, p.x + 24, 15 * 24 * sizeof *p.x);
  gpu_product_expect(&p, BASELINE);
  gpu_product_destroy(&p);
  cr_assert_eq(cuStreamDestroy(stream), CUDA_SUCCESS);
}

Test(cublaslt, works_in_a_context_that_is_not_current) {
  gpu_product_context();
  gpu_product p;
  void *state;
  gpu_product_create(&p, 16, 16, 8, TSR_DTYPE_F16);
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(cuCtxSetCurrent(NULL), CUDA_SUCCESS);
  cr_assert_eq(BASELINE->run(state), TSR_OK, "%s", tsr_last_error());
  BASELINE->destroy(state);
  cr_assert_eq(standin_live_in(VARIABLE), 0);
  gpu_product_context();
  gpu_product_destroy(&p);
}

Test(cublaslt, errors_name_the_call_and_the_status, .init = gpu_product_context) {
  static const char *const unnoticed[] = {"cublasLtGetVersion",
                                          "cublasLtGetStatusName",
                                          "cublasLtDestroy",
                                          "cublasLtMatmulDescDestroy",
                                          "cublasLtMatrixLayoutDestroy",
                                          "cublasLtMatmulPreferenceDestroy",
                                          NULL};
  static const char *const functions[] = {
#define NAME(type, name, parameters) #name,
      TSR__CUBLASLT_MAP(NAME)
#undef NAME
  };
  gpu_product p;
  gpu_product_create(&p, 16, 16, 8, TSR_DTYPE_F16);
  p.gpu.bias = p.bias;
  gpu_product_expect_failures(&p, BASELINE, VARIABLE, functions, COUNT(functions), unnoticed,
                              CUBLAS_STATUS_INTERNAL_ERROR, "CUBLAS_STATUS_INTERNAL_ERROR");
  gpu_product_destroy(&p);
}

Test(cublaslt, an_error_of_a_run_is_reported, .init = gpu_product_context) {
  gpu_product p;
  void *state;
  gpu_product_create(&p, 16, 16, 8, TSR_DTYPE_F16);
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_OK, "%s", tsr_last_error());
  setenv("STANDIN_FAIL", "cublasLtMatmul:13", 1);
  cr_assert_eq(BASELINE->run(state), TSR_DEVICE);
  cr_assert(strstr(tsr_last_error(), "cublasLtMatmul: CUBLAS_STATUS_EXECUTION_FAILED (13)"), "%s",
            tsr_last_error());
  BASELINE->destroy(state);
  setenv("STANDIN_FAIL", "cublasLtMatmulAlgoGetHeuristic:15", 1);
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_UNSUPPORTED);
  gpu_product_destroy(&p);
}

Test(cublaslt, refuses_what_it_cannot_do, .init = gpu_product_context) {
  gpu_product p;
  void *state;
  gpu_product_expect_refusals(BASELINE);
  gpu_product_create(&p, 16, 16, 8, TSR_DTYPE_F16);
  p.gpu.activation = TSR_ACTIVATION_TANH;
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_UNSUPPORTED);
  cr_assert(strstr(tsr_last_error(), "activation"), "%s", tsr_last_error());
  gpu_product_destroy(&p);
}

Test(cublaslt, is_absent_without_the_library) {
  gpu_product_expect_absent(BASELINE, VARIABLE, "cublasLtGetVersion");
}

Test(cublaslt, has_no_result_without_a_driver) {
  const char *version;
  gpu_product p;
  void *state;
  gpu_product_context();
  gpu_product_create(&p, 16, 16, 8, TSR_DTYPE_F16);
  setenv("TESSERA_CUDA_DRIVER", "/nowhere/libcuda.so.1", 1);
  cr_assert_eq(BASELINE->open(&version), TSR_OK, "%s", tsr_last_error());
  cr_assert_gt(strlen(version), 4);
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_UNSUPPORTED_HARDWARE);
  cr_assert(strstr(tsr_last_error(), "/nowhere/libcuda.so.1"), "%s", tsr_last_error());
  gpu_product_destroy(&p);
}

/* ---- the stand-in itself ---- */

static tsr__cublaslt_api lt;

static void load(void) {
  gpu_product_context();
  void *symbol;
#define LOAD(type, name, parameters)        \
  symbol = standin_symbol(VARIABLE, #name); \
  memcpy(&lt.name, &symbol, sizeof symbol);
  TSR__CUBLASLT_MAP(LOAD)
#undef LOAD
}

/* D[16, 8] = A[24, 16]^T B[24, 8], as the baseline asks for it. */
typedef struct call {
  cublasLtHandle_t handle;
  cublasLtMatmulDesc_t operation;
  cublasLtMatrixLayout_t a, b, d;
  cublasLtMatmulPreference_t preference;
  cublasLtMatmulHeuristicResult_t results[4];
  int count;
  CUdeviceptr memory, workspace;
  size_t workspace_bytes;
} call;

static cublasStatus_t propose(call *c) {
  return lt.cublasLtMatmulAlgoGetHeuristic(c->handle, c->operation, c->a, c->b, c->d, c->d,
                                           c->preference, 4, c->results, &c->count);
}

static void prepare(call *c) {
  size_t workspace = 4 << 20;
  cublasOperation_t transposed = CUBLAS_OP_T;
  uint16_t zeros[1024] = {0};
  load();
  cr_assert_eq(lt.cublasLtCreate(&c->handle), 0);
  cr_assert_eq(lt.cublasLtMatmulDescCreate(&c->operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), 0);
  cr_assert_eq(lt.cublasLtMatmulDescSetAttribute(c->operation, CUBLASLT_MATMUL_DESC_TRANSA,
                                                 &transposed, sizeof transposed),
               0);
  cr_assert_eq(lt.cublasLtMatrixLayoutCreate(&c->a, CUDA_R_16F, 24, 16, 24), 0);
  cr_assert_eq(lt.cublasLtMatrixLayoutCreate(&c->b, CUDA_R_16F, 24, 8, 24), 0);
  cr_assert_eq(lt.cublasLtMatrixLayoutCreate(&c->d, CUDA_R_16F, 16, 8, 16), 0);
  cr_assert_eq(lt.cublasLtMatmulPreferenceCreate(&c->preference), 0);
  cr_assert_eq(
      lt.cublasLtMatmulPreferenceSetAttribute(
          c->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace),
      0);
  cr_assert_eq(propose(c), 0);
  c->memory = device_copy(zeros, sizeof zeros);
  c->workspace = device_room(4 << 20);
  c->workspace_bytes = 4 << 20;
}

/* With the second proposal, which needs workspace. */
static cublasStatus_t multiply(const call *c, const void *alpha, const void *x) {
  float zero = 0;
  return lt.cublasLtMatmul(c->handle, c->operation, alpha, device_pointer(c->memory), c->a, x, c->b,
                           &zero, device_pointer(c->memory), c->d, device_pointer(c->memory), c->d,
                           &c->results[1].algo, device_pointer(c->workspace), c->workspace_bytes,
                           NULL);
}

#define REJECTED(status, expression) STANDIN_REJECTS(VARIABLE, status, expression)
#define INVALID CUBLAS_STATUS_INVALID_VALUE

Test(cublaslt_standin, rejects_wrong_descriptors) {
  call c = {0};
  cublasLtMatrixLayout_t layout;
  char byte = 0;
  uint64_t eight = 0;
  prepare(&c);
  REJECTED(INVALID, lt.cublasLtCreate(NULL));
  REJECTED(INVALID, lt.cublasLtMatrixLayoutCreate(&layout, CUDA_R_16F, 0, 8, 8));
  REJECTED(INVALID, lt.cublasLtMatrixLayoutCreate(&layout, CUDA_R_16F, 16, 8, 15));
  REJECTED(INVALID, lt.cublasLtMatmulDescSetAttribute(c.operation, CUBLASLT_MATMUL_DESC_TRANSA,
                                                      &byte, sizeof byte));
  REJECTED(INVALID, lt.cublasLtMatmulDescSetAttribute(c.operation, CUBLASLT_MATMUL_DESC_FILL_MODE,
                                                      &eight, 4));
  REJECTED(INVALID, lt.cublasLtMatmulDescSetAttribute((cublasLtMatmulDesc_t)c.a,
                                                      CUBLASLT_MATMUL_DESC_TRANSA, &eight, 4));
  REJECTED(INVALID, lt.cublasLtMatmulPreferenceSetAttribute(
                        c.preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &eight, 8));
  cr_assert_eq(lt.cublasLtMatrixLayoutDestroy(c.b), 0);
  REJECTED(INVALID, lt.cublasLtMatrixLayoutDestroy(c.b));
  REJECTED(INVALID, propose(&c));
  cr_assert_eq(cuCtxSetCurrent(NULL), CUDA_SUCCESS);
  REJECTED(CUBLAS_STATUS_NOT_INITIALIZED, lt.cublasLtCreate(&c.handle));
}

Test(cublaslt_standin, rejects_wrong_problems) {
  call c = {0};
  cublasLtEpilogue_t bias = CUBLASLT_EPILOGUE_BIAS;
  prepare(&c);
  cublasLtMatrixLayout_t a = c.a, b = c.b;
  c.a = b;
  REJECTED(INVALID, propose(&c));
  c.a = a;
  cr_assert_eq(lt.cublasLtMatrixLayoutCreate(&c.b, CUDA_R_16BF, 24, 8, 24), 0);
  REJECTED(CUBLAS_STATUS_NOT_SUPPORTED, propose(&c));
  c.b = b;
  cr_assert_eq(lt.cublasLtMatmulDescSetAttribute(c.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &bias,
                                                 sizeof bias),
               0);
  REJECTED(INVALID, propose(&c));
}

Test(cublaslt_standin, rejects_wrong_calls) {
  call c = {0};
  float one = 1;
  prepare(&c);
  cr_assert_eq(c.count, 3);
  cr_assert_eq(c.results[2].state, CUBLAS_STATUS_NOT_SUPPORTED);
  cr_assert_gt(c.results[1].workspaceSize, 0);
  cr_assert_eq(multiply(&c, &one, device_pointer(c.memory)), 0, "%s", standin_reason_in(VARIABLE));
  REJECTED(INVALID, multiply(&c, NULL, device_pointer(c.memory)));
  REJECTED(INVALID, multiply(&c, &one, NULL));
  /* The algorithm was asked for with operands aligned to 256 bytes. */
  REJECTED(INVALID, multiply(&c, &one, device_pointer(c.memory + 16)));
  CUdeviceptr end = c.memory + 2048 - 256;
  REJECTED(CUBLAS_STATUS_EXECUTION_FAILED, multiply(&c, &one, device_pointer(end)));
  c.workspace_bytes = 1024;
  REJECTED(INVALID, multiply(&c, &one, device_pointer(c.memory)));
  c.workspace_bytes = 8 << 20;
  REJECTED(INVALID, multiply(&c, &one, device_pointer(c.memory)));
  c.workspace_bytes = 2 << 20, c.workspace += 128;
  REJECTED(INVALID, multiply(&c, &one, device_pointer(c.memory)));
  c.workspace -= 128, c.results[1] = c.results[2];
  REJECTED(CUBLAS_STATUS_NOT_SUPPORTED, multiply(&c, &one, device_pointer(c.memory)));
  cr_assert_eq(propose(&c), 0);
  cr_assert_eq(lt.cublasLtDestroy(c.handle), 0);
  REJECTED(CUBLAS_STATUS_NOT_INITIALIZED, multiply(&c, &one, device_pointer(c.memory)));
}
