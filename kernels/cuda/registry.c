#include "kernels/cuda/kernel.h"

extern const tsr_cuda_spmm_ops tsr__cuda_conv_ops, tsr__cuda_tile_ops, tsr__cuda_compact_ops,
    tsr__cuda_csr_ops, tsr__cuda_fold_ops, tsr__cuda_vnm_ops, tsr__cuda_wmma_ops;

static const tsr_cuda_spmm_kernel kernels[] = {
#define TSR_CUDA_SPMM_KERNEL(format, ops, dtype, name, tile_m, tile_n, tile_k, stages, threads) \
  {#name,   TSR_FORMAT_##format,   TSR_DTYPE_##dtype, tile_m, tile_n, tile_k, stages,           \
   threads, &tsr__cuda_##ops##_ops},
#include "kernels/cuda/kernels.inc"
#undef TSR_CUDA_SPMM_KERNEL
};

enum { KERNEL_COUNT = sizeof kernels / sizeof kernels[0] };

const tsr_cuda_spmm_kernel *tsr__cuda_spmm_kernel_at(size_t index) {
  return index < KERNEL_COUNT ? &kernels[index] : NULL;
}

void tsr__cuda_spmm_launch(const tsr_cuda_spmm_kernel *kernel, const tsr_cuda_spmm_args *args,
                           tsr_cuda_launch *launch) {
  uint32_t tokens = (uint32_t)tsr__cuda_tokens(args);
  *launch = (tsr_cuda_launch){
      .grid = {((uint32_t)args->m + (uint32_t)kernel->tile_m - 1) / (uint32_t)kernel->tile_m,
               (tokens + (uint32_t)kernel->tile_n - 1) / (uint32_t)kernel->tile_n,
               (uint32_t)args->splits},
      .threads = (uint32_t)kernel->threads,
      .shared_bytes = kernel->ops->shared_bytes(kernel)};
}
