/* cuDNN's convolution with bias, sum and ReLU fused in: NHWC tensors, filters by kernel row, kernel
 * column, channel, which is the order of W, sums in f32 on tensor cores. A linear layer is a kernel
 * of 1 x 1 over images of one pixel. Of the algorithms that its heuristic proposes the fastest is
 * taken. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/baseline/cudnn_api.h"
#include "bench/baseline/gpu.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

#if TESSERA_HAVE_CUDNN_HEADER
TSR__CUDNN_MAP(TSR__LIBRARY_CHECK)
_Static_assert(CUDNN_STATUS_SUCCESS == 0 && CUDNN_DATA_FLOAT == 0 && CUDNN_DATA_HALF == 2 &&
                   CUDNN_DATA_BFLOAT16 == 9 && CUDNN_TENSOR_NHWC == 1 &&
                   CUDNN_TENSOR_OP_MATH == 1 && CUDNN_NOT_PROPAGATE_NAN == 0 &&
                   CUDNN_CROSS_CORRELATION == 1 && CUDNN_ACTIVATION_RELU == 1 &&
                   CUDNN_ACTIVATION_IDENTITY == 5 &&
                   CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM == 1,
               "cudnn_declarations.h has other values");
_Static_assert(offsetof(cudnnConvolutionFwdAlgoPerf_t, status) == 4 &&
                   offsetof(cudnnConvolutionFwdAlgoPerf_t, memory) == 16 &&
                   offsetof(cudnnConvolutionFwdAlgoPerf_t, mathType) == 28 &&
                   sizeof(cudnnConvolutionFwdAlgoPerf_t) == 48,
               "cudnn_declarations.h has another layout");
#endif

enum {
  PROPOSALS = 16,
  WORKSPACE = 256 << 20, /* an algorithm that wants more is passed over */
  OLDEST_MAJOR = 8,
  NEWEST_MAJOR = 9
};

typedef struct {
  tsr__gpu_state base;
  cudnnHandle_t handle;
  cudnnTensorDescriptor_t x, y, bias;
  cudnnFilterDescriptor_t w;
  cudnnConvolutionDescriptor_t conv;
  cudnnActivationDescriptor_t activation;
  cudnnActivationMode_t mode;
  cudnnConvolutionFwdAlgo_t algorithm;
  size_t workspace_bytes; /* of the algorithm */
  float added;            /* 1: y is added to; else 0 */
  void *weights, *biases, *workspace;
} convolution;

static const tsr__symbol symbols[] = {
#define SYMBOL(type, name, parameters) {#name, offsetof(tsr__cudnn_api, name)},
    TSR__CUDNN_MAP(SYMBOL)
#undef SYMBOL
};

static const tsr__library_file file = {.title = "cuDNN",
                                       .file = "libcudnn.so.9",
                                       .older = "libcudnn.so.8",
                                       .variable = "TESSERA_CUDNN",
                                       .symbols = symbols,
                                       .symbol_count = sizeof symbols / sizeof symbols[0]};

static tsr__cudnn_api api;
static size_t major;
static char version_text[64];

/* 8.9.2 says 8902, 9.1.0 says 90100. */
static tsr_status open_library(const char **version) {
  *version = version_text;
  if (*version_text) return TSR_OK;
  TSR_TRY(tsr__library_load(&file, &api));
  size_t found = api.cudnnGetVersion(), unit = found >= 10000 ? 10000 : 1000;
  major = found / unit;
  TSR_CHECK(major >= OLDEST_MAJOR && major <= NEWEST_MAJOR, TSR_NOT_FOUND,
            "cuDNN: version %zu; this build calls it as %d and %d want to be called", found,
            OLDEST_MAJOR, NEWEST_MAJOR);
  snprintf(version_text, sizeof version_text, "%zu.%zu.%zu", major, found % unit / 100,
           found % 100);
  return TSR_OK;
}

/* The statuses were numbered anew in version 9, in thousands by kind. */
static int is_unsupported(cudnnStatus_t result) {
  enum { UNSUPPORTED_8 = 9, UNSUPPORTED_9 = 3 };
  return major == OLDEST_MAJOR ? (int)result == UNSUPPORTED_8 : (int)result / 1000 == UNSUPPORTED_9;
}

static tsr_status check(cudnnStatus_t result, const char *call) {
  if (result == CUDNN_STATUS_SUCCESS) return TSR_OK;
  return tsr__error(is_unsupported(result) ? TSR_UNSUPPORTED : TSR_DEVICE, "cuDNN: %s: %s (%d)",
                    call, api.cudnnGetErrorString(result), (int)result);
}

/* Calls a function of the library, and returns from the caller if it fails. */
#define CALL(name, ...) TSR_TRY(check(api.name(__VA_ARGS__), #name))

/* ---- descriptors ---- */

static tsr_status check_sizes(const tsr__product *p, const tsr__conv_product *conv) {
  const tsr_conv_shape *s = &conv->shape;
  int64_t pixels = tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1);
  TSR_CHECK(conv->images * pixels == p->n && s->kernel[0] * s->kernel[1] * s->channels == p->k &&
                s->height <= INT32_MAX && s->width <= INT32_MAX,
            TSR_INVALID_ARGUMENT, "cuDNN: %lld x %lld x %lld is no product of that convolution",
            (long long)p->m, (long long)p->k, (long long)p->n);
  return TSR_OK;
}

static tsr_status find_convolution(const convolution *s, tsr__conv_product *out) {
  const tsr__product *p = &s->base.product;
  const tsr__gpu_operands *gpu = &s->base.gpu;
  if (p->conv) {
    *out = *p->conv;
    return check_sizes(p, out);
  }
  TSR_CHECK(gpu->activation == TSR_ACTIVATION_NONE || gpu->activation == TSR_ACTIVATION_RELU,
            TSR_UNSUPPORTED, "cuDNN: no convolution applies activation %d", (int)gpu->activation);
  *out = (tsr__conv_product){
      .shape = {1, 1, p->k, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}},
      .images = p->n,
      .bias = gpu->bias,
      .relu = gpu->activation == TSR_ACTIVATION_RELU};
  return TSR_OK;
}

static tsr_status set_tensor(cudnnTensorDescriptor_t *tensor, cudnnDataType_t type, int64_t images,
                             int64_t channels, int64_t height, int64_t width) {
  CALL(cudnnCreateTensorDescriptor, tensor);
  CALL(cudnnSetTensor4dDescriptor, *tensor, CUDNN_TENSOR_NHWC, type, (int)images, (int)channels,
       (int)height, (int)width);
  return TSR_OK;
}

static tsr_status describe_tensors(convolution *s, const tsr__conv_product *conv) {
  const tsr_conv_shape *c = &conv->shape;
  int64_t m = s->base.product.m;
  cudnnDataType_t type = s->base.gpu.dtype == TSR_DTYPE_F16 ? CUDNN_DATA_HALF : CUDNN_DATA_BFLOAT16;
  TSR_TRY(set_tensor(&s->x, type, conv->images, c->channels, c->height, c->width));
  TSR_TRY(set_tensor(&s->y, type, conv->images, m, tsr_conv_output_size(c, 0),
                     tsr_conv_output_size(c, 1)));
  TSR_TRY(set_tensor(&s->bias, type, 1, m, 1, 1));
  CALL(cudnnCreateFilterDescriptor, &s->w);
  CALL(cudnnSetFilter4dDescriptor, s->w, type, CUDNN_TENSOR_NHWC, (int)m, (int)c->channels,
       c->kernel[0], c->kernel[1]);
  return TSR_OK;
}

static tsr_status describe(convolution *s, const tsr__conv_product *conv) {
  const tsr_conv_shape *c = &conv->shape;
  CALL(cudnnCreate, &s->handle);
  CALL(cudnnSetStream, s->handle, s->base.gpu.stream);
  TSR_TRY(describe_tensors(s, conv));
  CALL(cudnnCreateActivationDescriptor, &s->activation);
  s->mode = conv->relu ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY;
  CALL(cudnnSetActivationDescriptor, s->activation, s->mode, CUDNN_NOT_PROPAGATE_NAN, 0.0);
  CALL(cudnnCreateConvolutionDescriptor, &s->conv);
  CALL(cudnnSetConvolution2dDescriptor, s->conv, c->padding[0], c->padding[1], c->stride[0],
       c->stride[1], c->dilation[0], c->dilation[1], CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
  CALL(cudnnSetConvolutionMathType, s->conv, CUDNN_TENSOR_OP_MATH);
  return TSR_OK;
}

/* Its function always adds a bias. */
static tsr_status upload(convolution *s, const tsr__conv_product *conv) {
  const tsr__product *p = &s->base.product;
  size_t elements = (size_t)(p->m * p->k), m = (size_t)p->m;
  float *zeros;
  TSR_TRY(tsr__gpu_upload_rounded(&s->base, p->weights, elements, "cuDNN's filters", &s->weights));
  s->base.weights = (tsr__range){s->weights, elements * sizeof(uint16_t)};
  if (conv->bias)
    return tsr__gpu_upload_rounded(&s->base, conv->bias, m, "cuDNN's bias", &s->biases);
  TSR_TRY(tsr__calloc(m, sizeof *zeros, "cuDNN's bias", &zeros));
  tsr_status status = tsr__gpu_upload_rounded(&s->base, zeros, m, "cuDNN's bias", &s->biases);
  free(zeros);
  return status;
}

/* ---- the algorithm ---- */

static tsr_status run(tsr__gpu_state *state) {
  static const float one = 1;
  const convolution *s = (const convolution *)state;
  const tsr__gpu_operands *gpu = &state->gpu;
  CALL(cudnnConvolutionBiasActivationForward, s->handle, &one, s->x, gpu->x, s->w, s->weights,
       s->conv, s->algorithm, s->workspace, s->workspace_bytes, &s->added, s->y, gpu->y, s->bias,
       s->biases, s->activation, s->y, gpu->y);
  return TSR_OK;
}

/* TSR_UNSUPPORTED if the proposal is of no use. */
static tsr_status use(convolution *s, const cudnnConvolutionFwdAlgoPerf_t *proposal) {
  TSR_CHECK(proposal->status == CUDNN_STATUS_SUCCESS, TSR_UNSUPPORTED, "cuDNN: algorithm %d: %s",
            (int)proposal->algo, api.cudnnGetErrorString(proposal->status));
  TSR_CHECK(s->mode != CUDNN_ACTIVATION_IDENTITY ||
                proposal->algo == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
            TSR_UNSUPPORTED, "cuDNN: algorithm %d has to apply an activation", (int)proposal->algo);
  CALL(cudnnSetConvolutionMathType, s->conv, proposal->mathType);
  CALL(cudnnGetConvolutionForwardWorkspaceSize, s->handle, s->x, s->w, s->conv, s->y,
       proposal->algo, &s->workspace_bytes);
  TSR_CHECK(s->workspace_bytes <= WORKSPACE, TSR_UNSUPPORTED,
            "cuDNN: algorithm %d wants %zu bytes of workspace", (int)proposal->algo,
            s->workspace_bytes);
  s->algorithm = proposal->algo;
  return TSR_OK;
}

/* Keeps the useful ones, and takes the workspace that suffices for each of them. */
static tsr_status sift(convolution *s, cudnnConvolutionFwdAlgoPerf_t *proposals, int *count) {
  int useful = 0;
  size_t most = 0;
  for (int p = 0; p < *count; p++) {
    tsr_status status = use(s, &proposals[p]);
    if (status == TSR_UNSUPPORTED) continue;
    TSR_TRY(status);
    if (s->workspace_bytes > most) most = s->workspace_bytes;
    proposals[useful++] = proposals[p];
  }
  *count = useful;
  return tsr__gpu_alloc(&s->base, most, "cuDNN's workspace", &s->workspace);
}

static tsr_status choose(convolution *s) {
  cudnnConvolutionFwdAlgoPerf_t proposals[PROPOSALS];
  const cudnnConvolutionFwdAlgoPerf_t *best = NULL;
  int count = 0;
  double least = INFINITY, seconds;
  CALL(cudnnGetConvolutionForwardAlgorithm_v7, s->handle, s->x, s->w, s->conv, s->y, PROPOSALS,
       &count, proposals);
  TSR_TRY(sift(s, proposals, &count));
  for (int p = 0; p < count; p++) {
    TSR_TRY(use(s, &proposals[p]));
    tsr_status status = tsr__gpu_time(&s->base, &seconds);
    if (status == TSR_UNSUPPORTED) continue;
    TSR_TRY(status);
    if (!(seconds < least)) continue;
    least = seconds;
    best = &proposals[p];
  }
  const tsr__product *p = &s->base.product;
  TSR_CHECK(best, TSR_UNSUPPORTED, "cuDNN: its heuristic has no algorithm for %lld x %lld x %lld",
            (long long)p->m, (long long)p->k, (long long)p->n);
  return use(s, best);
}

static tsr_status build(tsr__gpu_state *state) {
  convolution *s = (convolution *)state;
  tsr__conv_product conv;
  TSR_TRY(find_convolution(s, &conv));
  s->added = conv.sum ? 1 : 0;
  TSR_TRY(upload(s, &conv));
  TSR_TRY(describe(s, &conv));
  TSR_TRY(choose(s));
  return TSR_OK;
}

static void release(tsr__gpu_state *state) {
  convolution *s = (convolution *)state;
  if (s->x) api.cudnnDestroyTensorDescriptor(s->x);
  if (s->y) api.cudnnDestroyTensorDescriptor(s->y);
  if (s->bias) api.cudnnDestroyTensorDescriptor(s->bias);
  if (s->w) api.cudnnDestroyFilterDescriptor(s->w);
  if (s->conv) api.cudnnDestroyConvolutionDescriptor(s->conv);
  if (s->activation) api.cudnnDestroyActivationDescriptor(s->activation);
  if (s->handle) api.cudnnDestroy(s->handle);
}

static tsr_status convolution_create(const tsr__product *product, void **out) {
  static const tsr__gpu_ops ops = {"cuDNN", sizeof(convolution), build, run, release, 1};
  const char *version;
  TSR_TRY(open_library(&version));
  return tsr__gpu_create(&ops, product, out);
}

const tsr__baseline tsr__baseline_cudnn = {
    .key = "cudnn",
    .name = "cuDNN convolution (fastest of its heuristic's)",
    .backend = TSR_BACKEND_CUDA,
    .format = TSR_FORMAT_DENSE,
    .open = open_library,
    .create = convolution_create,
    .run = tsr__gpu_run,
    .weights = tsr__gpu_weights,
    .destroy = tsr__gpu_destroy,
};
