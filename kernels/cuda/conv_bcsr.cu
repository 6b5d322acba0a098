// Convolutions of filters in blocks of any multiple of 16 x 16, through mma.sync.
#include "kernels/cuda/spmm_tile.cuh"

#define TSR_CUDA_SPMM_KERNEL(format, ops, dtype, name, tile_m, tile_n, tile_k, stages, threads) \
  extern "C" __global__ void __launch_bounds__(threads)                                         \
      name(const __grid_constant__ tsr_cuda_spmm_args args) {                                   \
    using namespace tessera;                                                                    \
    conv<dtype,                                                                                 \
         Shape<tile_m, tile_n, tile_k, stages, threads, false,                                  \
               TSR_CUDA_CONV_BLOCK_FRAGMENTS(tile_m, tile_k)>,                                  \
         false>(args);                                                                          \
  }
#include "kernels/cuda/conv_bcsr.inc"
#undef TSR_CUDA_SPMM_KERNEL
