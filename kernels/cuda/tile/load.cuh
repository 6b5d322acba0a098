// What a step brings into shared memory, asynchronously.
#pragma once

#include "kernels/cuda/ptx/cp_async.cuh"
#include "kernels/cuda/ptx/keep.cuh"
#include "kernels/cuda/ptx/load_global.cuh"
#include "kernels/cuda/tile/shape.cuh"
#include "kernels/cuda/tile/unroll.cuh"

namespace tessera {

// A thread's part in loading steps one after the other. Of B it has one chunk of 16 bytes of every
// kStride-th token. In shared memory B is [token][64] with its chunks swizzled by the token, so
// that both these writes and ldmatrix's reads of eight tokens touch every bank once.
template <class S>
class Loader {
 public:
  __device__ __forceinline__ Loader(const tsr_cuda_spmm_args &args, int token, int begin, int end)
      : values_(static_cast<const char *>(args.values) + thread_bytes()),
        meta_(static_cast<const char *>(args.meta) + thread_bytes()),
        step_(reinterpret_cast<const char *>(args.steps + begin)),
        left_(end - begin) {
    const int chunk = threadIdx.x % 8, first = threadIdx.x / 8;
    const int shift = chunk % kChunks * 16;
    inside_ = args.k * 2 - shift;
    to_ = first * 128 + ((chunk ^ first % 8) * 16);
    column_at_ = chunk / kChunks * 4;
    unroll<kTimes>([&](auto i) {
      // The last token again instead of those beyond n: their sums are dropped.
      const int64_t t = min(token + first + i.value * kStride, args.n - 1);
      tokens_[i.value] = static_cast<const char *>(args.b) + t * args.ldb * 2 + shift;
      keep(tokens_[i.value]);
    });
    keep(inside_);
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
      load_b(stage);
      load_run<kFragments * S::kFragmentBytes>(stage + S::kValuesAt, values_, S::kFragmentBytes);
      if constexpr (S::kSparse)
        load_run<kFragments * S::kMetaBytes>(stage + S::kMetaAt, meta_, S::kMetaBytes);
      if (thread_bytes() < int(sizeof(tsr_cuda_step)))
        cp_async_16(stage + S::kStepAt + thread_bytes(), step_ + thread_bytes());
      step_ += sizeof(tsr_cuda_step);
      if (--left_ > 0) read_ticket();
    }
    cp_async_commit();
  }

 private:
  static constexpr int kStride = S::kThreads / 8, kTimes = S::kN / kStride;
  static constexpr int kChunks = S::kDepth / 8;  // of a column of fragments
  static constexpr int kFragments = S::kRows * S::kColumns;
  static_assert(kStride % 8 == 0, "a thread's tokens have one swizzle");

  static __device__ __forceinline__ int thread_bytes() { return threadIdx.x * 16; }

  // Ahead of time: the step's own record must not be waited for.
  __device__ __forceinline__ void read_ticket() {
    column_ = load_global_4(step_ + column_at_);
    load_global_8(fragments_, step_ + offsetof(tsr_cuda_step, first));
  }

  // Zeros beyond k.
  __device__ __forceinline__ void load_b(unsigned stage) const {
    if (column_ < 0) return;
    const int64_t from = column_ * (S::kDepth * 2);
    const int bytes = max(min(inside_ - int(from), 16), 0);
    const unsigned to = stage + to_;
    unroll<kTimes>([&](auto i) {
      cp_async_16_at<i.value * kStride * 128>(to, tokens_[i.value] + from, bytes);
    });
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

  const char *tokens_[kTimes];  // at this thread's chunk of column 0
  const char *values_, *meta_;
  const char *step_;  // the next one
  int left_;          // steps
  int inside_;        // bytes of a token from this chunk on
  int column_at_;     // where a step names the column of this thread's chunk
  unsigned to_;
  int column_ = 0;         // of the next step; -1 = none
  int fragments_[2] = {};  // of the next step: the first, how many
};

}  // namespace tessera
