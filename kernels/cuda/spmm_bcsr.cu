// Blocks of any multiple of 16 x 16 through mma.sync; and through WMMA, the reference.
#include "kernels/cuda/spmm_tile.cuh"
#include "kernels/cuda/tile/wmma.cuh"

#define TSR_CUDA_SPMM_KERNEL(format, ops, dtype, name, tile_m, tile_n, tile_k, stages, threads) \
  extern "C" __global__ void __launch_bounds__(threads)                                         \
      name(const __grid_constant__ tsr_cuda_spmm_args args) {                                   \
    using namespace tessera;                                                                    \
    spmm<dtype, Shape<tile_m, tile_n, tile_k, stages, threads, false>, false>(args);            \
  }
#include "kernels/cuda/spmm_bcsr.inc"
#undef TSR_CUDA_SPMM_KERNEL

#define TSR_CUDA_SPMM_KERNEL(format, ops, dtype, name, tile_m, tile_n, tile_k, stages, threads)  \
  extern "C" __global__ void __launch_bounds__(threads)                                          \
      name(const __grid_constant__ tsr_cuda_spmm_args args) {                                    \
    using namespace tessera;                                                                     \
    static_assert(tile_m == kBlock && tile_n == kWmmaWarps * kBlock, "as tile/wmma.cuh has it"); \
    spmm_wmma<dtype>(args);                                                                      \
  }
#include "kernels/cuda/spmm_bcsr_wmma.inc"
#undef TSR_CUDA_SPMM_KERNEL
