// What a step brings into shared memory, asynchronously.
#pragma once

#include "kernels/cuda/ptx/cp_async.cuh"
#include "kernels/cuda/tile/shape.cuh"

namespace tessera {

// What a thread must know of a step to load it, read ahead of time.
struct Ticket {
  int column;        // of fragments, for this thread's chunk of B; -1 = none
  int first, count;  // fragments of A
};

template <class S>
__device__ __forceinline__ Ticket read_ticket(const tsr_cuda_step *step) {
  const int chunk = threadIdx.x % 8;
  const int2 fragments = *reinterpret_cast<const int2 *>(&step->first);
  return {step->columns[chunk / (S::kDepth / 8)], fragments.x, fragments.y};
}

// Tokens from `token` on, as [token][64] with the chunks of 16 bytes swizzled by the token, so that
// both these writes and ldmatrix's reads of eight tokens touch every bank once. Zero beyond k and
// n.
template <class S>
__device__ __forceinline__ void load_b(unsigned stage, const tsr_cuda_spmm_args &args, int token,
                                       int column) {
  if (column < 0) return;
  constexpr int kStride = S::kThreads / 8;
  const int chunk = threadIdx.x % 8;
  const int k = column * S::kDepth + chunk % (S::kDepth / 8) * 8;
  const int inside = min(max((args.k - k) * 2, 0), 16);
#pragma unroll
  for (int i = 0; i < S::kN / kStride; i++) {
    const int t = threadIdx.x / 8 + i * kStride;
    const int bytes = token + t < args.n ? inside : 0;
    const char *from = static_cast<const char *>(args.b);
    if (bytes > 0) from += ((token + t) * args.ldb + k) * 2;
    cp_async_16(stage + t * 128 + ((chunk ^ t % 8) * 16), from, bytes);
  }
}

// `count` things of kBytes each, in order.
template <int kThreads, int kMostBytes>
__device__ __forceinline__ void load_run(unsigned to, const char *from, int bytes) {
  constexpr int kTimes = (kMostBytes + kThreads * 16 - 1) / (kThreads * 16);
#pragma unroll
  for (int i = 0; i < kTimes; i++) {
    const int at = (i * kThreads + threadIdx.x) * 16;
    if (at < bytes) cp_async_16(to + at, from + at);
  }
}

template <class S>
__device__ __forceinline__ void load_step(unsigned stage, const tsr_cuda_spmm_args &args, int token,
                                          const tsr_cuda_step *step, const Ticket &ticket) {
  constexpr int kFragments = S::kRows * S::kColumns;
  load_b<S>(stage, args, token, ticket.column);
  load_run<S::kThreads, kFragments * S::kFragmentBytes>(
      stage + S::kValuesAt,
      static_cast<const char *>(args.values) + int64_t(ticket.first) * S::kFragmentBytes,
      ticket.count * S::kFragmentBytes);
  if constexpr (S::kSparse)
    load_run<S::kThreads, kFragments * S::kMetaBytes>(
        stage + S::kMetaAt,
        static_cast<const char *>(args.meta) + int64_t(ticket.first) * S::kMetaBytes,
        ticket.count * S::kMetaBytes);
  load_run<S::kThreads, sizeof(tsr_cuda_step)>(
      stage + S::kStepAt, reinterpret_cast<const char *>(step), sizeof(tsr_cuda_step));
}

}  // namespace tessera
