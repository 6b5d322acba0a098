/* The CUDA kernels of one format, each with patterns that it runs, for tests of their launches. */
#ifndef TESSERA_TESTS_CUDA_EACH_KERNEL_H
#define TESSERA_TESTS_CUDA_EACH_KERNEL_H

#include <jansson.h>

#include "tests/cuda/cuda_spmm_case.h"

typedef void each_kernel_run(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what);

/* Calls `run` for each kernel of the format, those of convolutions or the others, in each setting
 * of the simulator. image: path of theirs. */
void each_kernel(const char *image, tsr_format format, int convolution, each_kernel_run *run);

/* The index-th of the patterns that the kernel runs, modulo their number, which it returns: 0, and
 * no pattern, for a convolution that it refuses. conv: NULL for tokens. */
int each_kernel_pattern(const tsr_cuda_spmm_kernel *kernel, const tsr_conv_shape *conv, int index,
                        tsr_pattern *pattern);

/* Of the last launch: fails the test, naming what, where shared memory had bank conflicts, or local
 * memory was used. What copies to shared memory asked for: bytes, and whole sectors in bytes. */
typedef struct each_kernel_traffic {
  double copied_bytes, sector_bytes;
} each_kernel_traffic;
each_kernel_traffic each_kernel_last_traffic(const tsr_cuda_spmm_kernel *kernel, const char *what);

#endif
