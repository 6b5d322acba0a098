/* The part of cuBLASLt that the baseline uses, opened at run time. */
#ifndef TESSERA_BENCH_CUBLASLT_API_H
#define TESSERA_BENCH_CUBLASLT_API_H

#include <cublasLt.h>

#include "bench/baseline/library.h"

/* clang-format off */
/* One row per function: return type, name, parameters. Checked against cuBLASLt's own header. */
#define TSR__CUBLASLT_MAP(X)                                                                      \
  X(size_t, cublasLtGetVersion, (void))                                                           \
  X(const char *, cublasLtGetStatusName, (cublasStatus_t))                                        \
  X(cublasStatus_t, cublasLtCreate, (cublasLtHandle_t *))                                         \
  X(cublasStatus_t, cublasLtDestroy, (cublasLtHandle_t))                                          \
  X(cublasStatus_t, cublasLtMatmulDescCreate,                                                     \
    (cublasLtMatmulDesc_t *, cublasComputeType_t, cudaDataType_t))                                \
  X(cublasStatus_t, cublasLtMatmulDescSetAttribute,                                               \
    (cublasLtMatmulDesc_t, cublasLtMatmulDescAttributes_t, const void *, size_t))                 \
  X(cublasStatus_t, cublasLtMatmulDescDestroy, (cublasLtMatmulDesc_t))                            \
  X(cublasStatus_t, cublasLtMatrixLayoutCreate,                                                   \
    (cublasLtMatrixLayout_t *, cudaDataType, uint64_t, uint64_t, int64_t))                        \
  X(cublasStatus_t, cublasLtMatrixLayoutDestroy, (cublasLtMatrixLayout_t))                        \
  X(cublasStatus_t, cublasLtMatmulPreferenceCreate, (cublasLtMatmulPreference_t *))               \
  X(cublasStatus_t, cublasLtMatmulPreferenceSetAttribute,                                         \
    (cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t, const void *, size_t))     \
  X(cublasStatus_t, cublasLtMatmulPreferenceDestroy, (cublasLtMatmulPreference_t))                \
  X(cublasStatus_t, cublasLtMatmulAlgoGetHeuristic,                                               \
    (cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,      \
     cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatmulPreference_t, int,             \
     cublasLtMatmulHeuristicResult_t *, int *))                                                   \
  X(cublasStatus_t, cublasLtMatmul,                                                               \
    (cublasLtHandle_t, cublasLtMatmulDesc_t, const void *, const void *, cublasLtMatrixLayout_t,  \
     const void *, cublasLtMatrixLayout_t, const void *, const void *, cublasLtMatrixLayout_t,    \
     void *, cublasLtMatrixLayout_t, const cublasLtMatmulAlgo_t *, void *, size_t, cudaStream_t))
/* clang-format on */

typedef struct tsr__cublaslt_api {
  TSR__CUBLASLT_MAP(TSR__LIBRARY_MEMBER)
} tsr__cublaslt_api;

#endif
