// The body of every kernel whose weights come in fragments: dense, BCSR, 2:4, and 2:4 inside of
// blocks. A CTA has tile_m rows and tile_n tokens, and goes through the united columns of its rows,
// a few columns of fragments in a step, with the next steps' copies in flight.
#pragma once

#include "kernels/cuda/tile/epilogue.cuh"
#include "kernels/cuda/tile/load.cuh"
#include "kernels/cuda/tile/multiply.cuh"

namespace tessera {

// This CTA's part of the steps of its rows.
struct StepRange {
  int begin, end;
};

__device__ __forceinline__ StepRange step_range(const tsr_cuda_spmm_args &args) {
  const int first = args.step_offsets[blockIdx.x];
  const int64_t count = args.step_offsets[blockIdx.x + 1] - first;
  return {first + int(count * blockIdx.z / args.splits),
          first + int(count * (blockIdx.z + 1) / args.splits)};
}

template <class T, class S, bool kDense>
__device__ __forceinline__ void spmm(const tsr_cuda_spmm_args &args) {
  extern __shared__ __align__(128) unsigned char shared[];
  const unsigned address = shared_address(shared);
  const int row = blockIdx.x * S::kM, token = blockIdx.y * S::kN;
  const StepRange range = step_range(args);

  Loader<S> loader(args, token, range.begin, range.end);
  const Multiplier<T, S> multiplier;
  Sums<S> sums = {};
#pragma unroll
  for (int slot = 0; slot < S::kStages - 1; slot++)
    loader.template load_next<kDense>(address + slot * S::kStageBytes);
  const unsigned last = address + (S::kStages - 1) * S::kStageBytes;
  unsigned stage = address, before = last;
  for (int left = range.end - range.begin; left > 0; left--) {
    cp_async_wait<S::kStages - 2>();
    __syncthreads();  // the step has landed for all, and the stage before it is read out
    loader.template load_next<kDense>(before);
    if constexpr (kDense)
      multiplier.multiply_all(sums, stage);
    else
      multiplier.multiply_masked(sums, stage);
    before = stage;
    stage = stage == last ? address : stage + S::kStageBytes;
  }

  cp_async_wait<0>();
  __syncthreads();  // the sums' tile lies over the stages
  float *tile = reinterpret_cast<float *>(shared);
  spread_sums<S>(tile, sums);
  __syncthreads();
  if (args.splits > 1)
    store_partial<S>(args, tile, row, token);
  else
    store_c<T, S>(args, tile, row, token);
}

}  // namespace tessera
