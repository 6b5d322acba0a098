/* The part of cuSPARSELt that the baseline uses, opened at run time. */
#ifndef TESSERA_BENCH_CUSPARSELT_API_H
#define TESSERA_BENCH_CUSPARSELT_API_H

#if TESSERA_HAVE_CUSPARSELT_HEADER
#include <stdalign.h>
/* It needs the one above in C. */
#include <cusparseLt.h>
#else
#include "bench/baseline/cusparselt_declarations.h"
#endif

#include "bench/baseline/library.h"

/* clang-format off */
/* One row per function: return type, name, parameters. Checked against cuSPARSELt's header where it
 * is there. */
#define TSR__CUSPARSELT_MAP(X)                                                                    \
  X(cusparseStatus_t, cusparseLtGetProperty, (libraryPropertyType, int *))                        \
  X(const char *, cusparseLtGetErrorName, (cusparseStatus_t))                                     \
  X(cusparseStatus_t, cusparseLtInit, (cusparseLtHandle_t *))                                     \
  X(cusparseStatus_t, cusparseLtDestroy, (const cusparseLtHandle_t *))                            \
  X(cusparseStatus_t, cusparseLtDenseDescriptorInit,                                              \
    (const cusparseLtHandle_t *, cusparseLtMatDescriptor_t *, int64_t, int64_t, int64_t,          \
     uint32_t, cudaDataType, cusparseOrder_t))                                                    \
  X(cusparseStatus_t, cusparseLtStructuredDescriptorInit,                                         \
    (const cusparseLtHandle_t *, cusparseLtMatDescriptor_t *, int64_t, int64_t, int64_t,          \
     uint32_t, cudaDataType, cusparseOrder_t, cusparseLtSparsity_t))                              \
  X(cusparseStatus_t, cusparseLtMatDescriptorDestroy, (const cusparseLtMatDescriptor_t *))        \
  X(cusparseStatus_t, cusparseLtMatmulDescriptorInit,                                             \
    (const cusparseLtHandle_t *, cusparseLtMatmulDescriptor_t *, cusparseOperation_t,             \
     cusparseOperation_t, const cusparseLtMatDescriptor_t *, const cusparseLtMatDescriptor_t *,   \
     const cusparseLtMatDescriptor_t *, const cusparseLtMatDescriptor_t *, cusparseComputeType))  \
  X(cusparseStatus_t, cusparseLtMatmulDescSetAttribute,                                           \
    (const cusparseLtHandle_t *, cusparseLtMatmulDescriptor_t *, cusparseLtMatmulDescAttribute_t, \
     const void *, size_t))                                                                       \
  X(cusparseStatus_t, cusparseLtMatmulAlgSelectionInit,                                           \
    (const cusparseLtHandle_t *, cusparseLtMatmulAlgSelection_t *,                                \
     const cusparseLtMatmulDescriptor_t *, cusparseLtMatmulAlg_t))                                \
  X(cusparseStatus_t, cusparseLtMatmulAlgSelectionDestroy,                                        \
    (const cusparseLtMatmulAlgSelection_t *))                                                     \
  X(cusparseStatus_t, cusparseLtMatmulPlanInit,                                                   \
    (const cusparseLtHandle_t *, cusparseLtMatmulPlan_t *, const cusparseLtMatmulDescriptor_t *,  \
     const cusparseLtMatmulAlgSelection_t *))                                                     \
  X(cusparseStatus_t, cusparseLtMatmulPlanDestroy, (const cusparseLtMatmulPlan_t *))              \
  X(cusparseStatus_t, cusparseLtMatmulGetWorkspace,                                               \
    (const cusparseLtHandle_t *, const cusparseLtMatmulPlan_t *, size_t *))                       \
  X(cusparseStatus_t, cusparseLtSpMMAPruneCheck,                                                  \
    (const cusparseLtHandle_t *, const cusparseLtMatmulDescriptor_t *, const void *, int *,       \
     cudaStream_t))                                                                               \
  X(cusparseStatus_t, cusparseLtSpMMACompressedSize,                                              \
    (const cusparseLtHandle_t *, const cusparseLtMatmulPlan_t *, size_t *, size_t *))             \
  X(cusparseStatus_t, cusparseLtSpMMACompress,                                                    \
    (const cusparseLtHandle_t *, const cusparseLtMatmulPlan_t *, const void *, void *, void *,    \
     cudaStream_t))                                                                               \
  X(cusparseStatus_t, cusparseLtMatmulSearch,                                                     \
    (const cusparseLtHandle_t *, cusparseLtMatmulPlan_t *, const void *, const void *,            \
     const void *, const void *, const void *, void *, void *, cudaStream_t *, int32_t))          \
  X(cusparseStatus_t, cusparseLtMatmul,                                                           \
    (const cusparseLtHandle_t *, const cusparseLtMatmulPlan_t *, const void *, const void *,      \
     const void *, const void *, const void *, void *, void *, cudaStream_t *, int32_t))
/* clang-format on */

typedef struct tsr__cusparselt_api {
  TSR__CUSPARSELT_MAP(TSR__LIBRARY_MEMBER)
} tsr__cusparselt_api;

#endif
