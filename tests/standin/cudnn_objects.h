/* What the parts of the stand-in for cuDNN share. */
#ifndef TESSERA_STANDIN_CUDNN_OBJECTS_H
#define TESSERA_STANDIN_CUDNN_OBJECTS_H

#include "bench/baseline/cudnn_api.h"
#include "tests/standin/standin.h"

enum { HANDLE = 1, TENSOR, FILTER, ACTIVATION, CONVOLUTION };

typedef struct {
  CUcontext context;
  cudaStream_t stream;
} handle_object;

/* A tensor [n, c, h, w], or filters [k, c, h, w]; set: 0 = not described yet. */
typedef struct {
  int set;
  cudnnDataType_t type;
  cudnnTensorFormat_t format;
  int n, c, h, w;
} tensor_object;

typedef struct {
  int set;
  cudnnActivationMode_t mode;
  cudnnNanPropagation_t nan;
} activation_object;

typedef struct {
  int set;
  int padding[2], stride[2], dilation[2];
  cudnnConvolutionMode_t mode;
  cudnnDataType_t compute;
  cudnnMathType_t math;
} convolution_object;

#define BAD CUDNN_STATUS_BAD_PARAM

#endif
