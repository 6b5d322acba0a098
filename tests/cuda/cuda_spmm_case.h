/* One CUDA SpMM kernel on one random layer, launched through the driver API on the simulator. */
#ifndef TESSERA_TESTS_CUDA_SPMM_CASE_H
#define TESSERA_TESTS_CUDA_SPMM_CASE_H

#include "kernels/cuda/kernel.h"
#include "tests/gpusim/cases/device_case.h"
#include "tests/spmm_case.h"

/* A random layer whose weights, inputs and residual the kernel's element type holds exactly. */
spmm_case cuda_spmm_case_create(random_state *random, const tsr_cuda_spmm_kernel *kernel,
                                const tsr_pattern *pattern, double density, int64_t m, int64_t k,
                                int64_t tokens, int64_t pad);

/* How a case is run. */
typedef struct cuda_spmm_run {
  int64_t tokens;
  spmm_variant variant; /* ignored where splits > 1 */
  int64_t ldc_pad;
  int32_t splits;
  /* NULL: a product of tokens. Else x of the case is what lies under the kernel at each output
   * pixel (cuda_spmm_case_gather), and the GPU gets the images themselves. */
  const tsr_conv_shape *conv;
  const float *images; /* [..., height, width, channels] */
  int64_t pixel_pad;   /* elements between pixels, beside those up to a multiple of 8 */
} cuda_spmm_run;

/* Makes x of the case, and its sums, those of a convolution over the images. */
void cuda_spmm_case_gather(spmm_case *c, const tsr_pattern *pattern, const tsr_conv_shape *conv,
                           const float *images);

/* How far an output may lie from the double reference. */
double cuda_spmm_tolerance(const spmm_case *c, tsr_dtype dtype, double expected);

/* Runs it and compares every output with the double reference; what lies beyond row m stays as it
 * was. Fails the running test, naming `what`. */
void cuda_spmm_check(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const spmm_case *c,
                     const tsr_pattern *pattern, cuda_spmm_run run, const char *what);

#endif
