// Convolutions of filters that keep two of every four elements, through mma.sp.
#include "kernels/cuda/spmm_tile.cuh"

#define TSR_CUDA_SPMM_KERNEL(format, ops, dtype, name, tile_m, tile_n, tile_k, stages, threads) \
  extern "C" __global__ void __launch_bounds__(threads)                                         \
      name(const __grid_constant__ tsr_cuda_spmm_args args) {                                   \
    using namespace tessera;                                                                    \
    conv<dtype, Shape<tile_m, tile_n, tile_k, stages, threads, true>, true>(args);              \
  }
#include "kernels/cuda/conv_nm.inc"
#undef TSR_CUDA_SPMM_KERNEL
