// V:N:M: sizes, loads and products of a step. vnm_step.h draws it.
#pragma once

#include "kernels/cuda/ptx/cp_async.cuh"
#include "kernels/cuda/ptx/keep.cuh"
#include "kernels/cuda/ptx/ldmatrix.cuh"
#include "kernels/cuda/ptx/load_global.cuh"
#include "kernels/cuda/ptx/load_shared.cuh"
#include "kernels/cuda/ptx/mma_sp.cuh"
#include "kernels/cuda/tile/multiply.cuh"
#include "kernels/cuda/vnm_step.h"

namespace tessera {

template <int kTileM, int kTileN, int kTileK, int kStageCount, int kThreadCount>
struct VnmShape {
  static constexpr int kM = kTileM, kN = kTileN, kStages = kStageCount;
  static constexpr int kThreads = kThreadCount, kWarps = kThreads / kLanes;
  static constexpr int kSetRows = TSR_CUDA_VNM_SET_ROWS(kTileM, kTileN, kThreadCount);
  static constexpr int kSets = kM / kSetRows, kRows = kM / kFragment;
  static constexpr int kWarpsM = kSets, kWarpsN = kWarps / kWarpsM;
  static constexpr int kWarpRows = kSetRows / kFragment;  // rows of fragments in a warp
  static constexpr int kWarpN = kN / kWarpsN;             // tokens of a warp
  static constexpr int kWarpTiles = kWarpN / 8;           // mma tiles beside each other in a warp

  static_assert(kTileK == TSR_CUDA_VNM_DEPTH, "a step is one mma.sp deep");
  static_assert(kWarps % kWarpsM == 0, "every set has as many warps");
  static_assert(kWarpN == 32 || kWarpN == 64, "a warp's tokens are half a line, or a line");
  static_assert(kStages >= 3, "two steps are in flight while one is computed");

  static constexpr int kFragmentBytes = kFragment * kFragment * 2, kMetaBytes = 64;
  static constexpr int kSlots = kSets * TSR_CUDA_VNM_DEPTH, kSlotBytes = kN * 2;
  static constexpr int kValuesAt = kSlots * kSlotBytes;
  static constexpr int kMetaAt = kValuesAt + kRows * kFragmentBytes;
  static constexpr int kListsAt = kMetaAt + kRows * kMetaBytes;
  // Slots are aligned to lines.
  static constexpr int kRecordBytes =
      TSR_CUDA_VNM_RECORD_BYTES(kListsAt - kValuesAt + kSets * TSR_CUDA_VNM_LIST_BYTES);
  static constexpr int kStageBytes = kValuesAt + kRecordBytes;
  static_assert(kValuesAt % TSR_CUDA_VNM_LINE == 0, "records are aligned to lines");
  static_assert(kValuesAt <= 1 << 16, "a list has offsets of 16 bits");

  // The epilogue's tile of f32 sums lies over the stages. The padding keeps a warp's stores apart.
  static constexpr int kPitch = kM + 4;
  static_assert(kN * kPitch * 4 <= kStages * kStageBytes, "the sums fit");
};

// B as features, each ldb elements behind the one before; as FoldedPixels.
class Features {
 public:
  __device__ __forceinline__ Features(const tsr_cuda_spmm_args &args, int token)
      : ldb_(static_cast<int>(args.ldb / 8)) {
    bytes_ = max(min(args.n - token, 8), 0) * 2;
    b_ = static_cast<const char *>(args.b) + (bytes_ ? int64_t(token) * 2 : 0);
    keep(b_);
    keep(bytes_);
  }

  __device__ __forceinline__ int bytes() const { return bytes_; }
  __device__ __forceinline__ const char *row(int k) const { return b_ + int64_t(k) * ldb_ * 16; }

 private:
  const char *b_;  // at this thread's tokens of row 0
  int ldb_;        // in 16 bytes
  int bytes_;      // of a chunk that lie below n
};

// A thread's part in loading steps: one chunk of 16 bytes of every kStride-th slot. Which rows of B
// these are it reads one step ahead. B says where they lie.
template <class S, class B>
class VnmLoader {
 public:
  __device__ __forceinline__ VnmLoader(const tsr_cuda_spmm_args &args, int token, int begin,
                                       int end)
      : b_(args, token + threadIdx.x % kChunks * 8), left_(end - begin) {
    const int chunk = threadIdx.x % kChunks, first = threadIdx.x / kChunks;
    to_ = first * S::kSlotBytes + chunk * 16;
    record_ =
        static_cast<const char *>(args.values) + int64_t(begin) * S::kRecordBytes + thread_bytes();
    rows_ =
        static_cast<const char *>(args.meta) + int64_t(begin) * kRowsBytes + first * kPasses * 4;
    keep(to_);
    keep(record_);
    keep(rows_);
    if (left_ > 0) read_rows();
  }

  // The next step, if there is one. A group is closed in any case, so that waits count steps.
  __device__ __forceinline__ void load_next(unsigned stage) {
    if (left_ > 0) {
      load_b(stage);
      load_record(stage + S::kValuesAt + thread_bytes());
      record_ += S::kRecordBytes;
      rows_ += kRowsBytes;
      if (--left_ > 0) read_rows();
    }
    cp_async_commit();
  }

 private:
  static constexpr int kChunks = S::kN / 8, kStride = S::kThreads / kChunks;
  static constexpr int kPasses = S::kSlots / kStride, kRowsBytes = S::kSlots * 4;
  static_assert(kPasses % 4 == 0, "a thread's rows are read four at a time");

  static __device__ __forceinline__ int thread_bytes() { return threadIdx.x * 16; }

  __device__ __forceinline__ void read_rows() {
    unroll<kPasses / 4>([&](auto i) { load_global_16(row_[i.value], rows_ + i.value * 16); });
  }

  // Zeros beyond n. Branches are the same for all lanes that load one slot.
  __device__ __forceinline__ void load_b(unsigned stage) const {
    unroll<kPasses>([&](auto i) {
      const int row = row_[i.value / 4][i.value % 4];
      if (row == TSR_CUDA_VNM_NONE) return;
      const unsigned to = (stage + to_) ^ (row & (TSR_CUDA_VNM_KEYS - 1)) * 16;
      const char *from = b_.row(max(row, 0) / TSR_CUDA_VNM_KEYS);
      cp_async_16_at<i.value * kStride * S::kSlotBytes>(to, from, row < 0 ? 0 : b_.bytes());
    });
  }

  __device__ __forceinline__ void load_record(unsigned to) const {
    constexpr int kPass = S::kThreads * 16;
    unroll<(S::kRecordBytes + kPass - 1) / kPass>([&](auto i) {
      constexpr int at = i.value * kPass;
      if (at + kPass <= S::kRecordBytes || thread_bytes() < S::kRecordBytes - at)
        cp_async_16_at<at>(to, record_);
    });
  }

  B b_;
  const char *record_;  // of the next step, at this thread's bytes
  const char *rows_;    // likewise
  int left_;            // steps
  unsigned to_;
  int row_[kPasses / 4][4] = {};  // of the next step
};

// A warp's part of the products: the rows of its set, kWarpN tokens. A lane gives ldmatrix the
// place of one kept column; transposed, the 32 of them are mma.sp's operand for eight tokens.
template <class T, class S>
class VnmMultiplier {
 public:
  __device__ __forceinline__ VnmMultiplier() {
    const int lane = threadIdx.x % kLanes, warp = threadIdx.x / kLanes;
    const int set = warp / S::kWarpsN;
    values_ = S::kValuesAt + set * S::kWarpRows * S::kFragmentBytes + lane * 16;
    meta_ = S::kMetaAt + set * S::kWarpRows * S::kMetaBytes + lane * S::kWarpRows * 2;
    list_ = S::kListsAt + set * TSR_CUDA_VNM_LIST_BYTES + lane * 2;
    token_ = warp % S::kWarpsN * S::kWarpN * 2;
    keep(values_);
    keep(meta_);
    keep(list_);
    keep(token_);
  }

  __device__ __forceinline__ void multiply(Sums<S> &sums, unsigned stage) const {
    // A key changes bits 4 to 6 only, in which a warp's tokens may begin.
    const unsigned column = load_shared_2(stage + list_);
    const unsigned b_at = (stage + column + token_ / 128 * 128) ^ token_ % 128;
    unsigned a[S::kWarpRows][4], meta[S::kWarpRows / 2];
    if constexpr (S::kWarpRows == 4)
      load_shared_8<0>(meta, stage + meta_);
    else
      meta[0] = load_shared_4<0>(stage + meta_);
    unroll<S::kWarpRows>(
        [&](auto r) { load_shared_16<r.value * S::kFragmentBytes>(a[r.value], stage + values_); });
    unroll<S::kWarpTiles>([&](auto n) {
      unsigned b[4];
      ldmatrix_x4_trans(b, b_at ^ n.value * 16);
      unroll<S::kWarpRows>([&](auto r) {
        MmaSp<T, r.value % 2>::run(sums[r.value][n.value], a[r.value], b, meta[r.value / 2]);
      });
    });
  }

 private:
  unsigned values_, meta_, list_;  // this lane's places in a stage
  unsigned token_;                 // the warp's first, in bytes
};

}  // namespace tessera
