// What whole rows and columns leave, as a smaller dense matrix: activations were gathered before,
// and outputs are scattered afterwards.
#include "kernels/cuda/spmm_tile.cuh"

#define TSR_CUDA_SPMM_KERNEL(format, ops, dtype, name, tile_m, tile_n, tile_k, stages, threads) \
  extern "C" __global__ void __launch_bounds__(threads)                                         \
      name(const __grid_constant__ tsr_cuda_spmm_args args) {                                   \
    using namespace tessera;                                                                    \
    spmm<dtype, Shape<tile_m, tile_n, tile_k, stages, threads, false>, true>(args);             \
  }
#include "kernels/cuda/spmm_compact.inc"
#undef TSR_CUDA_SPMM_KERNEL
