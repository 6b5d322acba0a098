// The readable reference of the BCSR kernels: 16x16 blocks through WMMA, f32 accumulators.
//
// A CTA has four warps and 16 rows; each warp computes 16 rows x 16 tokens. Sizes that are no
// multiple of 16 work: B's tile is staged in shared memory with zeros beyond n and k, C's beyond m
// and n are dropped there. Of the arguments, values are [blocks][16][16], meta is [blocks], the
// block's column in blocks, and step_offsets count blocks.
#pragma once

#include <mma.h>

#include "kernels/cuda/tile/pipeline.cuh"

namespace tessera {

constexpr int kBlock = 16, kWmmaWarps = 4;

template <class T>
using Block = T[kBlock][kBlock];

// tile[token][k] = B's 16 tokens from `token` on and 16 columns from `column` on.
template <class T>
__device__ void load_block_b(Block<T> &tile, const tsr_cuda_spmm_args &args, int token, int column,
                             int lane) {
  const T *b = static_cast<const T *>(args.b);
  for (int i = lane; i < kBlock * kBlock; i += kLanes) {
    const int t = token + i / kBlock, k = column + i % kBlock;
    tile[i / kBlock][i % kBlock] = t < args.n && k < args.k ? b[t * args.ldb + k] : T(0.0f);
  }
}

// One element of C, or of its part.
template <class T>
__device__ void store_element(const tsr_cuda_spmm_args &args, float sum, int token, int row) {
  if (args.splits > 1) {
    args.partial[(int64_t(blockIdx.z) * args.n + token) * args.m + row] = sum;
    return;
  }
  finish_row<T>(args, sum, token, row);
}

template <class T>
__device__ void spmm_wmma(const tsr_cuda_spmm_args &args) {
  using namespace nvcuda::wmma;
  __shared__ __align__(32) Block<T> tiles_b[kWmmaWarps];
  __shared__ __align__(32) Block<float> tiles_c[kWmmaWarps];

  const int warp = threadIdx.x / kLanes, lane = threadIdx.x % kLanes;
  const int row = blockIdx.x * kBlock, token = (blockIdx.y * kWmmaWarps + warp) * kBlock;
  if (token >= args.n) return;

  fragment<accumulator, kBlock, kBlock, kBlock, float> sum;
  fill_fragment(sum, 0.0f);
  const StepRange range = step_range(args);
  for (int i = range.begin; i < range.end; i++) {
    const int column = static_cast<const int *>(args.meta)[i];
    load_block_b(tiles_b[warp], args, token, column * kBlock, lane);
    __syncwarp();
    fragment<matrix_a, kBlock, kBlock, kBlock, T, row_major> a;
    fragment<matrix_b, kBlock, kBlock, kBlock, T, col_major> b;
    const T *values = static_cast<const T *>(args.values) + int64_t(i) * kBlock * kBlock;
    load_matrix_sync(a, values, kBlock);
    load_matrix_sync(b, &tiles_b[warp][0][0], kBlock);
    mma_sync(sum, a, b, sum);
    __syncwarp();  // b is read before the next tile overwrites it
  }
  store_matrix_sync(&tiles_c[warp][0][0], sum, kBlock, mem_col_major);
  __syncwarp();
  for (int i = lane; i < kBlock * kBlock; i += kLanes) {
    const int t = token + i / kBlock, r = row + i % kBlock;
    if (t < args.n && r < args.m)
      store_element<T>(args, tiles_c[warp][i / kBlock][i % kBlock], t, r);
  }
}

}  // namespace tessera
