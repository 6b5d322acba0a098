/* The part of cuSPARSE that the baselines use, opened at run time. */
#ifndef TESSERA_BENCH_CUSPARSE_API_H
#define TESSERA_BENCH_CUSPARSE_API_H

#include <cusparse.h>

#include "bench/baseline/library.h"

/* clang-format off */
/* One row per function: return type, name, parameters. Checked against cuSPARSE's own header. */
#define TSR__CUSPARSE_MAP(X)                                                                      \
  X(cusparseStatus_t, cusparseGetProperty, (libraryPropertyType, int *))                          \
  X(const char *, cusparseGetErrorName, (cusparseStatus_t))                                       \
  X(cusparseStatus_t, cusparseCreate, (cusparseHandle_t *))                                       \
  X(cusparseStatus_t, cusparseDestroy, (cusparseHandle_t))                                        \
  X(cusparseStatus_t, cusparseSetStream, (cusparseHandle_t, cudaStream_t))                        \
  X(cusparseStatus_t, cusparseCreateConstCsr,                                                     \
    (cusparseConstSpMatDescr_t *, int64_t, int64_t, int64_t, const void *, const void *,          \
     const void *, cusparseIndexType_t, cusparseIndexType_t, cusparseIndexBase_t, cudaDataType))  \
  X(cusparseStatus_t, cusparseCreateConstBsr,                                                     \
    (cusparseConstSpMatDescr_t *, int64_t, int64_t, int64_t, int64_t, int64_t, const void *,      \
     const void *, const void *, cusparseIndexType_t, cusparseIndexType_t, cusparseIndexBase_t,   \
     cudaDataType, cusparseOrder_t))                                                              \
  X(cusparseStatus_t, cusparseCreateConstBlockedEll,                                              \
    (cusparseConstSpMatDescr_t *, int64_t, int64_t, int64_t, int64_t, const void *, const void *, \
     cusparseIndexType_t, cusparseIndexBase_t, cudaDataType))                                     \
  X(cusparseStatus_t, cusparseDestroySpMat, (cusparseConstSpMatDescr_t))                          \
  X(cusparseStatus_t, cusparseCreateConstDnMat,                                                   \
    (cusparseConstDnMatDescr_t *, int64_t, int64_t, int64_t, const void *, cudaDataType,          \
     cusparseOrder_t))                                                                            \
  X(cusparseStatus_t, cusparseCreateDnMat,                                                        \
    (cusparseDnMatDescr_t *, int64_t, int64_t, int64_t, void *, cudaDataType, cusparseOrder_t))   \
  X(cusparseStatus_t, cusparseDestroyDnMat, (cusparseConstDnMatDescr_t))                          \
  X(cusparseStatus_t, cusparseSpMM_bufferSize,                                                    \
    (cusparseHandle_t, cusparseOperation_t, cusparseOperation_t, const void *,                    \
     cusparseConstSpMatDescr_t, cusparseConstDnMatDescr_t, const void *, cusparseDnMatDescr_t,    \
     cudaDataType, cusparseSpMMAlg_t, size_t *))                                                  \
  X(cusparseStatus_t, cusparseSpMM_preprocess,                                                    \
    (cusparseHandle_t, cusparseOperation_t, cusparseOperation_t, const void *,                    \
     cusparseConstSpMatDescr_t, cusparseConstDnMatDescr_t, const void *, cusparseDnMatDescr_t,    \
     cudaDataType, cusparseSpMMAlg_t, void *))                                                    \
  X(cusparseStatus_t, cusparseSpMM,                                                               \
    (cusparseHandle_t, cusparseOperation_t, cusparseOperation_t, const void *,                    \
     cusparseConstSpMatDescr_t, cusparseConstDnMatDescr_t, const void *, cusparseDnMatDescr_t,    \
     cudaDataType, cusparseSpMMAlg_t, void *))
/* clang-format on */

typedef struct tsr__cusparse_api {
  TSR__CUSPARSE_MAP(TSR__LIBRARY_MEMBER)
} tsr__cusparse_api;

#endif
