// One step's products, from shared memory.
#pragma once

#include "kernels/cuda/ptx/ldmatrix.cuh"
#include "kernels/cuda/ptx/mma.cuh"
#include "kernels/cuda/ptx/mma_sp.cuh"
#include "kernels/cuda/tile/shape.cuh"

namespace tessera {

template <class S>
using Sums = float[S::kWarpRows][S::kWarpTiles][4];

// B's operands of a warp under one column of fragments: [tile of 8 tokens][register].
template <class S>
using OperandB = unsigned[S::kWarpTiles][S::kDepth / 8];

template <class S>
__device__ __forceinline__ void read_b(OperandB<S> &b, unsigned stage, int column) {
  const int lane = threadIdx.x % kLanes, warp_n = threadIdx.x / kLanes % S::kWarpsN;
  // Matrices 0 and 1: tokens 0-7, two chunks of k; 2 and 3: tokens 8-15.
  const int token = warp_n * S::kWarpN + lane % 8 + lane / 16 * 8;
  const int half = lane / 8 % 2;
#pragma unroll
  for (int pair = 0; pair < S::kWarpTiles / 2; pair++)
#pragma unroll
    for (int r = 0; r < S::kDepth / 8; r += 2) {
      const int chunk = column * (S::kDepth / 8) + r + half;
      unsigned m[4];
      ldmatrix_x4(m, stage + (token + pair * 16) * 128 + ((chunk ^ lane % 8) * 16));
      b[2 * pair][r] = m[0];
      b[2 * pair][r + 1] = m[1];
      b[2 * pair + 1][r] = m[2];
      b[2 * pair + 1][r + 1] = m[3];
    }
}

template <class S>
__device__ __forceinline__ void read_a(unsigned (&a)[4], const unsigned char *stage, int fragment) {
  const uint4 v = *reinterpret_cast<const uint4 *>(
      stage + S::kValuesAt + fragment * S::kFragmentBytes + threadIdx.x % kLanes * 16);
  a[0] = v.x;
  a[1] = v.y;
  a[2] = v.z;
  a[3] = v.w;
}

// Metadata for selector 0: lanes 4g and 4g + 1 have words 2g and 2g + 1; the others' are not used.
template <class S>
__device__ __forceinline__ unsigned read_meta(const unsigned char *stage, int fragment) {
  const int lane = threadIdx.x % kLanes;
  return *reinterpret_cast<const unsigned *>(stage + S::kMetaAt + fragment * S::kMetaBytes +
                                             (lane / 4 * 2 + lane % 2) * 4);
}

template <class T, class S>
__device__ __forceinline__ void multiply_fragment(float (&sums)[S::kWarpTiles][4],
                                                  const unsigned char *stage, int fragment,
                                                  const OperandB<S> &b) {
  unsigned a[4];
  read_a<S>(a, stage, fragment);
  if constexpr (S::kSparse) {
    const unsigned meta = read_meta<S>(stage, fragment);
#pragma unroll
    for (int n = 0; n < S::kWarpTiles; n++) MmaSp<T, 0>::run(sums[n], a, b[n], meta);
  } else {
#pragma unroll
    for (int n = 0; n < S::kWarpTiles; n++) mma_16x8x16<T>(sums[n], a, b[n][0], b[n][1]);
  }
}

// Every fragment is there: no masks to look at.
template <class T, class S>
__device__ __forceinline__ void multiply_all(Sums<S> &sums, const unsigned char *stage,
                                             unsigned address) {
  const int row = threadIdx.x / kLanes / S::kWarpsN * S::kWarpRows;
  const int columns = reinterpret_cast<const tsr_cuda_step *>(stage + S::kStepAt)->count;
#pragma unroll
  for (int c = 0; c < S::kColumns; c++) {
    if (c * S::kRows >= columns) break;  // the last step may have fewer
    OperandB<S> b;
    read_b<S>(b, address, c);
#pragma unroll
    for (int r = 0; r < S::kWarpRows; r++)
      multiply_fragment<T, S>(sums[r], stage, c * S::kRows + row + r, b);
  }
}

// Those that the step's masks name. All branches are the same for a whole warp.
template <class T, class S>
__device__ __forceinline__ void multiply_masked(Sums<S> &sums, const unsigned char *stage,
                                                unsigned address) {
  const tsr_cuda_step *step = reinterpret_cast<const tsr_cuda_step *>(stage + S::kStepAt);
  const int row = threadIdx.x / kLanes / S::kWarpsN * S::kWarpRows;
  int before = 0;
#pragma unroll
  for (int c = 0; c < S::kColumns; c++) {
    const unsigned mask = step->masks[c], mine = mask >> row & ((1u << S::kWarpRows) - 1);
    if (mine) {
      OperandB<S> b;
      read_b<S>(b, address, c);
      int fragment = before + __popc(mask & ((1u << row) - 1));
#pragma unroll
      for (int r = 0; r < S::kWarpRows; r++)
        if (mine >> r & 1) multiply_fragment<T, S>(sums[r], stage, fragment++, b);
    }
    before += __popc(mask);
  }
}

}  // namespace tessera
