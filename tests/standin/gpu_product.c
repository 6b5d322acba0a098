#include "tests/standin/gpu_product.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/half.h"
#include "tessera/tessera.h"
#include "tests/conv_reference.h"
#include "tests/cuda/cuda_matrix.h"

void gpu_product_context(void) {
  CUcontext context;
  cr_assert_eq(cuInit(0), CUDA_SUCCESS);
  cr_assert_eq(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  cr_assert_eq(cuCtxSetCurrent(context), CUDA_SUCCESS);
}

void *device_pointer(CUdeviceptr address) {
  void *pointer;
  memcpy(&pointer, &address, sizeof pointer);
  return pointer;
}

static float *values(uint64_t seed, size_t count, tsr_dtype dtype) {
  float *made = malloc(count * sizeof *made);
  cr_assert(made);
  random_floats(seed, made, count);
  cuda_round(made, count, dtype);
  return made;
}

/* x_count: elements of x. */
static void create(gpu_product *p, int64_t m, int64_t k, int64_t n, size_t x_count,
                   tsr_dtype dtype) {
  size_t tokens = (size_t)tsr__gpu_tokens(n);
  p->weights = values(1, (size_t)(m * k), dtype);
  p->x = values(2, x_count, dtype);
  p->bias = values(3, (size_t)m, dtype);
  uint16_t *rounded = malloc(x_count * sizeof *rounded);
  cr_assert(rounded && tsr__from_f32(p->x, dtype, rounded, x_count));
  p->x_memory = device_copy(rounded, x_count * sizeof *rounded);
  free(rounded);
  p->y_memory = device_room(tokens * (size_t)m * sizeof(uint16_t));
  p->gpu = (tsr__gpu_operands){
      .dtype = dtype, .x = device_pointer(p->x_memory), .y = device_pointer(p->y_memory)};
  p->product = (tsr__product){.m = m, .k = k, .n = n, .weights = p->weights, .gpu = &p->gpu};
}

void gpu_product_create(gpu_product *p, int64_t m, int64_t k, int64_t n, tsr_dtype dtype) {
  create(p, m, k, n, (size_t)(tsr__gpu_tokens(n) * k), dtype);
}

void gpu_product_create_conv(gpu_product *p, const tsr_conv_shape *s, int64_t images, int64_t m,
                             tsr_dtype dtype) {
  int64_t pixels = images * tsr_test_conv_positions(s, 0) * tsr_test_conv_positions(s, 1);
  create(p, m, s->kernel[0] * s->kernel[1] * s->channels, pixels,
         (size_t)(images * s->height * s->width * s->channels), dtype);
  p->conv = (tsr__conv_product){.shape = *s, .images = images};
  p->product.conv = &p->conv;
}

void gpu_product_destroy(gpu_product *p) {
  device_free(p->x_memory);
  device_free(p->y_memory);
  free(p->weights);
  free(p->x);
  free(p->bias);
}

/* ---- results ---- */

static double activated(double value, tsr_activation activation) {
  const double pi = 3.14159265358979323846;
  if (activation == TSR_ACTIVATION_RELU) return fmax(value, 0);
  if (activation == TSR_ACTIVATION_GELU) /* the libraries' approximation */
    return value / 2 * (1 + tanh(sqrt(2 / pi) * (value + 0.044715 * pow(value, 3))));
  return value;
}

static const double added = 0.5;

static double expected(const gpu_product *p, int64_t row, int64_t token) {
  double sum = p->gpu.bias ? (double)p->gpu.bias[row] : 0;
  int64_t k = p->product.k;
  for (int64_t i = 0; i < k; i++)
    sum += (double)p->weights[row * k + i] * (double)p->x[token * k + i];
  return activated(sum, p->gpu.activation);
}

/* All outputs, by token and row; the caller frees them. */
static double *expected_outputs(const gpu_product *p) {
  const tsr__product *product = &p->product;
  const tsr__conv_product *conv = product->conv;
  double *y = malloc((size_t)(product->n * product->m) * sizeof *y);
  cr_assert(y);
  if (conv)
    tsr_test_conv(&conv->shape, p->weights, product->m, p->x, conv->shape.channels, conv->images,
                  y);
  for (int64_t i = 0; i < product->n * product->m; i++) {
    int64_t row = i % product->m;
    if (!conv) {
      y[i] = expected(p, row, i / product->m);
      continue;
    }
    if (conv->bias) y[i] += (double)conv->bias[row];
    if (conv->sum) y[i] += added;
    if (conv->relu) y[i] = fmax(y[i], 0);
  }
  return y;
}

static void compare(const gpu_product *p, const char *key) {
  const tsr__product *product = &p->product;
  size_t count = (size_t)(product->n * product->m);
  uint16_t *raw = malloc(count * sizeof *raw);
  float *y = malloc(count * sizeof *y);
  double *all = expected_outputs(p);
  cr_assert(raw && y);
  device_read(raw, p->y_memory, count * sizeof *raw);
  cr_assert(tsr__to_f32(raw, p->gpu.dtype, y, count));
  for (int64_t token = 0; token < product->n; token++)
    for (int64_t row = 0; row < product->m; row++) {
      double wanted = all[token * product->m + row];
      /* One rounding of the exact value, a subnormal one included. */
      double limit = cuda_epsilon(p->gpu.dtype) * fabs(wanted) + 0x1p-25 + 1e-12;
      cuda_expect_close(key, token, row, (double)y[token * product->m + row], wanted, limit);
    }
  free(raw);
  free(y);
  free(all);
}

static void fill_output(const gpu_product *p, float value) {
  uint16_t rounded;
  cr_assert(tsr__from_f32(&value, p->gpu.dtype, &rounded, 1));
  size_t count = (size_t)(p->product.n * p->product.m);
  cr_assert_eq(cuMemsetD16(p->y_memory, rounded, count), CUDA_SUCCESS);
}

void gpu_product_expect(gpu_product *p, const tsr__baseline *baseline) {
  void *state;
  int sum = p->product.conv && p->conv.sum;
  if (sum) fill_output(p, (float)added);
  cr_assert_eq(baseline->create(&p->product, &state), TSR_OK, "%s", tsr_last_error());
  /* What the choice of an algorithm left there must not count. */
  size_t bytes = (size_t)(p->product.n * p->product.m) * sizeof(uint16_t);
  cr_assert_eq(cuMemsetD8(p->y_memory, 0xff, bytes), CUDA_SUCCESS);
  if (sum) fill_output(p, (float)added);
  cr_assert_eq(baseline->run(state), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(cuStreamSynchronize(p->gpu.stream), CUDA_SUCCESS);
  compare(p, baseline->key);
  tsr__range weights = baseline->weights(state);
  cr_assert(weights.data || weights.bytes == 0);
  baseline->destroy(state);
}

/* ---- the stand-in ---- */

void *standin_symbol(const char *variable, const char *symbol) {
  void *library = dlopen(getenv(variable), RTLD_NOW | RTLD_LOCAL);
  cr_assert(library, "%s: %s", variable, dlerror());
  void *found = dlsym(library, symbol);
  cr_assert(found, "%s", symbol);
  return found;
}

int standin_live_in(const char *variable) {
  int (*live)(void);
  void *symbol = standin_symbol(variable, "standin_live");
  memcpy(&live, &symbol, sizeof live);
  return live();
}

const char *standin_reason_in(const char *variable) {
  const char *(*reason)(void);
  void *symbol = standin_symbol(variable, "standin_reason");
  memcpy(&reason, &symbol, sizeof reason);
  return reason();
}

/* ---- failures ---- */

static size_t free_memory(void) {
  size_t free_bytes, total;
  cr_assert_eq(cuMemGetInfo(&free_bytes, &total), CUDA_SUCCESS);
  return free_bytes;
}

void gpu_product_expect_failure(gpu_product *p, const tsr__baseline *baseline, const char *variable,
                                const char *function, int status, const char *status_name) {
  char wanted[128];
  void *state = p;
  size_t before = free_memory();
  snprintf(wanted, sizeof wanted, "%s:%d", function, status);
  setenv("STANDIN_FAIL", wanted, 1);
  cr_assert_eq(baseline->create(&p->product, &state), TSR_DEVICE, "%s", function);
  unsetenv("STANDIN_FAIL");
  cr_assert_null(state);
  cr_assert(strstr(tsr_last_error(), function), "%s: %s", function, tsr_last_error());
  cr_assert(strstr(tsr_last_error(), status_name), "%s: %s", function, tsr_last_error());
  cr_assert_eq(standin_live_in(variable), 0, "%s", function);
  cr_assert_eq(free_memory(), before, "%s: device memory leaks", function);
}

void gpu_product_expect_failures(gpu_product *p, const tsr__baseline *baseline,
                                 const char *variable, const char *const *functions, size_t count,
                                 const char *const *unnoticed, int status,
                                 const char *status_name) {
  for (size_t f = 0; f < count; f++) {
    const char *const *u = unnoticed;
    while (*u && strcmp(functions[f], *u) != 0) u++;
    if (!*u) gpu_product_expect_failure(p, baseline, variable, functions[f], status, status_name);
  }
}

void gpu_product_expect_refusals(const tsr__baseline *baseline) {
  gpu_product p;
  void *state;
  gpu_product_create(&p, 32, 32, 8, TSR_DTYPE_F16);
  const tsr__product good = p.product;
  const tsr__gpu_operands operands = p.gpu;
#define REFUSED(change)                                                                      \
  do {                                                                                       \
    change;                                                                                  \
    cr_assert_eq(baseline->create(&p.product, &state), TSR_INVALID_ARGUMENT, "%s", #change); \
    cr_assert_null(state);                                                                   \
    p.product = good;                                                                        \
    p.gpu = operands;                                                                        \
  } while (0)
  REFUSED(p.product.m = 0);
  REFUSED(p.product.k = -1);
  REFUSED(p.product.n = INT32_MAX);
  REFUSED(p.product.weights = NULL);
  REFUSED(p.product.gpu = NULL);
  REFUSED(p.gpu.dtype = TSR_DTYPE_F32);
  REFUSED(p.gpu.x = NULL);
  REFUSED(p.gpu.y = NULL);
  REFUSED(p.gpu.y = device_pointer(p.y_memory + 8));
  REFUSED(p.gpu.block = -1);
#undef REFUSED
  cr_assert_eq(baseline->create(NULL, &state), TSR_INVALID_ARGUMENT);
  cr_assert_eq(baseline->create(&p.product, NULL), TSR_INVALID_ARGUMENT);
  baseline->destroy(NULL);
  gpu_product_destroy(&p);
}

void gpu_product_expect_absent(const tsr__baseline *baseline, const char *variable,
                               const char *a_function) {
  const char *version;
  void *state;
  setenv(variable, "/nowhere/library.so", 1);
  cr_assert_eq(baseline->open(&version), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), "/nowhere/library.so"), "%s", tsr_last_error());
  cr_assert_eq(baseline->create(NULL, &state), TSR_NOT_FOUND);
  setenv(variable, "libm.so.6", 1);
  cr_assert_eq(baseline->open(&version), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), a_function), "%s", tsr_last_error());
}
