/* A stand-in for cuBLASLt. */
#include <cublasLt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/standin/standin.h"

enum { HANDLE = 1, OPERATION, LAYOUT, PREFERENCE };
enum { ALGORITHMS = 3, WORKSPACE = 1 << 20, WORKSPACE_ALIGNMENT = 256, ALIGNMENT_MAX = 256 };

typedef struct {
  CUcontext context;
} handle_object;

typedef struct {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  cublasOperation_t op_a, op_b;
  cublasLtEpilogue_t epilogue;
  const void *bias;
} operation_object;

typedef struct {
  cudaDataType type;
  uint64_t rows, cols;
  int64_t ld;
} layout_object;

typedef struct {
  size_t workspace;
  uint32_t alignment[4]; /* of A, B, C, D */
} preference_object;

/* What an algorithm was proposed for; fits into cublasLtMatmulAlgo_t. */
typedef struct {
  uint64_t shapes; /* a digest */
  uint64_t workspace;
  uint16_t alignment[4];
  uint16_t runs;
} algorithm;
_Static_assert(sizeof(algorithm) <= sizeof(cublasLtMatmulAlgo_t), "too large");

typedef struct {
  const operation_object *operation;
  const layout_object *a, *b, *c, *d;
} problem;

#define INVALID CUBLAS_STATUS_INVALID_VALUE

size_t cublasLtGetVersion(void) { return CUBLAS_VERSION; }

const char *cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "?";
  }
}

/* ---- descriptors ---- */

static cublasStatus_t make(int kind, size_t bytes, void *out) {
  void *made = standin_make(kind, bytes);
  STANDIN_REQUIRE(made, CUBLAS_STATUS_ALLOC_FAILED, "no memory");
  memcpy(out, &made, sizeof made);
  return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t drop(const void *object, int kind) {
  STANDIN_REQUIRE(standin_drop(object, kind), INVALID, "no such object");
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
  STANDIN_ENTER(cublasStatus_t);
  STANDIN_REQUIRE(handle, INVALID, "no handle");
  STANDIN_REQUIRE(standin_context(), CUBLAS_STATUS_NOT_INITIALIZED, "no current context");
  cublasStatus_t status = make(HANDLE, sizeof(handle_object), handle);
  if (status == CUBLAS_STATUS_SUCCESS)
    ((handle_object *)standin_find(*handle, HANDLE))->context = standin_context();
  return status;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  STANDIN_ENTER(cublasStatus_t);
  return drop(handle, HANDLE);
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *out, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  STANDIN_ENTER(cublasStatus_t);
  STANDIN_REQUIRE(out, INVALID, "no descriptor");
  cublasStatus_t status = make(OPERATION, sizeof(operation_object), out);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  *(operation_object *)standin_find(*out, OPERATION) =
      (operation_object){compute, scale, CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT, NULL};
  return status;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
  STANDIN_ENTER(cublasStatus_t);
  return drop(operation, OPERATION);
}

/* Copies an attribute that has exactly this size. */
static cublasStatus_t set(void *member, size_t size, const void *value, size_t given) {
  STANDIN_REQUIRE(value, INVALID, "no value");
  STANDIN_REQUIRE(given == size, INVALID, "%zu bytes for an attribute of %zu", given, size);
  memcpy(member, value, size);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t size) {
  STANDIN_ENTER(cublasStatus_t);
  operation_object *o = standin_find(operation, OPERATION);
  STANDIN_REQUIRE(o, INVALID, "no such operation");
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return set(&o->op_a, sizeof o->op_a, value, size);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return set(&o->op_b, sizeof o->op_b, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return set(&o->epilogue, sizeof o->epilogue, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return set(&o->bias, sizeof o->bias, value, size);
    default:
      return (cublasStatus_t)standin_reject(INVALID, "attribute %d", (int)attribute);
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *out, cudaDataType type,
                                          uint64_t rows, uint64_t cols, int64_t ld) {
  STANDIN_ENTER(cublasStatus_t);
  STANDIN_REQUIRE(out, INVALID, "no layout");
  STANDIN_REQUIRE(rows > 0 && cols > 0 && ld >= (int64_t)rows, INVALID,
                  "%llu x %llu by columns, leading dimension %lld", (unsigned long long)rows,
                  (unsigned long long)cols, (long long)ld);
  cublasStatus_t status = make(LAYOUT, sizeof(layout_object), out);
  if (status == CUBLAS_STATUS_SUCCESS)
    *(layout_object *)standin_find(*out, LAYOUT) = (layout_object){type, rows, cols, ld};
  return status;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  STANDIN_ENTER(cublasStatus_t);
  return drop(layout, LAYOUT);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *out) {
  STANDIN_ENTER(cublasStatus_t);
  STANDIN_REQUIRE(out, INVALID, "no preference");
  cublasStatus_t status = make(PREFERENCE, sizeof(preference_object), out);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  preference_object *p = standin_find(*out, PREFERENCE);
  for (int i = 0; i < 4; i++) p->alignment[i] = ALIGNMENT_MAX;
  return status;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  STANDIN_ENTER(cublasStatus_t);
  return drop(preference, PREFERENCE);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, size_t size) {
  STANDIN_ENTER(cublasStatus_t);
  preference_object *p = standin_find(preference, PREFERENCE);
  STANDIN_REQUIRE(p, INVALID, "no such preference");
  int alignment = (int)attribute - (int)CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
  if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
    return set(&p->workspace, sizeof p->workspace, value, size);
  STANDIN_REQUIRE(alignment >= 0 && alignment < 4, INVALID, "attribute %d", (int)attribute);
  return set(&p->alignment[alignment], sizeof p->alignment[alignment], value, size);
}

/* ---- the product ---- */

static uint64_t rows_of(const layout_object *l, cublasOperation_t op) {
  return op == CUBLAS_OP_N ? l->rows : l->cols;
}

static uint64_t cols_of(const layout_object *l, cublasOperation_t op) {
  return op == CUBLAS_OP_N ? l->cols : l->rows;
}

static cublasStatus_t find_problem(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                   cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                   cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                   problem *out) {
  const handle_object *h = standin_find(handle, HANDLE);
  STANDIN_REQUIRE(h, CUBLAS_STATUS_NOT_INITIALIZED, "no such handle");
  STANDIN_REQUIRE(h->context == standin_context(), INVALID, "the handle is of another context");
  *out = (problem){standin_find(operation, OPERATION), standin_find(a, LAYOUT),
                   standin_find(b, LAYOUT), standin_find(c, LAYOUT), standin_find(d, LAYOUT)};
  STANDIN_REQUIRE(out->operation && out->a && out->b && out->c && out->d, INVALID,
                  "no such descriptor");
  return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t check_problem(const problem *p) {
  const operation_object *o = p->operation;
  STANDIN_REQUIRE(rows_of(p->a, o->op_a) == p->d->rows && cols_of(p->b, o->op_b) == p->d->cols &&
                      cols_of(p->a, o->op_a) == rows_of(p->b, o->op_b),
                  INVALID, "the sizes do not match");
  STANDIN_REQUIRE(p->c->rows == p->d->rows && p->c->cols == p->d->cols, INVALID, "C and D differ");
  STANDIN_REQUIRE(o->compute == CUBLAS_COMPUTE_32F && o->scale == CUDA_R_32F &&
                      (p->a->type == CUDA_R_16F || p->a->type == CUDA_R_16BF) &&
                      p->a->type == p->b->type && p->a->type == p->c->type &&
                      p->a->type == p->d->type,
                  CUBLAS_STATUS_NOT_SUPPORTED, "types");
  STANDIN_REQUIRE((o->op_a == CUBLAS_OP_N || o->op_a == CUBLAS_OP_T) &&
                      (o->op_b == CUBLAS_OP_N || o->op_b == CUBLAS_OP_T),
                  CUBLAS_STATUS_NOT_SUPPORTED, "operation");
  STANDIN_REQUIRE(!(o->epilogue & CUBLASLT_EPILOGUE_BIAS) || o->bias, INVALID,
                  "an epilogue with a bias, and no bias");
  STANDIN_REQUIRE((o->epilogue & ~(CUBLASLT_EPILOGUE_DEFAULT | CUBLASLT_EPILOGUE_RELU_BIAS |
                                   CUBLASLT_EPILOGUE_GELU)) == 0,
                  CUBLAS_STATUS_NOT_SUPPORTED, "epilogue %d", (int)o->epilogue);
  return CUBLAS_STATUS_SUCCESS;
}

static uint64_t digest(const problem *p) {
  const uint64_t values[] = {p->a->rows,         p->a->cols,         p->b->cols,
                             p->d->rows,         p->d->cols,         (uint64_t)p->a->ld,
                             (uint64_t)p->b->ld, (uint64_t)p->d->ld, p->a->type,
                             p->operation->op_a, p->operation->op_b, p->operation->epilogue};
  uint64_t sum = 14695981039346656037u;
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
    sum = (sum ^ values[i]) * 1099511628211u;
  return sum;
}

/* Proposes one without workspace, one with, if there may be some, and one that will not run. */
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle,
                                              cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int *returned) {
  STANDIN_ENTER(cublasStatus_t);
  problem p;
  cublasStatus_t status = find_problem(handle, operation, a, b, c, d, &p);
  if (status == CUBLAS_STATUS_SUCCESS) status = check_problem(&p);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  const preference_object *preferred = standin_find(preference, PREFERENCE);
  STANDIN_REQUIRE(preferred && results && returned && requested > 0, INVALID, "arguments");
  *returned = 0;
  for (int i = 0; i < ALGORITHMS && *returned < requested; i++) {
    algorithm proposed = {digest(&p), i == 1 ? WORKSPACE : 0, {0}, i < 2};
    if (proposed.workspace > preferred->workspace) continue;
    for (int m = 0; m < 4; m++) proposed.alignment[m] = (uint16_t)preferred->alignment[m];
    cublasLtMatmulHeuristicResult_t *r = &results[(*returned)++];
    memset(r, 0, sizeof *r);
    memcpy(&r->algo, &proposed, sizeof proposed);
    r->workspaceSize = proposed.workspace;
    r->state = proposed.runs ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
    r->wavesCount = 1;
  }
  return CUBLAS_STATUS_SUCCESS;
}

static double activate(double value, cublasLtEpilogue_t epilogue) {
  if (epilogue & CUBLASLT_EPILOGUE_RELU) return value < 0 ? 0 : value;
  if (epilogue & CUBLASLT_EPILOGUE_GELU) {
    double inner = sqrt(2 / acos(-1)) * (value + 0.044715 * value * value * value);
    return 0.5 * value * (1 + tanh(inner));
  }
  return value;
}

static double element(const double *values, const layout_object *l, cublasOperation_t op,
                      uint64_t row, uint64_t col) {
  return op == CUBLAS_OP_N ? values[row + col * (uint64_t)l->ld]
                           : values[col + row * (uint64_t)l->ld];
}

static size_t span(const layout_object *l) {
  return (size_t)(l->cols - 1) * (size_t)l->ld + (size_t)l->rows;
}

/* d holds C before and D afterwards. */
static void compute(const problem *p, double alpha, const double *a, const double *b, double beta,
                    const double *bias, double *d) {
  const operation_object *o = p->operation;
  uint64_t k = cols_of(p->a, o->op_a);
  for (uint64_t row = 0; row < p->d->rows; row++)
    for (uint64_t col = 0; col < p->d->cols; col++) {
      double *out = &d[row + col * (uint64_t)p->d->ld], sum = 0;
      for (uint64_t i = 0; i < k; i++)
        sum += element(a, p->a, o->op_a, row, i) * element(b, p->b, o->op_b, i, col);
      sum = alpha * sum + (beta != 0 ? beta * *out : 0) + (bias ? bias[row] : 0);
      *out = activate(sum, o->epilogue);
    }
}

static cublasStatus_t execute(const problem *p, float alpha, const void *A, const void *B,
                              float beta, const void *C, void *D, cudaStream_t stream) {
  cudaDataType type = p->d->type;
  const void *bias_at = p->operation->epilogue & CUBLASLT_EPILOGUE_BIAS ? p->operation->bias : NULL;
  double *a = standin_read(A, span(p->a), type, stream);
  double *b = standin_read(B, span(p->b), type, stream);
  double *d = beta != 0 ? standin_read(C, span(p->c), type, stream) : calloc(span(p->d), sizeof *d);
  double *bias = bias_at ? standin_read(bias_at, p->d->rows, type, stream) : NULL;
  int done = a && b && d && (bias || !bias_at);
  if (done) compute(p, (double)alpha, a, b, (double)beta, bias, d);
  /* By columns: what lies between them stays as it is. */
  for (uint64_t col = 0; done && col < p->d->cols; col++) {
    uint64_t first = col * (uint64_t)p->d->ld;
    done = standin_write((char *)D + first * standin_bytes(type), d + first, p->d->rows, type);
  }
  free(a);
  free(b);
  free(d);
  free(bias);
  STANDIN_REQUIRE(done, CUBLAS_STATUS_EXECUTION_FAILED, "the driver refused");
  return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t check_call(const problem *p, const algorithm *algo,
                                 const void *const operands[4], const void *workspace,
                                 size_t workspace_bytes) {
  STANDIN_REQUIRE(algo->shapes == digest(p) && algo->runs, CUBLAS_STATUS_NOT_SUPPORTED,
                  "the algorithm is for another problem");
  STANDIN_REQUIRE(workspace_bytes >= algo->workspace, INVALID, "%zu bytes of workspace",
                  workspace_bytes);
  STANDIN_REQUIRE(standin_aligned(workspace, WORKSPACE_ALIGNMENT), INVALID, "workspace at %p",
                  workspace);
  STANDIN_REQUIRE(workspace_bytes == 0 || standin_allocated(workspace, workspace_bytes), INVALID,
                  "workspace of %zu bytes is not allocated", workspace_bytes);
  for (int i = 0; i < 4; i++)
    STANDIN_REQUIRE(operands[i] && standin_aligned(operands[i], algo->alignment[i]), INVALID,
                    "operand %d at %p", i, operands[i]);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                              const void *alpha, const void *A, cublasLtMatrixLayout_t a,
                              const void *B, cublasLtMatrixLayout_t b, const void *beta,
                              const void *C, cublasLtMatrixLayout_t c, void *D,
                              cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t *algo,
                              void *workspace, size_t workspace_bytes, cudaStream_t stream) {
  STANDIN_ENTER(cublasStatus_t);
  problem p;
  cublasStatus_t status = find_problem(handle, operation, a, b, c, d, &p);
  if (status == CUBLAS_STATUS_SUCCESS) status = check_problem(&p);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  STANDIN_REQUIRE(alpha && beta && algo, INVALID, "no alpha, beta or algorithm");
  algorithm chosen;
  memcpy(&chosen, algo, sizeof chosen);
  status = check_call(&p, &chosen, (const void *const[]){A, B, C, D}, workspace, workspace_bytes);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  STANDIN_REQUIRE(C != D || p.c->ld == p.d->ld, INVALID,
                  "C and D are one, and laid out differently");
  float scales[2];
  memcpy(&scales[0], alpha, sizeof scales[0]);
  memcpy(&scales[1], beta, sizeof scales[1]);
  return execute(&p, scales[0], A, B, scales[1], C, D, stream);
}
