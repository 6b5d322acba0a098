/* A product on simulated device memory, for tests of the GPU's baselines against their stand-ins.
 */
#ifndef TESSERA_TESTS_GPU_PRODUCT_H
#define TESSERA_TESTS_GPU_PRODUCT_H

#include <cuda.h>

#include "bench/baseline/baseline.h"

typedef struct gpu_product {
  float *weights, *x, *bias; /* host, all of them values of the type */
  CUdeviceptr x_memory, y_memory;
  tsr__gpu_operands gpu;
  tsr__conv_product conv;
  tsr__product product; /* refers to gpu and conv: not to be copied */
} gpu_product;

/* A current context on the first device, as the driver's users make it. */
void gpu_product_context(void);

/* No bias, no activation, no blocks; the default stream. */
void gpu_product_create(gpu_product *p, int64_t m, int64_t k, int64_t n, tsr_dtype dtype);
/* A convolution of so many images with m filters; no bias, sum or ReLU. */
void gpu_product_create_conv(gpu_product *p, const tsr_conv_shape *shape, int64_t images, int64_t m,
                             tsr_dtype dtype);
void gpu_product_destroy(gpu_product *p);

/* Makes a state, runs it, and compares every element with a sum in double, rounded once. A
 * convolution that adds to y finds 0.5 there. */
void gpu_product_expect(gpu_product *p, const tsr__baseline *baseline);

void *device_pointer(CUdeviceptr address);

/* What the stand-in named by the environment variable says of itself. */
void *standin_symbol(const char *variable, const char *symbol);
int standin_live_in(const char *variable);
const char *standin_reason_in(const char *variable);

/* Fails the test unless a call of the stand-in is rejected with the status, and says why. */
#define STANDIN_REJECTS(variable, status, expression)                        \
  do {                                                                       \
    cr_assert_eq((expression), (status), "%s", #expression);                 \
    cr_assert_gt(strlen(standin_reason_in(variable)), 0, "%s", #expression); \
  } while (0)

/* With the function failing with that status, the baseline's create must fail with a message that
 * has the function and the status's name, and leave nothing behind. */
void gpu_product_expect_failure(gpu_product *p, const tsr__baseline *baseline, const char *variable,
                                const char *function, int status, const char *status_name);

/* The same for each of the functions whose failure create notices: not for those that give
 * something back, tell versions or name statuses, which are in `unnoticed`, ended by NULL. */
void gpu_product_expect_failures(gpu_product *p, const tsr__baseline *baseline,
                                 const char *variable, const char *const *functions, size_t count,
                                 const char *const *unnoticed, int status, const char *status_name);

/* What every baseline of the GPU must refuse. */
void gpu_product_expect_refusals(const tsr__baseline *baseline);

/* Without the library, or with another one in its place, open says so. First calls of a process. */
void gpu_product_expect_absent(const tsr__baseline *baseline, const char *variable,
                               const char *a_function);

#endif
