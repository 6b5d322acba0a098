// One step's products, from shared memory.
#pragma once

#include "kernels/cuda/ptx/keep.cuh"
#include "kernels/cuda/ptx/ldmatrix.cuh"
#include "kernels/cuda/ptx/load_shared.cuh"
#include "kernels/cuda/ptx/mma.cuh"
#include "kernels/cuda/ptx/mma_sp.cuh"
#include "kernels/cuda/tile/shape.cuh"
#include "kernels/cuda/tile/unroll.cuh"

namespace tessera {

template <class S>
using Sums = float[S::kWarpRows][S::kWarpTiles][4];

// A warp's part of the products: kWarpRows rows of fragments, kWarpN tokens. Dense: every fragment
// of a step is there.
template <class T, class S, bool kDense>
class Multiplier {
 public:
  __device__ __forceinline__ Multiplier() {
    const int lane = threadIdx.x % kLanes, warp = threadIdx.x / kLanes;
    // ldmatrix.x4: matrices 0 and 1 are tokens 0-7, two chunks of k; 2 and 3 tokens 8-15.
    const int token = warp % S::kWarpsN * S::kWarpN + lane % 8 + lane / 16 * 8;
    b_ = token * 128 + ((lane / 8 % 2 ^ lane % 8) * 16);
    a_ = S::kValuesAt + lane * 16;
    // Selector 0: lanes 4g and 4g + 1 have words 2g and 2g + 1; those of the others are not used.
    meta_ = S::kMetaAt + (lane / 4 * 2 + lane % 2) * 4;
    row_ = warp / S::kWarpsN * S::kWarpRows;
    keep(b_);
    keep(a_);
    keep(meta_);
    keep(row_);
  }

  __device__ __forceinline__ void multiply(Sums<S> &sums, unsigned stage) const {
    if constexpr (kDense)
      multiply_all(sums, stage);
    else
      multiply_masked(sums, stage);
  }

 private:
  // No masks to look at.
  __device__ __forceinline__ void multiply_all(Sums<S> &sums, unsigned stage) const {
    const int count = load_shared_4<S::kStepAt + offsetof(tsr_cuda_step, count)>(stage);
    const unsigned a = stage + a_ + row_ * S::kFragmentBytes;
    const unsigned meta = stage + meta_ + row_ * S::kMetaBytes;
    unroll<S::kColumns>([&](auto c) {
      constexpr int first = c.value * S::kRows;
      if (first >= count) return;  // the last step may have fewer columns
      OperandA operand[S::kWarpRows];
      unroll<S::kWarpRows>([&](auto r) { read_a<first + r.value>(operand[r.value], a, meta); });
      // Two tiles of B at a time: all of them would leave no registers.
      unroll<S::kWarpTiles / 2>([&](auto pair) {
        OperandB b[2];
        read_b<c.value, pair.value>(b, stage);
        unroll<S::kWarpRows>([&](auto r) {
          multiply_tile(sums[r.value][2 * pair.value], operand[r.value], b[0]);
          multiply_tile(sums[r.value][2 * pair.value + 1], operand[r.value], b[1]);
        });
      });
    });
  }

  // Those that the step's masks name. All branches are the same for a whole warp.
  __device__ __forceinline__ void multiply_masked(Sums<S> &sums, unsigned stage) const {
    unsigned masks[2];
    load_shared_8<S::kStepAt + offsetof(tsr_cuda_step, masks)>(masks, stage);
    unsigned before = 0;  // fragments
    unroll<S::kColumns>([&](auto c) {
      const unsigned mask = c.value % 2 ? masks[c.value / 2] >> 16 : masks[c.value / 2] & 0xffff;
      const unsigned mine = mask >> row_;
      if (mine & ((1u << S::kWarpRows) - 1)) {
        OperandB b[S::kWarpTiles / 2][2];
        unroll<S::kWarpTiles / 2>(
            [&](auto pair) { read_b<c.value, pair.value>(b[pair.value], stage); });
        const unsigned fragment = before + __popc(mask) - __popc(mine);
        unsigned a = stage + a_ + fragment * S::kFragmentBytes;
        unsigned meta = stage + meta_ + fragment * S::kMetaBytes;
        unroll<S::kWarpRows>([&](auto r) {
          if (!(mine & 1u << r.value)) return;
          OperandA operand;
          read_a<0>(operand, a, meta);
          unroll<S::kWarpTiles>([&](auto n) {
            multiply_tile(sums[r.value][n.value], operand, b[n.value / 2][n.value % 2]);
          });
          a += S::kFragmentBytes;
          meta += S::kMetaBytes;
        });
      }
      before += __popc(mask);
    });
  }

  // Under one column of fragments, for eight tokens.
  using OperandB = unsigned[S::kDepth / 8];

  // A lane's part of a fragment.
  struct OperandA {
    unsigned values[4], meta;
  };

  // For two tiles beside each other.
  template <int column, int pair>
  __device__ __forceinline__ void read_b(OperandB (&b)[2], unsigned stage) const {
    unroll<S::kDepth / 16>([&](auto r) {
      // The stage is aligned to a line: the chunk's number can be changed in the address.
      const unsigned chunk = (stage + b_) ^ (column * S::kDepth * 2 + r.value * 32);
      unsigned m[4];
      ldmatrix_x4_at<pair * 16 * 128>(m, chunk);
      b[0][2 * r.value] = m[0];
      b[0][2 * r.value + 1] = m[1];
      b[1][2 * r.value] = m[2];
      b[1][2 * r.value + 1] = m[3];
    });
  }

  template <int fragment>
  __device__ __forceinline__ void read_a(OperandA &a, unsigned values, unsigned meta) const {
    load_shared_16<fragment * S::kFragmentBytes>(a.values, values);
    if constexpr (S::kSparse) a.meta = load_shared_4<fragment * S::kMetaBytes>(meta);
  }

  __device__ __forceinline__ void multiply_tile(float (&sum)[4], const OperandA &a,
                                                const OperandB &b) const {
    if constexpr (S::kSparse)
      MmaSp<T, 0>::run(sum, a.values, b, a.meta);
    else
      mma_16x8x16<T>(sum, a.values, b[0], b[1]);
  }

  unsigned b_, a_, meta_;  // this lane's places in a stage
  int row_;                // the warp's first row of fragments
};

}  // namespace tessera
