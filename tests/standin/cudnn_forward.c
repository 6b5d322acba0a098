/* A stand-in for cuDNN: the choice of an algorithm, and the convolution. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/standin/cudnn_objects.h"

enum { PROPOSALS = 4, PRECOMPUTED = 4 << 20, ALIGNMENT = 16 };

static const size_t winograd_workspace = (size_t)1 << 30;

typedef struct {
  const handle_object *handle;
  const tensor_object *x, *w, *y;
  const convolution_object *conv;
} problem;

/* ---- what is asked for ---- */

static cudnnStatus_t find_problem(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                  cudnnFilterDescriptor_t w,
                                  cudnnConvolutionDescriptor_t convolution,
                                  cudnnTensorDescriptor_t y, problem *out) {
  *out = (problem){standin_find(handle, HANDLE), standin_find(x, TENSOR), standin_find(w, FILTER),
                   standin_find(y, TENSOR), standin_find(convolution, CONVOLUTION)};
  STANDIN_REQUIRE(out->handle && out->handle->context == standin_context(), BAD,
                  "no handle of this context");
  STANDIN_REQUIRE(out->x && out->w && out->y && out->conv, BAD, "no such descriptor");
  STANDIN_REQUIRE(out->x->set && out->w->set && out->y->set && out->conv->set, BAD,
                  "a descriptor that says nothing");
  return CUDNN_STATUS_SUCCESS;
}

static int output_size(const convolution_object *c, int axis, int size, int kernel) {
  return (size + 2 * c->padding[axis] - ((kernel - 1) * c->dilation[axis] + 1)) / c->stride[axis] +
         1;
}

static cudnnStatus_t check_problem(const problem *p) {
  const tensor_object *x = p->x, *w = p->w, *y = p->y;
  STANDIN_REQUIRE(x->c == w->c, BAD, "%d channels under filters of %d", x->c, w->c);
  STANDIN_REQUIRE(y->n == x->n && y->c == w->n && y->h == output_size(p->conv, 0, x->h, w->h) &&
                      y->w == output_size(p->conv, 1, x->w, w->w),
                  BAD, "the output is %d x %d x %d x %d", y->n, y->c, y->h, y->w);
  STANDIN_REQUIRE((x->type == CUDNN_DATA_HALF || x->type == CUDNN_DATA_BFLOAT16) &&
                      x->type == w->type && x->type == y->type &&
                      p->conv->compute == CUDNN_DATA_FLOAT,
                  CUDNN_STATUS_NOT_SUPPORTED, "types");
  STANDIN_REQUIRE(x->format == CUDNN_TENSOR_NHWC && w->format == CUDNN_TENSOR_NHWC &&
                      y->format == CUDNN_TENSOR_NHWC,
                  CUDNN_STATUS_NOT_SUPPORTED, "formats");
  STANDIN_REQUIRE(p->conv->mode == CUDNN_CROSS_CORRELATION, CUDNN_STATUS_NOT_SUPPORTED, "mode");
  return CUDNN_STATUS_SUCCESS;
}

/* Bytes of workspace; a status for an algorithm that cannot be had. */
static cudnnStatus_t workspace_of(const problem *p, cudnnConvolutionFwdAlgo_t algorithm,
                                  size_t *bytes) {
  *bytes = 0;
  if (algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM) return CUDNN_STATUS_SUCCESS;
  if (algorithm == CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED) {
    *bytes = winograd_workspace;
    return CUDNN_STATUS_SUCCESS;
  }
  STANDIN_REQUIRE(algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
                  CUDNN_STATUS_NOT_SUPPORTED, "algorithm %d", (int)algorithm);
  *bytes = p->conv->math == CUDNN_TENSOR_OP_MATH ? PRECOMPUTED : PRECOMPUTED / 2;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
    cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y,
    cudnnConvolutionFwdAlgo_t algorithm, size_t *bytes) {
  STANDIN_ENTER(cudnnStatus_t);
  problem p;
  cudnnStatus_t status = find_problem(handle, x, w, convolution, y, &p);
  if (status == CUDNN_STATUS_SUCCESS) status = check_problem(&p);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  STANDIN_REQUIRE(bytes, BAD, "no place for the bytes");
  return workspace_of(&p, algorithm, bytes);
}

/* Two that work, one that wants a lot of workspace, and one that cannot be had. */
cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(
    cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
    cudnnConvolutionDescriptor_t convolution, cudnnTensorDescriptor_t y, int requested,
    int *returned, cudnnConvolutionFwdAlgoPerf_t *results) {
  STANDIN_ENTER(cudnnStatus_t);
  static const cudnnConvolutionFwdAlgo_t algorithms[PROPOSALS] = {
      CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM,
      CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD_NONFUSED, CUDNN_CONVOLUTION_FWD_ALGO_FFT};
  problem p;
  cudnnStatus_t status = find_problem(handle, x, w, convolution, y, &p);
  if (status == CUDNN_STATUS_SUCCESS) status = check_problem(&p);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  STANDIN_REQUIRE(returned && results && requested > 0, BAD, "arguments");
  *returned = requested < PROPOSALS ? requested : PROPOSALS;
  for (int i = 0; i < *returned; i++) {
    cudnnConvolutionFwdAlgoPerf_t *r = &results[i];
    memset(r, 0, sizeof *r);
    r->algo = algorithms[i];
    r->status = workspace_of(&p, algorithms[i], &r->memory);
    r->time = -1;
    r->determinism = CUDNN_DETERMINISTIC;
    r->mathType = p.conv->math;
  }
  return CUDNN_STATUS_SUCCESS;
}

/* ---- the convolution ---- */

typedef struct {
  const tensor_object *z, *bias;
  const activation_object *activation;
} epilogue;

static cudnnStatus_t check_epilogue(const problem *p, const epilogue *e,
                                    cudnnConvolutionFwdAlgo_t algorithm) {
  STANDIN_REQUIRE(
      e->z && e->z->set && e->bias && e->bias->set && e->activation && e->activation->set, BAD,
      "no such descriptor");
  STANDIN_REQUIRE(!memcmp(e->z, p->y, sizeof *e->z), CUDNN_STATUS_NOT_SUPPORTED,
                  "z is described as other than y");
  STANDIN_REQUIRE(e->bias->n == 1 && e->bias->c == p->y->c && e->bias->h == 1 && e->bias->w == 1 &&
                      e->bias->type == p->y->type,
                  CUDNN_STATUS_NOT_SUPPORTED, "the bias");
  cudnnActivationMode_t mode = e->activation->mode;
  STANDIN_REQUIRE(mode == CUDNN_ACTIVATION_RELU || mode == CUDNN_ACTIVATION_IDENTITY,
                  CUDNN_STATUS_NOT_SUPPORTED, "activation %d", (int)mode);
  STANDIN_REQUIRE(e->activation->nan == CUDNN_NOT_PROPAGATE_NAN, CUDNN_STATUS_NOT_SUPPORTED,
                  "an activation that propagates NaN");
  STANDIN_REQUIRE(mode == CUDNN_ACTIVATION_RELU ||
                      algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
                  CUDNN_STATUS_NOT_SUPPORTED, "algorithm %d without an activation", (int)algorithm);
  return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t check_workspace(const problem *p, cudnnConvolutionFwdAlgo_t algorithm,
                                     const void *workspace, size_t bytes) {
  size_t needed;
  cudnnStatus_t status = workspace_of(p, algorithm, &needed);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  STANDIN_REQUIRE(bytes >= needed, BAD, "%zu bytes of workspace", bytes);
  STANDIN_REQUIRE(
      bytes == 0 || (standin_aligned(workspace, ALIGNMENT) && standin_allocated(workspace, bytes)),
      BAD, "workspace of %zu bytes is not there", bytes);
  return CUDNN_STATUS_SUCCESS;
}

static size_t count_of(const tensor_object *t) { return (size_t)t->n * t->c * t->h * t->w; }

static double under_filter(const problem *p, const double *x, const double *w, int image, int row,
                           int column) {
  const convolution_object *c = p->conv;
  double sum = 0;
  for (int i = 0; i < p->w->h; i++)
    for (int j = 0; j < p->w->w; j++) {
      int h = row * c->stride[0] + i * c->dilation[0] - c->padding[0];
      int v = column * c->stride[1] + j * c->dilation[1] - c->padding[1];
      if (h < 0 || h >= p->x->h || v < 0 || v >= p->x->w) continue;
      const double *pixel = x + (((size_t)image * p->x->h + h) * p->x->w + v) * p->x->c;
      const double *tap = w + ((size_t)i * p->w->w + j) * p->w->c;
      for (int channel = 0; channel < p->x->c; channel++) sum += pixel[channel] * tap[channel];
    }
  return sum;
}

/* y holds z before. */
static void compute(const problem *p, double alpha, const double *x, const double *w, double added,
                    const double *bias, cudnnActivationMode_t mode, double *y) {
  size_t filter = count_of(p->w) / (size_t)p->w->n;
  for (size_t i = 0; i < count_of(p->y); i++) {
    int k = (int)(i % (size_t)p->y->c);
    size_t pixel = i / (size_t)p->y->c;
    int column = (int)(pixel % (size_t)p->y->w), row = (int)(pixel / (size_t)p->y->w % p->y->h);
    int image = (int)(pixel / (size_t)p->y->w / (size_t)p->y->h);
    double sum = alpha * under_filter(p, x, w + k * filter, image, row, column);
    sum += (added != 0 ? added * y[i] : 0) + bias[k];
    y[i] = mode == CUDNN_ACTIVATION_RELU ? fmax(sum, 0) : sum;
  }
}

static cudaDataType type_of(cudnnDataType_t type) {
  return type == CUDNN_DATA_HALF ? CUDA_R_16F : CUDA_R_16BF;
}

typedef struct {
  const void *x, *w, *z, *bias;
  void *y;
} operands;

static cudnnStatus_t execute(const problem *p, const epilogue *e, float alpha, float added,
                             const operands *at) {
  cudaDataType type = type_of(p->x->type);
  cudaStream_t stream = p->handle->stream;
  double *x = standin_read(at->x, count_of(p->x), type, stream);
  double *w = standin_read(at->w, count_of(p->w), type, stream);
  double *bias = standin_read(at->bias, count_of(e->bias), type, stream);
  double *y = added != 0 ? standin_read(at->z, count_of(p->y), type, stream)
                         : calloc(count_of(p->y), sizeof *y);
  int done = x && w && bias && y;
  if (done) {
    compute(p, (double)alpha, x, w, (double)added, bias, e->activation->mode, y);
    done = standin_write(at->y, y, count_of(p->y), type);
  }
  free(x);
  free(w);
  free(bias);
  free(y);
  STANDIN_REQUIRE(done, CUDNN_STATUS_EXECUTION_FAILED, "the driver refused");
  return CUDNN_STATUS_SUCCESS;
}

/* Only z and y may be the same. */
static int overlap(const void *a, const tensor_object *a_is, const void *b,
                   const tensor_object *b_is) {
  uintptr_t first = (uintptr_t)a, second = (uintptr_t)b;
  return first < second + 2 * count_of(b_is) && second < first + 2 * count_of(a_is);
}

static cudnnStatus_t check_operands(const problem *p, const operands *at) {
  STANDIN_REQUIRE(at->x && at->w && at->z && at->bias && at->y, BAD, "no data");
  STANDIN_REQUIRE(standin_aligned(at->x, ALIGNMENT) && standin_aligned(at->w, ALIGNMENT) &&
                      standin_aligned(at->y, ALIGNMENT),
                  BAD, "tensor cores need data aligned to 16 bytes");
  STANDIN_REQUIRE(!overlap(at->x, p->x, at->y, p->y) && !overlap(at->w, p->w, at->y, p->y), BAD,
                  "y lies over x or w");
  STANDIN_REQUIRE(at->z == at->y || !overlap(at->z, p->y, at->y, p->y), BAD,
                  "y lies over a part of z");
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t handle, const void *alpha1, cudnnTensorDescriptor_t xDesc, const void *x,
    cudnnFilterDescriptor_t wDesc, const void *w, cudnnConvolutionDescriptor_t convolution,
    cudnnConvolutionFwdAlgo_t algorithm, void *workspace, size_t workspace_bytes,
    const void *alpha2, cudnnTensorDescriptor_t zDesc, const void *z,
    cudnnTensorDescriptor_t biasDesc, const void *bias, cudnnActivationDescriptor_t activation,
    cudnnTensorDescriptor_t yDesc, void *y) {
  STANDIN_ENTER(cudnnStatus_t);
  problem p;
  epilogue e = {standin_find(zDesc, TENSOR), standin_find(biasDesc, TENSOR),
                standin_find(activation, ACTIVATION)};
  operands at = {x, w, z, bias, y};
  cudnnStatus_t status = find_problem(handle, xDesc, wDesc, convolution, yDesc, &p);
  if (status == CUDNN_STATUS_SUCCESS) status = check_problem(&p);
  if (status == CUDNN_STATUS_SUCCESS) status = check_epilogue(&p, &e, algorithm);
  if (status == CUDNN_STATUS_SUCCESS)
    status = check_workspace(&p, algorithm, workspace, workspace_bytes);
  if (status == CUDNN_STATUS_SUCCESS) status = check_operands(&p, &at);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  STANDIN_REQUIRE(alpha1 && alpha2, BAD, "no alpha1 or alpha2");
  float scales[2];
  memcpy(&scales[0], alpha1, sizeof scales[0]);
  memcpy(&scales[1], alpha2, sizeof scales[1]);
  return execute(&p, &e, scales[0], scales[1], &at);
}
