/* cuSPARSELt's product with 2:4 weights: by rows, on tokens that are rows too, with results by
 * columns. The weights are compressed and the fastest algorithm is searched for once, untimed. */
#include <stdio.h>

#include "bench/baseline/cusparselt_api.h"
#include "bench/baseline/gpu.h"
#include "runtime/base/status.h"

#if TESSERA_HAVE_CUSPARSELT_HEADER
TSR__CUSPARSELT_MAP(TSR__LIBRARY_CHECK)
_Static_assert(sizeof(cusparseLtHandle_t) == 512 && sizeof(cusparseLtMatDescriptor_t) == 512 &&
                   sizeof(cusparseLtMatmulDescriptor_t) == 512 &&
                   sizeof(cusparseLtMatmulAlgSelection_t) == 512 &&
                   sizeof(cusparseLtMatmulPlan_t) == 512,
               "cusparselt_declarations.h has other sizes");
_Static_assert(CUSPARSELT_SPARSITY_50_PERCENT == 0 && CUSPARSE_COMPUTE_32F == 2 &&
                   CUSPARSELT_MATMUL_ALG_DEFAULT == 0 && CUSPARSELT_MATMUL_ACTIVATION_RELU == 0 &&
                   CUSPARSELT_MATMUL_BIAS_POINTER == 8 && CUSPARSELT_MATMUL_SPARSE_MAT_POINTER == 9,
               "cusparselt_declarations.h has other values");
#endif

enum { SIDE = 16, ALIGNMENT = 16, OLDEST_MINOR = 8 };

/* What is there to be destroyed. */
enum { HANDLE = 1, WEIGHTS = 2, X = 4, Y = 8, SELECTION = 16, PLAN = 32 };

typedef struct {
  tsr__gpu_state base;
  unsigned made;
  cusparseLtHandle_t handle;
  cusparseLtMatDescriptor_t w, x, y;
  cusparseLtMatmulDescriptor_t matmul;
  cusparseLtMatmulAlgSelection_t selection;
  cusparseLtMatmulPlan_t plan;
  void *dense, *compressed, *workspace;
} matmul;

static const tsr__symbol symbols[] = {
#define SYMBOL(type, name, parameters) {#name, offsetof(tsr__cusparselt_api, name)},
    TSR__CUSPARSELT_MAP(SYMBOL)
#undef SYMBOL
};

static const tsr__library_file file = {.title = "cuSPARSELt",
                                       .file = "libcusparseLt.so.0",
                                       .variable = "TESSERA_CUSPARSELT",
                                       .symbols = symbols,
                                       .symbol_count = sizeof symbols / sizeof symbols[0]};

static tsr__cusparselt_api api;
static char version_text[40];

static tsr_status check(cusparseStatus_t result, const char *call) {
  if (result == CUSPARSE_STATUS_SUCCESS) return TSR_OK;
  return tsr__error(result == CUSPARSE_STATUS_NOT_SUPPORTED ? TSR_UNSUPPORTED : TSR_DEVICE,
                    "cuSPARSELt: %s: %s (%d)", call, api.cusparseLtGetErrorName(result),
                    (int)result);
}

/* Calls a function of the library, and returns from the caller if it fails. */
#define CALL(name, ...) TSR_TRY(check(api.name(__VA_ARGS__), #name))

static tsr_status open_library(const char **version) {
  int major = 0, minor = 0, patch = 0;
  *version = version_text;
  if (*version_text) return TSR_OK;
  TSR_TRY(tsr__library_load(&file, &api));
  CALL(cusparseLtGetProperty, MAJOR_VERSION, &major);
  CALL(cusparseLtGetProperty, MINOR_VERSION, &minor);
  CALL(cusparseLtGetProperty, PATCH_LEVEL, &patch);
  TSR_CHECK(major == 0 && minor >= OLDEST_MINOR, TSR_NOT_FOUND,
            "cuSPARSELt: version %d.%d.%d; this build calls it as 0.%d and later want to be called",
            major, minor, patch, OLDEST_MINOR);
  snprintf(version_text, sizeof version_text, "%d.%d.%d", major, minor, patch);
  return TSR_OK;
}

static tsr_status describe_matrices(matmul *s) {
  const tsr__product *p = &s->base.product;
  cudaDataType type = s->base.gpu.dtype == TSR_DTYPE_F16 ? CUDA_R_16F : CUDA_R_16BF;
  int64_t tokens = tsr__gpu_tokens(p->n);
  CALL(cusparseLtStructuredDescriptorInit, &s->handle, &s->w, p->m, p->k, p->k, ALIGNMENT, type,
       CUSPARSE_ORDER_ROW, CUSPARSELT_SPARSITY_50_PERCENT);
  s->made |= WEIGHTS;
  CALL(cusparseLtDenseDescriptorInit, &s->handle, &s->x, tokens, p->k, p->k, ALIGNMENT, type,
       CUSPARSE_ORDER_ROW);
  s->made |= X;
  CALL(cusparseLtDenseDescriptorInit, &s->handle, &s->y, p->m, tokens, p->m, ALIGNMENT, type,
       CUSPARSE_ORDER_COL);
  s->made |= Y;
  return TSR_OK;
}

static tsr_status set_pointer(matmul *s, cusparseLtMatmulDescAttribute_t attribute, void *pointer) {
  CALL(cusparseLtMatmulDescSetAttribute, &s->handle, &s->matmul, attribute, &pointer,
       sizeof pointer);
  return TSR_OK;
}

static tsr_status set_epilogue(matmul *s) {
  static const int on = 1;
  const tsr__gpu_operands *gpu = &s->base.gpu;
  TSR_CHECK(gpu->activation == TSR_ACTIVATION_NONE || gpu->activation == TSR_ACTIVATION_RELU,
            TSR_UNSUPPORTED, "cuSPARSELt: activation %d; its GELU is not documented to the bit",
            (int)gpu->activation);
  if (gpu->activation == TSR_ACTIVATION_RELU)
    CALL(cusparseLtMatmulDescSetAttribute, &s->handle, &s->matmul,
         CUSPARSELT_MATMUL_ACTIVATION_RELU, &on, sizeof on);
  if (!gpu->bias) return TSR_OK;
  void *bias;
  TSR_TRY(tsr__gpu_upload_rounded(&s->base, gpu->bias, (size_t)s->base.product.m,
                                  "cuSPARSELt's bias", &bias));
  return set_pointer(s, CUSPARSELT_MATMUL_BIAS_POINTER, bias);
}

static tsr_status plan(matmul *s) {
  CALL(cusparseLtMatmulDescriptorInit, &s->handle, &s->matmul, CUSPARSE_OPERATION_NON_TRANSPOSE,
       CUSPARSE_OPERATION_TRANSPOSE, &s->w, &s->x, &s->y, &s->y, CUSPARSE_COMPUTE_32F);
  TSR_TRY(set_epilogue(s));
  TSR_TRY(set_pointer(s, CUSPARSELT_MATMUL_SPARSE_MAT_POINTER, s->dense));
  CALL(cusparseLtMatmulAlgSelectionInit, &s->handle, &s->selection, &s->matmul,
       CUSPARSELT_MATMUL_ALG_DEFAULT);
  s->made |= SELECTION;
  CALL(cusparseLtMatmulPlanInit, &s->handle, &s->plan, &s->matmul, &s->selection);
  s->made |= PLAN;
  return TSR_OK;
}

static tsr_status check_structure(matmul *s) {
  void *device;
  int wrong = 0;
  TSR_TRY(tsr__gpu_alloc(&s->base, sizeof wrong, "cuSPARSELt's verdict", &device));
  CALL(cusparseLtSpMMAPruneCheck, &s->handle, &s->matmul, s->dense, device, s->base.gpu.stream);
  TSR_TRY(tsr__gpu_wait(&s->base));
  TSR_TRY(tsr__cuda_read(s->base.cuda, &wrong, device, sizeof wrong, "cuSPARSELt's verdict"));
  TSR_CHECK(!wrong, TSR_STRUCTURE, "cuSPARSELt: the weights are not 2:4");
  return TSR_OK;
}

static tsr_status compress(matmul *s) {
  size_t bytes = 0, buffer_bytes = 0;
  void *buffer;
  CALL(cusparseLtSpMMACompressedSize, &s->handle, &s->plan, &bytes, &buffer_bytes);
  TSR_TRY(tsr__gpu_alloc(&s->base, bytes, "cuSPARSELt's weights", &s->compressed));
  TSR_TRY(tsr__gpu_alloc(&s->base, buffer_bytes, "cuSPARSELt's buffer", &buffer));
  CALL(cusparseLtSpMMACompress, &s->handle, &s->plan, s->dense, s->compressed, buffer,
       s->base.gpu.stream);
  s->base.weights = (tsr__range){s->compressed, bytes};
  return TSR_OK;
}

static const float one = 1, zero = 0;

static tsr_status take_workspace(matmul *s, size_t *bytes) {
  size_t before = *bytes;
  CALL(cusparseLtMatmulGetWorkspace, &s->handle, &s->plan, bytes);
  if (*bytes <= before) return TSR_OK;
  return tsr__gpu_alloc(&s->base, *bytes, "cuSPARSELt's workspace", &s->workspace);
}

/* The search may settle on an algorithm that wants more workspace. */
static tsr_status search(matmul *s) {
  tsr__gpu_operands *gpu = &s->base.gpu;
  cudaStream_t stream = gpu->stream;
  size_t bytes = 0;
  TSR_TRY(take_workspace(s, &bytes));
  CALL(cusparseLtMatmulSearch, &s->handle, &s->plan, &one, s->compressed, gpu->x, &zero, gpu->y,
       gpu->y, s->workspace, &stream, 1);
  return take_workspace(s, &bytes);
}

static tsr_status build(tsr__gpu_state *state) {
  matmul *s = (matmul *)state;
  const tsr__product *p = &state->product;
  TSR_CHECK(p->m % SIDE == 0 && p->k % SIDE == 0, TSR_UNSUPPORTED_SHAPE,
            "cuSPARSELt: %lld x %lld; it takes multiples of %d", (long long)p->m, (long long)p->k,
            SIDE);
  TSR_TRY(tsr__gpu_upload_rounded(state, p->weights, (size_t)(p->m * p->k),
                                  "cuSPARSELt's dense weights", &s->dense));
  CALL(cusparseLtInit, &s->handle);
  s->made |= HANDLE;
  TSR_TRY(describe_matrices(s));
  TSR_TRY(plan(s));
  TSR_TRY(check_structure(s));
  TSR_TRY(compress(s));
  return search(s);
}

static tsr_status run(tsr__gpu_state *state) {
  const matmul *s = (const matmul *)state;
  const tsr__gpu_operands *gpu = &state->gpu;
  cudaStream_t stream = gpu->stream;
  CALL(cusparseLtMatmul, &s->handle, &s->plan, &one, s->compressed, gpu->x, &zero, gpu->y, gpu->y,
       s->workspace, &stream, 1);
  return TSR_OK;
}

static void release(tsr__gpu_state *state) {
  matmul *s = (matmul *)state;
  if (s->made & PLAN) api.cusparseLtMatmulPlanDestroy(&s->plan);
  if (s->made & SELECTION) api.cusparseLtMatmulAlgSelectionDestroy(&s->selection);
  if (s->made & WEIGHTS) api.cusparseLtMatDescriptorDestroy(&s->w);
  if (s->made & X) api.cusparseLtMatDescriptorDestroy(&s->x);
  if (s->made & Y) api.cusparseLtMatDescriptorDestroy(&s->y);
  if (s->made & HANDLE) api.cusparseLtDestroy(&s->handle);
}

static tsr_status matmul_create(const tsr__product *product, void **out) {
  static const tsr__gpu_ops ops = {"cuSPARSELt", sizeof(matmul), build, run, release, 0};
  const char *version;
  TSR_TRY(open_library(&version));
  return tsr__gpu_create(&ops, product, out);
}

const tsr__baseline tsr__baseline_cusparselt = {
    .key = "cusparselt",
    .name = "cuSPARSELt matmul (fastest of its search)",
    .backend = TSR_BACKEND_CUDA,
    .format = TSR_FORMAT_NM,
    .open = open_library,
    .create = matmul_create,
    .run = tsr__gpu_run,
    .weights = tsr__gpu_weights,
    .destroy = tsr__gpu_destroy,
};
