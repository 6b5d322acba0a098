/* cuBLASLt's dense product. W[m, k] by rows is the transpose of a column-major k x m matrix, and
 * token-major activations are column-major ones: the layout ("TN") that its tensor-core kernels
 * like best. Of the algorithms that its heuristic proposes the fastest is taken. */
#include <math.h>
#include <stdio.h>

#include "bench/baseline/cublaslt_api.h"
#include "bench/baseline/gpu.h"
#include "runtime/base/status.h"

TSR__CUBLASLT_MAP(TSR__LIBRARY_CHECK)

enum {
  PROPOSALS = 8,
  WORKSPACE = 32 << 20, /* what NVIDIA recommends for Hopper, and enough for older GPUs */
  ALIGNMENT_MAX = 256   /* the greatest that the heuristic distinguishes */
};

typedef struct {
  tsr__gpu_state base;
  cublasLtHandle_t handle;
  cublasLtMatmulDesc_t operation;
  cublasLtMatrixLayout_t w, x, y;
  cublasLtMatmulAlgo_t algorithm;
  size_t workspace_bytes; /* of the algorithm */
  void *weights, *workspace;
} matmul;

static const tsr__symbol symbols[] = {
#define SYMBOL(type, name, parameters) {#name, offsetof(tsr__cublaslt_api, name)},
    TSR__CUBLASLT_MAP(SYMBOL)
#undef SYMBOL
};

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
static const tsr__library_file file = {.title = "cuBLASLt",
                                       .file = "libcublasLt.so." TEXT(CUBLAS_VER_MAJOR),
                                       .variable = "TESSERA_CUBLASLT",
                                       .symbols = symbols,
                                       .symbol_count = sizeof symbols / sizeof symbols[0]};

static tsr__cublaslt_api api;
static char version_text[32];

static tsr_status open_library(const char **version) {
  *version = version_text;
  if (*version_text) return TSR_OK;
  TSR_TRY(tsr__library_load(&file, &api));
  unsigned long found = api.cublasLtGetVersion();
  snprintf(version_text, sizeof version_text, "%lu.%lu.%lu", found / 10000, found / 100 % 100,
           found % 100);
  return TSR_OK;
}

static tsr_status check(cublasStatus_t result, const char *call) {
  if (result == CUBLAS_STATUS_SUCCESS) return TSR_OK;
  return tsr__error(result == CUBLAS_STATUS_NOT_SUPPORTED ? TSR_UNSUPPORTED : TSR_DEVICE,
                    "cuBLASLt: %s: %s (%d)", call, api.cublasLtGetStatusName(result), (int)result);
}

/* Calls a function of the library, and returns from the caller if it fails. */
#define CALL(name, ...) TSR_TRY(check(api.name(__VA_ARGS__), #name))

static cudaDataType_t type_of(const matmul *s) {
  return s->base.gpu.dtype == TSR_DTYPE_F16 ? CUDA_R_16F : CUDA_R_16BF;
}

static uint32_t alignment_of(const void *pointer) {
  uint32_t alignment = ALIGNMENT_MAX;
  while ((uintptr_t)pointer % alignment) alignment /= 2;
  return alignment;
}

static tsr_status epilogue_of(const matmul *s, cublasLtEpilogue_t *out) {
  int bias = s->base.gpu.bias != NULL;
  switch (s->base.gpu.activation) {
    case TSR_ACTIVATION_NONE:
      *out = bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
      return TSR_OK;
    case TSR_ACTIVATION_RELU:
      *out = bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
      return TSR_OK;
    case TSR_ACTIVATION_GELU: /* its approximation by tanh */
      *out = bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
      return TSR_OK;
    default:
      return tsr__error(TSR_UNSUPPORTED, "cuBLASLt: no epilogue applies activation %d",
                        (int)s->base.gpu.activation);
  }
}

static tsr_status set_epilogue(matmul *s) {
  cublasLtEpilogue_t epilogue;
  TSR_TRY(epilogue_of(s, &epilogue));
  CALL(cublasLtMatmulDescSetAttribute, s->operation, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
       sizeof epilogue);
  if (!s->base.gpu.bias) return TSR_OK;
  void *bias;
  TSR_TRY(tsr__gpu_upload_rounded(&s->base, s->base.gpu.bias, (size_t)s->base.product.m,
                                  "cuBLASLt's bias", &bias));
  CALL(cublasLtMatmulDescSetAttribute, s->operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias,
       sizeof bias);
  return TSR_OK;
}

static tsr_status describe(matmul *s) {
  const tsr__product *p = &s->base.product;
  uint64_t m = (uint64_t)p->m, k = (uint64_t)p->k, n = (uint64_t)p->n;
  cublasOperation_t transposed = CUBLAS_OP_T;
  CALL(cublasLtCreate, &s->handle);
  CALL(cublasLtMatmulDescCreate, &s->operation, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  CALL(cublasLtMatmulDescSetAttribute, s->operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
       sizeof transposed);
  TSR_TRY(set_epilogue(s));
  CALL(cublasLtMatrixLayoutCreate, &s->w, type_of(s), k, m, p->k);
  CALL(cublasLtMatrixLayoutCreate, &s->x, type_of(s), k, n, p->k);
  CALL(cublasLtMatrixLayoutCreate, &s->y, type_of(s), m, n, p->m);
  return TSR_OK;
}

static tsr_status prefer(const matmul *s, cublasLtMatmulPreference_t preference) {
  static const size_t workspace = WORKSPACE;
  const struct {
    cublasLtMatmulPreferenceAttributes_t attribute;
    uint32_t bytes;
  } alignments[] = {
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(s->weights)},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(s->base.gpu.x)},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(s->base.gpu.y)},
      {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(s->base.gpu.y)},
  };
  CALL(cublasLtMatmulPreferenceSetAttribute, preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
       &workspace, sizeof workspace);
  for (size_t a = 0; a < sizeof alignments / sizeof alignments[0]; a++)
    CALL(cublasLtMatmulPreferenceSetAttribute, preference, alignments[a].attribute,
         &alignments[a].bytes, sizeof alignments[a].bytes);
  return TSR_OK;
}

static tsr_status propose(const matmul *s, cublasLtMatmulHeuristicResult_t *proposals, int *count) {
  cublasLtMatmulPreference_t preference;
  CALL(cublasLtMatmulPreferenceCreate, &preference);
  tsr_status status = prefer(s, preference);
  if (status == TSR_OK)
    status =
        check(api.cublasLtMatmulAlgoGetHeuristic(s->handle, s->operation, s->w, s->x, s->y, s->y,
                                                 preference, PROPOSALS, proposals, count),
              "cublasLtMatmulAlgoGetHeuristic");
  api.cublasLtMatmulPreferenceDestroy(preference);
  return status;
}

static tsr_status run(tsr__gpu_state *state) {
  static const float one = 1, zero = 0;
  const matmul *s = (const matmul *)state;
  const tsr__gpu_operands *gpu = &state->gpu;
  CALL(cublasLtMatmul, s->handle, s->operation, &one, s->weights, s->w, gpu->x, s->x, &zero, gpu->y,
       s->y, gpu->y, s->y, &s->algorithm, s->workspace, s->workspace_bytes, gpu->stream);
  return TSR_OK;
}

static void use(matmul *s, const cublasLtMatmulHeuristicResult_t *proposal) {
  s->algorithm = proposal->algo;
  s->workspace_bytes = proposal->workspaceSize;
}

static tsr_status choose(matmul *s) {
  cublasLtMatmulHeuristicResult_t proposals[PROPOSALS];
  const cublasLtMatmulHeuristicResult_t *best = NULL;
  int count = 0;
  double least = INFINITY, seconds;
  TSR_TRY(propose(s, proposals, &count));
  for (int p = 0; p < count; p++) {
    if (proposals[p].state != CUBLAS_STATUS_SUCCESS) continue;
    use(s, &proposals[p]);
    TSR_TRY(tsr__gpu_time(&s->base, &seconds));
    if (!(seconds < least)) continue;
    least = seconds;
    best = &proposals[p];
  }
  const tsr__product *p = &s->base.product;
  TSR_CHECK(best, TSR_UNSUPPORTED,
            "cuBLASLt: its heuristic has no algorithm for %lld x %lld x %lld", (long long)p->m,
            (long long)p->k, (long long)p->n);
  use(s, best);
  return TSR_OK;
}

static tsr_status build(tsr__gpu_state *state) {
  matmul *s = (matmul *)state;
  const tsr__product *p = &s->base.product;
  size_t elements = (size_t)p->m * (size_t)p->k;
  TSR_TRY(tsr__gpu_upload_rounded(state, p->weights, elements, "cuBLASLt's weights", &s->weights));
  state->weights = (tsr__range){s->weights, elements * sizeof(uint16_t)};
  TSR_TRY(tsr__gpu_alloc(state, WORKSPACE, "cuBLASLt's workspace", &s->workspace));
  TSR_TRY(describe(s));
  return choose(s);
}

static void release(tsr__gpu_state *state) {
  matmul *s = (matmul *)state;
  if (s->w) api.cublasLtMatrixLayoutDestroy(s->w);
  if (s->x) api.cublasLtMatrixLayoutDestroy(s->x);
  if (s->y) api.cublasLtMatrixLayoutDestroy(s->y);
  if (s->operation) api.cublasLtMatmulDescDestroy(s->operation);
  if (s->handle) api.cublasLtDestroy(s->handle);
}

static const tsr__gpu_ops ops = {"cuBLASLt", sizeof(matmul), build, run, release, 0};

static tsr_status matmul_create(const tsr__product *product, void **out) {
  const char *version;
  TSR_TRY(open_library(&version));
  return tsr__gpu_create(&ops, product, out);
}

const tsr__baseline tsr__baseline_cublaslt = {
    .key = "cublaslt",
    .name = "cuBLASLt matmul (fastest of its heuristic's)",
    .backend = TSR_BACKEND_CUDA,
    .format = TSR_FORMAT_DENSE,
    .open = open_library,
    .create = matmul_create,
    .run = tsr__gpu_run,
    .weights = tsr__gpu_weights,
    .destroy = tsr__gpu_destroy,
};
