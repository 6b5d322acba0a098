/* A stand-in for cuDNN: handles and descriptors. */
#include <string.h>

#include "tests/standin/cudnn_objects.h"

size_t cudnnGetVersion(void) {
  int version = standin_failure(__func__);
  return version ? (size_t)version : 90100;
}

const char *cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_INTERNAL_ERROR:
      return "CUDNN_STATUS_INTERNAL_ERROR";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
      return "?";
  }
}

static cudnnStatus_t make(int kind, size_t bytes, void *out) {
  STANDIN_REQUIRE(out, BAD, "no place for an object");
  void *made = standin_make(kind, bytes);
  STANDIN_REQUIRE(made, CUDNN_STATUS_INTERNAL_ERROR, "no memory");
  memcpy(out, &made, sizeof made);
  return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t drop(const void *object, int kind) {
  STANDIN_REQUIRE(standin_drop(object, kind), BAD, "no such object");
  return CUDNN_STATUS_SUCCESS;
}

/* ---- handles ---- */

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
  STANDIN_ENTER(cudnnStatus_t);
  STANDIN_REQUIRE(standin_context(), CUDNN_STATUS_NOT_INITIALIZED, "no current context");
  cudnnStatus_t status = make(HANDLE, sizeof(handle_object), handle);
  if (status == CUDNN_STATUS_SUCCESS)
    ((handle_object *)standin_find(*handle, HANDLE))->context = standin_context();
  return status;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  STANDIN_ENTER(cudnnStatus_t);
  return drop(handle, HANDLE);
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  STANDIN_ENTER(cudnnStatus_t);
  handle_object *h = standin_find(handle, HANDLE);
  STANDIN_REQUIRE(h, BAD, "no such handle");
  h->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

/* ---- tensors and filters ---- */

static cudnnStatus_t set(tensor_object *t, cudnnDataType_t type, cudnnTensorFormat_t format, int n,
                         int c, int h, int w) {
  STANDIN_REQUIRE(t, BAD, "no such descriptor");
  STANDIN_REQUIRE(n > 0 && c > 0 && h > 0 && w > 0, BAD, "%d x %d x %d x %d", n, c, h, w);
  STANDIN_REQUIRE((double)n * c * h * w < 0x1p31, CUDNN_STATUS_NOT_SUPPORTED,
                  "more than 2 Gi elements");
  STANDIN_REQUIRE(format == CUDNN_TENSOR_NCHW || format == CUDNN_TENSOR_NHWC, BAD, "format %d",
                  (int)format);
  *t = (tensor_object){1, type, format, n, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *out) {
  STANDIN_ENTER(cudnnStatus_t);
  return make(TENSOR, sizeof(tensor_object), out);
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  STANDIN_ENTER(cudnnStatus_t);
  return set(standin_find(tensor, TENSOR), type, format, n, c, h, w);
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) {
  STANDIN_ENTER(cudnnStatus_t);
  return drop(tensor, TENSOR);
}

cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *out) {
  STANDIN_ENTER(cudnnStatus_t);
  return make(FILTER, sizeof(tensor_object), out);
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  STANDIN_ENTER(cudnnStatus_t);
  return set(standin_find(filter, FILTER), type, format, k, c, h, w);
}

cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) {
  STANDIN_ENTER(cudnnStatus_t);
  return drop(filter, FILTER);
}

/* ---- activations and convolutions ---- */

cudnnStatus_t cudnnCreateActivationDescriptor(cudnnActivationDescriptor_t *out) {
  STANDIN_ENTER(cudnnStatus_t);
  return make(ACTIVATION, sizeof(activation_object), out);
}

cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t activation,
                                           cudnnActivationMode_t mode, cudnnNanPropagation_t nan,
                                           double coefficient) {
  STANDIN_ENTER(cudnnStatus_t);
  activation_object *a = standin_find(activation, ACTIVATION);
  (void)coefficient; /* of clipped ReLU and ELU */
  STANDIN_REQUIRE(a, BAD, "no such activation");
  *a = (activation_object){1, mode, nan};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroyActivationDescriptor(cudnnActivationDescriptor_t activation) {
  STANDIN_ENTER(cudnnStatus_t);
  return drop(activation, ACTIVATION);
}

cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t *out) {
  STANDIN_ENTER(cudnnStatus_t);
  return make(CONVOLUTION, sizeof(convolution_object), out);
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convolution, int pad_h,
                                              int pad_w, int stride_h, int stride_w, int dilation_h,
                                              int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t compute) {
  STANDIN_ENTER(cudnnStatus_t);
  convolution_object *c = standin_find(convolution, CONVOLUTION);
  STANDIN_REQUIRE(c, BAD, "no such convolution");
  STANDIN_REQUIRE(pad_h >= 0 && pad_w >= 0, BAD, "paddings of %d and %d", pad_h, pad_w);
  STANDIN_REQUIRE(stride_h > 0 && stride_w > 0, BAD, "strides of %d and %d", stride_h, stride_w);
  STANDIN_REQUIRE(dilation_h > 0 && dilation_w > 0, BAD, "dilations of %d and %d", dilation_h,
                  dilation_w);
  *c = (convolution_object){1,    {pad_h, pad_w}, {stride_h, stride_w}, {dilation_h, dilation_w},
                            mode, compute,        CUDNN_DEFAULT_MATH};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution,
                                          cudnnMathType_t math) {
  STANDIN_ENTER(cudnnStatus_t);
  convolution_object *c = standin_find(convolution, CONVOLUTION);
  STANDIN_REQUIRE(c, BAD, "no such convolution");
  STANDIN_REQUIRE(math == CUDNN_DEFAULT_MATH || math == CUDNN_TENSOR_OP_MATH, BAD, "math %d",
                  (int)math);
  c->math = math;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution) {
  STANDIN_ENTER(cudnnStatus_t);
  return drop(convolution, CONVOLUTION);
}
