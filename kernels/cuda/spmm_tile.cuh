// The body of every kernel whose weights come in fragments: dense, BCSR, 2:4, and 2:4 inside of
// blocks. A CTA has tile_m rows and tile_n tokens, and goes through the united columns of its rows,
// a few columns of fragments in a step, with the next steps' copies in flight. A convolution is the
// same with other addresses of activations.
#pragma once

#include "kernels/cuda/tile/load.cuh"
#include "kernels/cuda/tile/multiply.cuh"
#include "kernels/cuda/tile/pipeline.cuh"
#include "kernels/cuda/tile/pixels.cuh"

namespace tessera {

template <class T, class S, bool kDense>
__device__ __forceinline__ void spmm(const tsr_cuda_spmm_args &args) {
  run_pipeline<T, S, Loader<S, Tokens<S>>, Multiplier<T, S, kDense>>(args);
}

template <class T, class S, bool kDense>
__device__ __forceinline__ void conv(const tsr_cuda_spmm_args &args) {
  run_pipeline<T, S, Loader<S, Pixels<S>>, Multiplier<T, S, kDense>>(args);
}

}  // namespace tessera
