/* cuSPARSE's SpMM over three formats. Token-major activations and outputs are column-major
 * matrices. Of the algorithms for a format the fastest is taken, each preprocessed. */
#include <math.h>
#include <stdio.h>

#include "bench/baseline/blocks.h"
#include "bench/baseline/cusparse_api.h"
#include "bench/baseline/gpu.h"
#include "runtime/base/status.h"

TSR__CUSPARSE_MAP(TSR__LIBRARY_CHECK)

enum { FIRST_WITH_BSR = 12603 }; /* SpMM over BSR came with CUDA 13.0, update 1 */

typedef struct {
  tsr__gpu_state base;
  cusparseHandle_t handle;
  cusparseConstSpMatDescr_t w;
  cusparseConstDnMatDescr_t x;
  cusparseDnMatDescr_t y;
  cusparseSpMMAlg_t algorithm;
  void *buffer;
} spmm;

static const tsr__symbol symbols[] = {
#define SYMBOL(type, name, parameters) {#name, offsetof(tsr__cusparse_api, name)},
    TSR__CUSPARSE_MAP(SYMBOL)
#undef SYMBOL
};

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
static const tsr__library_file file = {.title = "cuSPARSE",
                                       .file = "libcusparse.so." TEXT(CUSPARSE_VER_MAJOR),
                                       .variable = "TESSERA_CUSPARSE",
                                       .symbols = symbols,
                                       .symbol_count = sizeof symbols / sizeof symbols[0]};

static tsr__cusparse_api api;
static int loaded_version;
static char version_text[40];

static tsr_status check(cusparseStatus_t result, const char *call) {
  if (result == CUSPARSE_STATUS_SUCCESS) return TSR_OK;
  return tsr__error(result == CUSPARSE_STATUS_NOT_SUPPORTED ? TSR_UNSUPPORTED : TSR_DEVICE,
                    "cuSPARSE: %s: %s (%d)", call, api.cusparseGetErrorName(result), (int)result);
}

/* Calls a function of the library, and returns from the caller if it fails. */
#define CALL(name, ...) TSR_TRY(check(api.name(__VA_ARGS__), #name))

static tsr_status open_library(const char **version) {
  int major = 0, minor = 0, patch = 0;
  *version = version_text;
  if (*version_text) return TSR_OK;
  TSR_TRY(tsr__library_load(&file, &api));
  CALL(cusparseGetProperty, MAJOR_VERSION, &major);
  CALL(cusparseGetProperty, MINOR_VERSION, &minor);
  CALL(cusparseGetProperty, PATCH_LEVEL, &patch);
  loaded_version = 1000 * major + 100 * minor + patch;
  snprintf(version_text, sizeof version_text, "%d.%d.%d", major, minor, patch);
  return TSR_OK;
}

static cudaDataType type_of(const spmm *s) {
  return s->base.gpu.dtype == TSR_DTYPE_F16 ? CUDA_R_16F : CUDA_R_16BF;
}

/* ---- weights ---- */

static tsr_status upload(spmm *s, const int32_t *columns, const float *values, size_t blocks,
                         size_t elements, void **device_columns, void **device_values) {
  tsr__gpu_state *base = &s->base;
  TSR_TRY(tsr__gpu_upload(base, columns, blocks * sizeof *columns, "cuSPARSE's column indices",
                          device_columns));
  TSR_TRY(tsr__gpu_upload_rounded(base, values, elements, "cuSPARSE's weights", device_values));
  base->weights = (tsr__range){*device_values, elements * sizeof(uint16_t)};
  return TSR_OK;
}

/* Makes s->w. */
typedef tsr_status describer(spmm *s, const tsr__blocks *blocks);

static tsr_status describe_rows(spmm *s, const tsr__blocks *b) {
  const tsr__product *p = &s->base.product;
  int64_t block = s->base.gpu.block;
  void *offsets, *columns, *values;
  TSR_TRY(tsr__gpu_upload(&s->base, b->offsets, ((size_t)b->block_rows + 1) * sizeof *b->offsets,
                          "cuSPARSE's row offsets", &offsets));
  TSR_TRY(upload(s, b->columns, b->values, (size_t)b->kept, (size_t)(b->kept * block * block),
                 &columns, &values));
  if (block == 1)
    CALL(cusparseCreateConstCsr, &s->w, p->m, p->k, b->kept, offsets, columns, values,
         CUSPARSE_INDEX_32I, CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO, type_of(s));
  else
    CALL(cusparseCreateConstBsr, &s->w, p->m / block, p->k / block, b->kept, block, block, offsets,
         columns, values, CUSPARSE_INDEX_32I, CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO,
         type_of(s), CUSPARSE_ORDER_ROW);
  return TSR_OK;
}

static tsr_status describe_ell(spmm *s, const tsr__blocks *b) {
  const tsr__product *p = &s->base.product;
  int64_t block = s->base.gpu.block;
  tsr__padded_blocks padded;
  void *columns, *values;
  TSR_TRY(tsr__blocks_pad(b, s->base.gpu.block, &padded));
  int64_t width = padded.width;
  tsr_status status = upload(s, padded.columns, padded.values, (size_t)(b->block_rows * width),
                             (size_t)(b->block_rows * width * block * block), &columns, &values);
  tsr__padded_blocks_release(&padded);
  TSR_TRY(status);
  CALL(cusparseCreateConstBlockedEll, &s->w, p->m, p->k, block, width * block, columns, values,
       CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO, type_of(s));
  return TSR_OK;
}

static tsr_status describe_weights(spmm *s, describer *describe) {
  const tsr__product *p = &s->base.product;
  tsr__blocks blocks;
  TSR_TRY(tsr__blocks_create(p->weights, p->m, p->k, s->base.gpu.block, &blocks));
  tsr_status status = describe(s, &blocks);
  tsr__blocks_release(&blocks);
  return status;
}

/* ---- the product ---- */

static const float one = 1, zero = 0;

/* What every call of the product starts with. */
#define OPERANDS(s)                                                                              \
  (s)->handle, CUSPARSE_OPERATION_NON_TRANSPOSE, CUSPARSE_OPERATION_NON_TRANSPOSE, &one, (s)->w, \
      (s)->x, &zero, (s)->y, CUDA_R_32F, (s)->algorithm

static tsr_status run(tsr__gpu_state *state) {
  const spmm *s = (const spmm *)state;
  CALL(cusparseSpMM, OPERANDS(s), s->buffer);
  return TSR_OK;
}

/* A buffer for the algorithm, which also holds what preprocessing found out. */
static tsr_status prepare(spmm *s, cusparseSpMMAlg_t algorithm) {
  size_t bytes = 0;
  s->algorithm = algorithm;
  CALL(cusparseSpMM_bufferSize, OPERANDS(s), &bytes);
  TSR_TRY(tsr__cuda_alloc(s->base.cuda, bytes, "cuSPARSE's buffer", &s->buffer));
  CALL(cusparseSpMM_preprocess, OPERANDS(s), s->buffer);
  return TSR_OK;
}

static void forget(spmm *s) {
  tsr__cuda_free(s->base.cuda, s->buffer);
  s->buffer = NULL;
}

static tsr_status time_algorithm(spmm *s, cusparseSpMMAlg_t algorithm, double *seconds) {
  tsr_status status = prepare(s, algorithm);
  if (status == TSR_OK) status = tsr__gpu_time(&s->base, seconds);
  forget(s);
  return status;
}

/* An algorithm that does not take this product is passed over. */
static tsr_status choose(spmm *s, const cusparseSpMMAlg_t *algorithms, size_t count) {
  double least = INFINITY, seconds;
  cusparseSpMMAlg_t best = algorithms[0];
  tsr_status status = TSR_OK;
  for (size_t a = 0; a < count; a++) {
    status = time_algorithm(s, algorithms[a], &seconds);
    if (status == TSR_UNSUPPORTED) continue;
    TSR_TRY(status);
    if (!(seconds < least)) continue;
    least = seconds;
    best = algorithms[a];
  }
  return least < INFINITY ? prepare(s, best) : status;
}

static tsr_status build(spmm *s, describer *describe, const cusparseSpMMAlg_t *algorithms,
                        size_t count) {
  const tsr__product *p = &s->base.product;
  const tsr__gpu_operands *gpu = &s->base.gpu;
  TSR_TRY(tsr__gpu_check_plain(&s->base, "cuSPARSE"));
  CALL(cusparseCreate, &s->handle);
  CALL(cusparseSetStream, s->handle, gpu->stream);
  TSR_TRY(describe_weights(s, describe));
  CALL(cusparseCreateConstDnMat, &s->x, p->k, p->n, p->k, gpu->x, type_of(s), CUSPARSE_ORDER_COL);
  CALL(cusparseCreateDnMat, &s->y, p->m, p->n, p->m, gpu->y, type_of(s), CUSPARSE_ORDER_COL);
  return choose(s, algorithms, count);
}

static void release(tsr__gpu_state *state) {
  spmm *s = (spmm *)state;
  if (s->w) api.cusparseDestroySpMat(s->w);
  if (s->x) api.cusparseDestroyDnMat(s->x);
  if (s->y) api.cusparseDestroyDnMat(s->y);
  if (s->handle) api.cusparseDestroy(s->handle);
  forget(s);
}

static tsr_status check_blocks(const tsr__gpu_state *s) {
  const tsr__product *p = &s->product;
  int32_t block = s->gpu.block;
  TSR_CHECK(block >= 2, TSR_UNSUPPORTED, "cuSPARSE: blocks of %d; its formats need 2 at least",
            (int)block);
  TSR_CHECK(p->m % block == 0 && p->k % block == 0, TSR_UNSUPPORTED_SHAPE,
            "cuSPARSE: %lld x %lld is no multiple of blocks of %d", (long long)p->m,
            (long long)p->k, (int)block);
  return TSR_OK;
}

static tsr_status build_csr(tsr__gpu_state *state) {
  static const cusparseSpMMAlg_t algorithms[] = {CUSPARSE_SPMM_CSR_ALG1, CUSPARSE_SPMM_CSR_ALG2,
                                                 CUSPARSE_SPMM_CSR_ALG3};
  state->gpu.block = 1;
  return build((spmm *)state, describe_rows, algorithms, 3);
}

static tsr_status build_bsr(tsr__gpu_state *state) {
  static const cusparseSpMMAlg_t algorithm = CUSPARSE_SPMM_BSR_ALG1;
  TSR_CHECK(loaded_version >= FIRST_WITH_BSR, TSR_UNSUPPORTED,
            "cuSPARSE %s has no product over BSR", version_text);
  TSR_TRY(check_blocks(state));
  return build((spmm *)state, describe_rows, &algorithm, 1);
}

static tsr_status build_ell(tsr__gpu_state *state) {
  static const cusparseSpMMAlg_t algorithm = CUSPARSE_SPMM_BLOCKED_ELL_ALG1;
  TSR_TRY(check_blocks(state));
  return build((spmm *)state, describe_ell, &algorithm, 1);
}

static tsr_status create(const tsr__gpu_ops *ops, const tsr__product *product, void **out) {
  const char *version;
  TSR_TRY(open_library(&version));
  return tsr__gpu_create(ops, product, out);
}

static tsr_status create_csr(const tsr__product *product, void **out) {
  static const tsr__gpu_ops ops = {"cuSPARSE", sizeof(spmm), build_csr, run, release, 0};
  return create(&ops, product, out);
}

static tsr_status create_bsr(const tsr__product *product, void **out) {
  static const tsr__gpu_ops ops = {"cuSPARSE", sizeof(spmm), build_bsr, run, release, 0};
  return create(&ops, product, out);
}

static tsr_status create_ell(const tsr__product *product, void **out) {
  static const tsr__gpu_ops ops = {"cuSPARSE", sizeof(spmm), build_ell, run, release, 0};
  return create(&ops, product, out);
}

const tsr__baseline tsr__baseline_cusparse_csr = {
    .key = "cusparse-csr",
    .name = "cuSPARSE SpMM, CSR",
    .backend = TSR_BACKEND_CUDA,
    .format = TSR_FORMAT_CSR,
    .open = open_library,
    .create = create_csr,
    .run = tsr__gpu_run,
    .weights = tsr__gpu_weights,
    .destroy = tsr__gpu_destroy,
};

const tsr__baseline tsr__baseline_cusparse_bsr = {
    .key = "cusparse-bsr",
    .name = "cuSPARSE SpMM, BSR",
    .backend = TSR_BACKEND_CUDA,
    .format = TSR_FORMAT_BCSR,
    .open = open_library,
    .create = create_bsr,
    .run = tsr__gpu_run,
    .weights = tsr__gpu_weights,
    .destroy = tsr__gpu_destroy,
};

const tsr__baseline tsr__baseline_cusparse_ell = {
    .key = "cusparse-ell",
    .name = "cuSPARSE SpMM, Blocked-ELL",
    .backend = TSR_BACKEND_CUDA,
    .format = TSR_FORMAT_BCSR,
    .open = open_library,
    .create = create_ell,
    .run = tsr__gpu_run,
    .weights = tsr__gpu_weights,
    .destroy = tsr__gpu_destroy,
};
