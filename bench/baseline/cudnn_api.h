/* The part of cuDNN that the baseline uses, opened at run time. */
#ifndef TESSERA_BENCH_CUDNN_API_H
#define TESSERA_BENCH_CUDNN_API_H

#if TESSERA_HAVE_CUDNN_HEADER
#include <cudnn.h>
#else
#include "bench/baseline/cudnn_declarations.h"
#endif

#include "bench/baseline/library.h"

/* clang-format off */
/* One row per function: return type, name, parameters. Checked against cuDNN's header where it is
 * there. */
#define TSR__CUDNN_MAP(X)                                                                         \
  X(size_t, cudnnGetVersion, (void))                                                              \
  X(const char *, cudnnGetErrorString, (cudnnStatus_t))                                           \
  X(cudnnStatus_t, cudnnCreate, (cudnnHandle_t *))                                                \
  X(cudnnStatus_t, cudnnDestroy, (cudnnHandle_t))                                                 \
  X(cudnnStatus_t, cudnnSetStream, (cudnnHandle_t, cudaStream_t))                                 \
  X(cudnnStatus_t, cudnnCreateTensorDescriptor, (cudnnTensorDescriptor_t *))                      \
  X(cudnnStatus_t, cudnnSetTensor4dDescriptor,                                                    \
    (cudnnTensorDescriptor_t, cudnnTensorFormat_t, cudnnDataType_t, int, int, int, int))          \
  X(cudnnStatus_t, cudnnDestroyTensorDescriptor, (cudnnTensorDescriptor_t))                       \
  X(cudnnStatus_t, cudnnCreateFilterDescriptor, (cudnnFilterDescriptor_t *))                      \
  X(cudnnStatus_t, cudnnSetFilter4dDescriptor,                                                    \
    (cudnnFilterDescriptor_t, cudnnDataType_t, cudnnTensorFormat_t, int, int, int, int))          \
  X(cudnnStatus_t, cudnnDestroyFilterDescriptor, (cudnnFilterDescriptor_t))                       \
  X(cudnnStatus_t, cudnnCreateActivationDescriptor, (cudnnActivationDescriptor_t *))              \
  X(cudnnStatus_t, cudnnSetActivationDescriptor,                                                  \
    (cudnnActivationDescriptor_t, cudnnActivationMode_t, cudnnNanPropagation_t, double))          \
  X(cudnnStatus_t, cudnnDestroyActivationDescriptor, (cudnnActivationDescriptor_t))               \
  X(cudnnStatus_t, cudnnCreateConvolutionDescriptor, (cudnnConvolutionDescriptor_t *))            \
  X(cudnnStatus_t, cudnnSetConvolution2dDescriptor,                                               \
    (cudnnConvolutionDescriptor_t, int, int, int, int, int, int, cudnnConvolutionMode_t,          \
     cudnnDataType_t))                                                                            \
  X(cudnnStatus_t, cudnnSetConvolutionMathType, (cudnnConvolutionDescriptor_t, cudnnMathType_t))  \
  X(cudnnStatus_t, cudnnDestroyConvolutionDescriptor, (cudnnConvolutionDescriptor_t))             \
  X(cudnnStatus_t, cudnnGetConvolutionForwardAlgorithm_v7,                                        \
    (cudnnHandle_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t,                             \
     cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t, int, int *,                           \
     cudnnConvolutionFwdAlgoPerf_t *))                                                            \
  X(cudnnStatus_t, cudnnGetConvolutionForwardWorkspaceSize,                                       \
    (cudnnHandle_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t,                             \
     cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t, cudnnConvolutionFwdAlgo_t, size_t *)) \
  X(cudnnStatus_t, cudnnConvolutionBiasActivationForward,                                         \
    (cudnnHandle_t, const void *, cudnnTensorDescriptor_t, const void *, cudnnFilterDescriptor_t, \
     const void *, cudnnConvolutionDescriptor_t, cudnnConvolutionFwdAlgo_t, void *, size_t,       \
     const void *, cudnnTensorDescriptor_t, const void *, cudnnTensorDescriptor_t, const void *,  \
     cudnnActivationDescriptor_t, cudnnTensorDescriptor_t, void *))
/* clang-format on */

typedef struct tsr__cudnn_api {
  TSR__CUDNN_MAP(TSR__LIBRARY_MEMBER)
} tsr__cudnn_api;

#endif
