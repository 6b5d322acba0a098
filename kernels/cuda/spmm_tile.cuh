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

  int loading = range.begin;  // the step to load next
  Ticket ticket = {};
  if (loading < range.end) ticket = read_ticket<S>(args.steps + loading);
  const auto load_next = [&](int slot) {
    if (loading < range.end) {
      load_step<S>(address + slot * S::kStageBytes, args, token, args.steps + loading, ticket);
      if (++loading < range.end) ticket = read_ticket<S>(args.steps + loading);
    }
    cp_async_commit();  // an empty group too, so that the waits below count steps
  };

  Sums<S> sums = {};
#pragma unroll
  for (int slot = 0; slot < S::kStages - 1; slot++) load_next(slot);
  int slot = 0;
  for (int step = range.begin; step < range.end; step++) {
    cp_async_wait<S::kStages - 2>();
    __syncthreads();  // the step has landed for all, and the slot before it is read out
    load_next(slot == 0 ? S::kStages - 1 : slot - 1);
    const unsigned at = slot * S::kStageBytes;
    if constexpr (kDense)
      multiply_all<T, S>(sums, shared + at, address + at);
    else
      multiply_masked<T, S>(sums, shared + at, address + at);
    slot = slot + 1 == S::kStages ? 0 : slot + 1;
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
