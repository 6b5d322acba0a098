// What a step brings into shared memory, asynchronously.
#pragma once

#include "kernels/cuda/ptx/cp_async.cuh"
#include "kernels/cuda/ptx/keep.cuh"
#include "kernels/cuda/ptx/load_global.cuh"
#include "kernels/cuda/tile/shape.cuh"
#include "kernels/cuda/tile/unroll.cuh"

namespace tessera {

// This thread's chunk of 16 bytes in a step's part of B, and the tokens of which it loads it: every
// kStride-th. In shared memory B is [token][64] with its chunks swizzled by the token, so that both
// these writes and ldmatrix's reads of eight tokens touch every bank once.
template <class S>
struct ChunkOfB {
  static constexpr int kStride = S::kThreads / 8, kTimes = S::kN / kStride;
  static constexpr int kChunks = S::kDepth / 8;  // of a column of fragments
  static_assert(kStride % 8 == 0, "a thread's tokens have one swizzle");

  static __device__ __forceinline__ int index() { return threadIdx.x % 8; }
  static __device__ __forceinline__ int first_token() { return threadIdx.x / 8; }
  // In a column of fragments.
  static __device__ __forceinline__ int shift() { return index() % kChunks * 8; }
  // Where it goes in a stage, of the first token.
  static __device__ __forceinline__ unsigned place() {
    return first_token() * 128 + ((index() ^ first_token() % 8) * 16);
  }
};

// B as tokens: each ldb elements behind the one before.
template <class S>
class Tokens {
 public:
  __device__ __forceinline__ Tokens(const tsr_cuda_spmm_args &args, int token) {
    inside_ = (args.k - Chunk::shift()) * 2;
    unroll<Chunk::kTimes>([&](auto i) {
      // The last token again instead of those beyond n: their sums are dropped.
      const int64_t t = min(token + Chunk::first_token() + i.value * Chunk::kStride, args.n - 1);
      tokens_[i.value] = static_cast<const char *>(args.b) + (t * args.ldb + Chunk::shift()) * 2;
      keep(tokens_[i.value]);
    });
    keep(inside_);
  }

  // Zeros beyond k.
  __device__ __forceinline__ void load(unsigned to, int column) const {
    const int64_t from = column * (S::kDepth * 2);
    const int bytes = max(min(inside_ - int(from), 16), 0);
    unroll<Chunk::kTimes>([&](auto i) {
      cp_async_16_at<i.value * Chunk::kStride * 128>(to, tokens_[i.value] + from, bytes);
    });
  }

 private:
  using Chunk = ChunkOfB<S>;

  const char *tokens_[Chunk::kTimes];  // at this thread's chunk of column 0
  int inside_;                         // bytes of a token from this chunk on
};

// A thread's part in loading steps one after the other. B says where activations lie.
template <class S, class B>
class Loader {
 public:
  __device__ __forceinline__ Loader(const tsr_cuda_spmm_args &args, int token, int begin, int end)
      : b_(args, token),
        values_(static_cast<const char *>(args.values) + thread_bytes()),
        meta_(static_cast<const char *>(args.meta) + thread_bytes()),
        step_(reinterpret_cast<const char *>(args.steps + begin)),
        left_(end - begin) {
    to_ = ChunkOfB<S>::place();
    column_at_ = ChunkOfB<S>::index() / ChunkOfB<S>::kChunks * 4;
    keep(to_);
    keep(column_at_);
    keep(step_);
    keep(values_);
    keep(meta_);
    if (left_ > 0) read_ticket();
  }

  // The next step, if there is one. A group is closed in any case, so that waits count steps.
  __device__ __forceinline__ void load_next(unsigned stage) {
    if (left_ > 0) {
      if (column_ >= 0) b_.load(stage + to_, column_);
      load_run<S::kFragments * S::kFragmentBytes>(stage + S::kValuesAt, values_, S::kFragmentBytes);
      if constexpr (S::kSparse)
        load_run<S::kFragments * S::kMetaBytes>(stage + S::kMetaAt, meta_, S::kMetaBytes);
      if (thread_bytes() < int(sizeof(tsr_cuda_step)))
        cp_async_16(stage + S::kStepAt + thread_bytes(), step_ + thread_bytes());
      step_ += sizeof(tsr_cuda_step);
      if (--left_ > 0) read_ticket();
    }
    cp_async_commit();
  }

 private:
  static __device__ __forceinline__ int thread_bytes() { return threadIdx.x * 16; }

  // Ahead of time: the step's own record must not be waited for.
  __device__ __forceinline__ void read_ticket() {
    column_ = load_global_4(step_ + column_at_);
    load_global_8(fragments_, step_ + offsetof(tsr_cuda_step, first));
  }

  // The step's things of `size` bytes each, kMost bytes at most.
  template <int kMost>
  __device__ __forceinline__ void load_run(unsigned stage, const char *all, int size) const {
    const char *from = all + int64_t(fragments_[0]) * size;
    const unsigned to = stage + thread_bytes();
    const int bytes = fragments_[1] * size - thread_bytes();
    bool more = true;
    unroll<(kMost + S::kThreads * 16 - 1) / (S::kThreads * 16)>([&](auto i) {
      constexpr int at = i.value * S::kThreads * 16;
      if (more = more && bytes > at; more) cp_async_16_at<at>(to, from);
    });
  }

  B b_;
  const char *values_, *meta_;
  const char *step_;  // the next one
  int left_;          // steps
  int column_at_;     // where a step names the column of this thread's chunk
  unsigned to_;
  int column_ = 0;         // of the next step; -1 = none
  int fragments_[2] = {};  // of the next step: the first, how many
};

}  // namespace tessera
