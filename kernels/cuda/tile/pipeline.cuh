// The main loop: steps land in a ring of stages while others are multiplied; then the epilogue.
#pragma once

#include "kernels/cuda/ptx/cp_async.cuh"
#include "kernels/cuda/tile/epilogue.cuh"

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

// Load has load_next(stage), Multiply has multiply(sums, stage); a stage is an address. Places says
// where tokens lie in C.
template <class T, class S, class Load, class Multiply, class Places = OrderedPlaces<S>>
__device__ __forceinline__ void run_pipeline(const tsr_cuda_spmm_args &args) {
  extern __shared__ __align__(128) unsigned char shared[];
  const unsigned address = shared_address(shared);
  const int row = blockIdx.x * S::kM, token = blockIdx.y * S::kN;
  const StepRange range = step_range(args);

  Load loader(args, token, range.begin, range.end);
  const Multiply multiplier;
  Sums<S> sums = {};
#pragma unroll
  for (int slot = 0; slot < S::kStages - 1; slot++)
    loader.load_next(address + slot * S::kStageBytes);
  const unsigned last = address + (S::kStages - 1) * S::kStageBytes;
  unsigned stage = address, before = last;
  for (int left = range.end - range.begin; left > 0; left--) {
    cp_async_wait<S::kStages - 2>();
    __syncthreads();  // the step has landed for all, and the stage before it is read out
    loader.load_next(before);
    multiplier.multiply(sums, stage);
    before = stage;
    stage = stage == last ? address : stage + S::kStageBytes;
  }

  cp_async_wait<0>();
  __syncthreads();  // the sums' tile lies over the stages
  float *tile = reinterpret_cast<float *>(shared);
  spread_sums<S>(tile, sums);
  const Places places(args, token, tile + S::kN * S::kPitch);
  __syncthreads();
  if (args.splits > 1)
    store_partial<S>(args, tile, places, row);
  else
    store_c<T, S>(args, tile, places, row);
}

}  // namespace tessera
