/* Prints what the host knows of every CUDA SpMM kernel, for scripts/check_cubins.py. */
#include <stdio.h>

#include "kernels/cuda/kernel.h"

int main(void) {
  const tsr_cuda_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++)
    printf("%s %s %d %d %d %d %u\n", kernel->name, tsr_format_name(kernel->format), kernel->tile_m,
           kernel->tile_n, kernel->tile_k, kernel->threads, kernel->ops->shared_bytes(kernel));
  return 0;
}
