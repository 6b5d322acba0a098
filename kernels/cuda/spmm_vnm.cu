// Panels of rows that keep four of every M columns, and 2:4 in these, through mma.sp.
#include "kernels/cuda/tile/pipeline.cuh"
#include "kernels/cuda/tile/vnm.cuh"

#define TSR_CUDA_SPMM_KERNEL(format, ops, dtype, name, tile_m, tile_n, tile_k, stages, threads) \
  extern "C" __global__ void __launch_bounds__(threads)                                         \
      name(const __grid_constant__ tsr_cuda_spmm_args args) {                                   \
    using namespace tessera;                                                                    \
    using S = VnmShape<tile_m, tile_n, tile_k, stages, threads>;                                \
    run_pipeline<dtype, S, VnmLoader<S, Features>, VnmMultiplier<dtype, S>>(args);              \
  }
#include "kernels/cuda/spmm_vnm.inc"
#undef TSR_CUDA_SPMM_KERNEL
