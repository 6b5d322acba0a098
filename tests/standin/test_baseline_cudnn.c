/* The cuDNN baseline against a stand-in for the library, and the stand-in against its rules. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/baseline/cudnn_api.h"
#include "bench/model_runs.h"
#include "tessera/tessera.h"
#include "tests/cuda/cuda_matrix.h"
#include "tests/standin/gpu_product.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define VARIABLE "TESSERA_CUDNN"
#define BASELINE (&tsr__baseline_cudnn)

static const tsr_dtype dtypes[] = {TSR_DTYPE_F16, TSR_DTYPE_BF16};

/* Strides, paddings and dilations alike in both axes and not, a kernel larger than the image, and
 * an image that is nearly all padding. */
static const struct {
  tsr_conv_shape shape;
  int64_t images, m;
} cases[] = {
    {{5, 7, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, 2, 8},
    {{9, 6, 8, {3, 3}, {2, 2}, {1, 1}, {1, 1}}, 3, 5},
    {{7, 9, 4, {1, 1}, {2, 2}, {0, 0}, {1, 1}}, 2, 17},
    {{6, 10, 8, {2, 3}, {3, 1}, {0, 2}, {1, 3}}, 2, 4},
    {{2, 2, 3, {5, 5}, {1, 2}, {2, 2}, {1, 1}}, 3, 7},
    {{1, 1, 1, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 1, 1},
};

Test(cudnn, convolutions_equal_the_reference, .init = gpu_product_context) {
  for (size_t c = 0; c < COUNT(cases); c++)
    for (int epilogue = 0; epilogue < 8; epilogue++) {
      gpu_product p;
      gpu_product_create_conv(&p, &cases[c].shape, cases[c].images, cases[c].m,
                              dtypes[(c + (size_t)epilogue) % 2]);
      p.conv.bias = epilogue & 1 ? p.bias : NULL;
      p.conv.relu = epilogue >> 1 & 1;
      p.conv.sum = epilogue >> 2;
      gpu_product_expect(&p, BASELINE);
      gpu_product_destroy(&p);
    }
  cr_assert_eq(standin_live_in(VARIABLE), 0);
}

Test(cudnn, products_of_tokens_are_convolutions_of_pixels, .init = gpu_product_context) {
  static const int64_t shapes[][3] = {{64, 64, 16}, {17, 31, 5}, {1, 1, 1}};
  for (size_t s = 0; s < COUNT(shapes); s++)
    for (int i = 0; i < 4; i++) {
      gpu_product p;
      gpu_product_create(&p, shapes[s][0], shapes[s][1], shapes[s][2], dtypes[i % 2]);
      p.gpu.activation = i / 2 ? TSR_ACTIVATION_RELU : TSR_ACTIVATION_NONE;
      gpu_product_expect(&p, BASELINE);
      p.gpu.bias = p.bias;
      gpu_product_expect(&p, BASELINE);
      gpu_product_destroy(&p);
    }
}

Test(cudnn, takes_a_stream_and_a_context_that_is_not_current) {
  gpu_product_context();
  gpu_product p;
  CUstream stream;
  void *state;
  cr_assert_eq(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
  gpu_product_create_conv(&p, &cases[0].shape, 1, 8, TSR_DTYPE_F16);
  p.gpu.stream = stream;
  gpu_product_expect(&p, BASELINE);
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(cuCtxSetCurrent(NULL), CUDA_SUCCESS);
  cr_assert_eq(BASELINE->run(state), TSR_OK, "%s", tsr_last_error());
  BASELINE->destroy(state);
  cr_assert_eq(standin_live_in(VARIABLE), 0);
  gpu_product_context();
  gpu_product_destroy(&p);
  cr_assert_eq(cuStreamDestroy(stream), CUDA_SUCCESS);
}

/* Its convolutions and classifier one after the other, as a race runs them. */
Test(cudnn, a_network_is_its_layers, .init = gpu_product_context) {
  tsr_model *model;
  tsr__model_input input;
  tsr__products_run run;
  cr_assert_eq(tsr_model_preset("fashion-resnet", 1, &model), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr__model_input_create(tsr_model_get_info(model), 1, 1, &input), TSR_OK);
  cr_assert_eq(tsr__products_run_create(model, &tsr__baseline_cublaslt, &input, 1, &run),
               TSR_UNSUPPORTED);
  cr_assert(strstr(tsr_last_error(), "cuBLASLt has no convolutions"), "%s", tsr_last_error());
  cr_assert_eq(tsr__products_run_create(model, BASELINE, &input, 1, &run), TSR_OK, "%s",
               tsr_last_error());
  size_t layers = 0;
  for (size_t i = 0; i < tsr_model_layer_count(model); i++)
    layers += tsr_model_linear(model, i) != NULL;
  cr_assert_eq(run.count, layers);
  cr_assert_eq(tsr__products_run_execute(&run), TSR_OK, "%s", tsr_last_error());
  tsr__products_run_release(&run);
  tsr__model_input_release(&input);
  tsr_model_destroy(model);
  cr_assert_eq(standin_live_in(VARIABLE), 0);
}

/* ---- failures ---- */

Test(cudnn, errors_name_the_call_and_the_status, .init = gpu_product_context) {
  static const char *const unnoticed[] = {"cudnnGetVersion",
                                          "cudnnGetErrorString",
                                          "cudnnDestroy",
                                          "cudnnDestroyTensorDescriptor",
                                          "cudnnDestroyFilterDescriptor",
                                          "cudnnDestroyActivationDescriptor",
                                          "cudnnDestroyConvolutionDescriptor",
                                          NULL};
  static const char *const functions[] = {
#define NAME(type, name, parameters) #name,
      TSR__CUDNN_MAP(NAME)
#undef NAME
  };
  gpu_product p;
  gpu_product_create_conv(&p, &cases[0].shape, 1, 8, TSR_DTYPE_F16);
  p.conv.bias = p.bias;
  gpu_product_expect_failures(&p, BASELINE, VARIABLE, functions, COUNT(functions), unnoticed,
                              CUDNN_STATUS_INTERNAL_ERROR, "CUDNN_STATUS_INTERNAL_ERROR");
  gpu_product_destroy(&p);
}

Test(cudnn, an_error_of_a_run_is_reported, .init = gpu_product_context) {
  gpu_product p;
  void *state;
  gpu_product_create_conv(&p, &cases[0].shape, 1, 8, TSR_DTYPE_F16);
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_OK, "%s", tsr_last_error());
  setenv("STANDIN_FAIL", "cudnnConvolutionBiasActivationForward:5000", 1);
  cr_assert_eq(BASELINE->run(state), TSR_DEVICE);
  cr_assert(strstr(tsr_last_error(), "Forward: CUDNN_STATUS_EXECUTION_FAILED (5000)"), "%s",
            tsr_last_error());
  BASELINE->destroy(state);
  /* No algorithm that was proposed can be used: one of version 9's finer statuses. */
  setenv("STANDIN_FAIL", "cudnnConvolutionBiasActivationForward:3002", 1);
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_UNSUPPORTED);
  cr_assert(strstr(tsr_last_error(), "no algorithm for 8 x 144 x 35"), "%s", tsr_last_error());
  gpu_product_destroy(&p);
}

Test(cudnn, refuses_what_it_cannot_do, .init = gpu_product_context) {
  gpu_product p;
  void *state;
  gpu_product_expect_refusals(BASELINE);
  gpu_product_create(&p, 16, 16, 8, TSR_DTYPE_F16);
  p.gpu.activation = TSR_ACTIVATION_GELU;
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_UNSUPPORTED);
  cr_assert(strstr(tsr_last_error(), "activation"), "%s", tsr_last_error());
  gpu_product_destroy(&p);
  gpu_product_create_conv(&p, &cases[0].shape, 2, 8, TSR_DTYPE_F16);
  p.conv.images = 1;
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_INVALID_ARGUMENT);
  p.conv.images = 2, p.conv.shape.channels = 8;
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_INVALID_ARGUMENT);
  gpu_product_destroy(&p);
}

Test(cudnn, is_absent_without_the_library) {
  gpu_product_expect_absent(BASELINE, VARIABLE, "cudnnGetVersion");
}

Test(cudnn, versions_8_and_9_are_called) {
  const char *version;
  setenv("STANDIN_FAIL", "cudnnGetVersion:7605", 1);
  cr_assert_eq(BASELINE->open(&version), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), "7605"), "%s", tsr_last_error());
  setenv("STANDIN_FAIL", "cudnnGetVersion:8902", 1);
  cr_assert_eq(BASELINE->open(&version), TSR_OK, "%s", tsr_last_error());
  cr_assert_str_eq(version, "8.9.2");
}

/* Version 8 numbers its statuses otherwise. */
Test(cudnn, version_8_has_other_statuses, .init = gpu_product_context) {
  const char *version;
  gpu_product p;
  void *state;
  setenv("STANDIN_FAIL", "cudnnGetVersion:8902", 1);
  cr_assert_eq(BASELINE->open(&version), TSR_OK, "%s", tsr_last_error());
  gpu_product_create_conv(&p, &cases[0].shape, 1, 8, TSR_DTYPE_F16);
  setenv("STANDIN_FAIL", "cudnnConvolutionBiasActivationForward:9", 1);
  cr_assert_eq(BASELINE->create(&p.product, &state), TSR_UNSUPPORTED);
  gpu_product_destroy(&p);
}

/* ---- the stand-in itself ---- */

static tsr__cudnn_api nn;

static void load(void) {
  gpu_product_context();
  void *symbol;
#define LOAD(type, name, parameters)        \
  symbol = standin_symbol(VARIABLE, #name); \
  memcpy(&nn.name, &symbol, sizeof symbol);
  TSR__CUDNN_MAP(LOAD)
#undef LOAD
}

/* Two images of 4 x 5 x 8 under 16 filters of 3 x 3, as the baseline asks for it. */
typedef struct call {
  cudnnHandle_t handle;
  cudnnTensorDescriptor_t x, y, bias;
  cudnnFilterDescriptor_t w;
  cudnnConvolutionDescriptor_t conv;
  cudnnActivationDescriptor_t activation;
  cudnnConvolutionFwdAlgo_t algorithm;
  CUdeviceptr in, out, filters, workspace;
  size_t workspace_bytes;
  float alpha;
} call;

static void describe(call *c) {
  cr_assert_eq(nn.cudnnSetTensor4dDescriptor(c->x, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, 2, 8, 4, 5),
               0);
  cr_assert_eq(nn.cudnnSetTensor4dDescriptor(c->y, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, 2, 16, 4, 5),
               0);
  cr_assert_eq(
      nn.cudnnSetTensor4dDescriptor(c->bias, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, 1, 16, 1, 1), 0);
  cr_assert_eq(nn.cudnnSetFilter4dDescriptor(c->w, CUDNN_DATA_HALF, CUDNN_TENSOR_NHWC, 16, 8, 3, 3),
               0);
  cr_assert_eq(nn.cudnnSetConvolution2dDescriptor(c->conv, 1, 1, 1, 1, 1, 1,
                                                  CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
               0);
  cr_assert_eq(nn.cudnnSetConvolutionMathType(c->conv, CUDNN_TENSOR_OP_MATH), 0);
  cr_assert_eq(nn.cudnnSetActivationDescriptor(c->activation, CUDNN_ACTIVATION_RELU,
                                               CUDNN_NOT_PROPAGATE_NAN, 0.0),
               0);
}

static void prepare(call *c) {
  load();
  *c = (call){.algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
              .workspace_bytes = 4 << 20,
              .alpha = 1};
  cr_assert_eq(nn.cudnnCreate(&c->handle), 0);
  cr_assert_eq(nn.cudnnCreateTensorDescriptor(&c->x), 0);
  cr_assert_eq(nn.cudnnCreateTensorDescriptor(&c->y), 0);
  cr_assert_eq(nn.cudnnCreateTensorDescriptor(&c->bias), 0);
  cr_assert_eq(nn.cudnnCreateFilterDescriptor(&c->w), 0);
  cr_assert_eq(nn.cudnnCreateConvolutionDescriptor(&c->conv), 0);
  cr_assert_eq(nn.cudnnCreateActivationDescriptor(&c->activation), 0);
  describe(c);
  uint16_t zeros[16 * 72] = {0};
  c->in = device_copy(zeros, 2 * 4 * 5 * 8 * 2);
  c->out = device_copy(zeros, 2 * 4 * 5 * 16 * 2);
  c->filters = device_copy(zeros, sizeof zeros);
  c->workspace = device_room(c->workspace_bytes);
}

static cudnnStatus_t forward(const call *c) {
  return nn.cudnnConvolutionBiasActivationForward(
      c->handle, &c->alpha, c->x, device_pointer(c->in), c->w, device_pointer(c->filters), c->conv,
      c->algorithm, device_pointer(c->workspace), c->workspace_bytes, &c->alpha, c->y,
      device_pointer(c->out), c->bias, device_pointer(c->filters), c->activation, c->y,
      device_pointer(c->out));
}

#define REJECTED(status, expression) STANDIN_REJECTS(VARIABLE, status, expression)
#define BAD CUDNN_STATUS_BAD_PARAM
#define UNSUPPORTED CUDNN_STATUS_NOT_SUPPORTED

Test(cudnn_standin, rejects_wrong_descriptors) {
  call c;
  prepare(&c);
  REJECTED(BAD, nn.cudnnSetTensor4dDescriptor(c.x, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, 0, 8, 4, 5));
  REJECTED(UNSUPPORTED, nn.cudnnSetTensor4dDescriptor(c.x, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF,
                                                      1 << 16, 8, 1 << 8, 1 << 8));
  REJECTED(BAD,
           nn.cudnnSetFilter4dDescriptor(c.w, CUDNN_DATA_HALF, CUDNN_TENSOR_NHWC, 16, 8, 3, 0));
  REJECTED(BAD, nn.cudnnSetConvolution2dDescriptor(c.conv, -1, 1, 1, 1, 1, 1,
                                                   CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  REJECTED(BAD, nn.cudnnSetConvolution2dDescriptor(c.conv, 1, 1, 1, 0, 1, 1,
                                                   CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  REJECTED(BAD, nn.cudnnCreate(NULL));
  cr_assert_eq(nn.cudnnDestroyTensorDescriptor(c.bias), 0);
  REJECTED(BAD, nn.cudnnDestroyTensorDescriptor(c.bias));
  REJECTED(BAD, forward(&c));
  cr_assert_eq(cuCtxSetCurrent(NULL), CUDA_SUCCESS);
  REJECTED(CUDNN_STATUS_NOT_INITIALIZED, nn.cudnnCreate(&c.handle));
}

Test(cudnn_standin, rejects_wrong_problems) {
  call c;
  prepare(&c);
  nn.cudnnSetTensor4dDescriptor(c.y, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, 2, 16, 4, 4);
  REJECTED(BAD, forward(&c));
  describe(&c);
  nn.cudnnSetFilter4dDescriptor(c.w, CUDNN_DATA_HALF, CUDNN_TENSOR_NHWC, 16, 4, 3, 3);
  REJECTED(BAD, forward(&c));
  describe(&c);
  nn.cudnnSetTensor4dDescriptor(c.x, CUDNN_TENSOR_NCHW, CUDNN_DATA_HALF, 2, 8, 4, 5);
  REJECTED(UNSUPPORTED, forward(&c));
  describe(&c);
  nn.cudnnSetTensor4dDescriptor(c.x, CUDNN_TENSOR_NHWC, CUDNN_DATA_BFLOAT16, 2, 8, 4, 5);
  REJECTED(UNSUPPORTED, forward(&c));
  describe(&c);
  nn.cudnnSetConvolution2dDescriptor(c.conv, 1, 1, 1, 1, 1, 1, CUDNN_CONVOLUTION, CUDNN_DATA_FLOAT);
  REJECTED(UNSUPPORTED, forward(&c));
  describe(&c);
  nn.cudnnSetTensor4dDescriptor(c.bias, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, 1, 8, 1, 1);
  REJECTED(UNSUPPORTED, forward(&c));
  describe(&c);
  nn.cudnnSetActivationDescriptor(c.activation, CUDNN_ACTIVATION_RELU, CUDNN_PROPAGATE_NAN, 0.0);
  REJECTED(UNSUPPORTED, forward(&c));
}

Test(cudnn_standin, rejects_wrong_calls) {
  call c;
  prepare(&c);
  cr_assert_eq(forward(&c), 0, "%s", standin_reason_in(VARIABLE));
  const call good = c;
#define WITH(status, change)       \
  do {                             \
    change;                        \
    REJECTED(status, forward(&c)); \
    c = good;                      \
  } while (0)
  WITH(BAD, c.workspace_bytes = 1024);
  WITH(BAD, c.workspace += 8);
  WITH(BAD, c.in = 0);
  WITH(BAD, c.in += 8);
  WITH(BAD, c.in = c.out);
  WITH(CUDNN_STATUS_EXECUTION_FAILED, c.in += 2 * 4 * 5 * 8);
  WITH(UNSUPPORTED, c.algorithm = CUDNN_CONVOLUTION_FWD_ALGO_FFT);
  c.algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
  cr_assert_eq(forward(&c), 0, "%s", standin_reason_in(VARIABLE));
  nn.cudnnSetActivationDescriptor(c.activation, CUDNN_ACTIVATION_IDENTITY, CUDNN_NOT_PROPAGATE_NAN,
                                  0.0);
  REJECTED(UNSUPPORTED, forward(&c));
  cr_assert_eq(nn.cudnnDestroy(c.handle), 0);
  REJECTED(BAD, forward(&c));
}
