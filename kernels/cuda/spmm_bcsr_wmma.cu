// The readable reference of the BCSR kernels: 16x16 blocks through WMMA, f32 accumulators.
//
// A CTA has four warps and one block row; each warp computes 16 rows x 16 tokens. Sizes that are no
// multiple of 16 work: B's tile is staged in shared memory with zeros beyond n and k, C's beyond m
// and n are dropped there. Grid: ceil(m / 16) x ceil(n / 64).
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

#include "kernels/cuda/bcsr_args.h"

namespace {

constexpr int kBlock = 16, kWarps = 4, kLanes = 32;

// tile[token][k] = B's 16 tokens from `token` on and 16 columns from `column` on.
template <class T>
__device__ void load_b(T (&tile)[kBlock][kBlock], const T *b, const tsr_cuda_bcsr_args &args,
                       int token, int column, int lane) {
  for (int i = lane; i < kBlock * kBlock; i += kLanes) {
    const int t = token + i / kBlock, k = column + i % kBlock;
    tile[i / kBlock][i % kBlock] = t < args.n && k < args.k ? b[t * args.ldb + k] : T(0.0f);
  }
}

// Rounds the f32 tile[token][row] to C's type.
template <class T>
__device__ void store_c(T *c, const float (&tile)[kBlock][kBlock], const tsr_cuda_bcsr_args &args,
                        int token, int row, int lane) {
  for (int i = lane; i < kBlock * kBlock; i += kLanes) {
    const int t = token + i / kBlock, r = row + i % kBlock;
    if (t < args.n && r < args.m) c[t * args.ldc + r] = T(tile[i / kBlock][i % kBlock]);
  }
}

template <class T>
__device__ void spmm(const tsr_cuda_bcsr_args &args) {
  using namespace nvcuda::wmma;
  __shared__ __align__(32) T tiles_b[kWarps][kBlock][kBlock];
  __shared__ __align__(32) float tiles_c[kWarps][kBlock][kBlock];

  const int warp = threadIdx.x / kLanes, lane = threadIdx.x % kLanes;
  const int block_row = blockIdx.x;
  const int token = (blockIdx.y * kWarps + warp) * kBlock;
  if (token >= args.n) return;

  fragment<accumulator, kBlock, kBlock, kBlock, float> sum;
  fill_fragment(sum, 0.0f);
  const int end = args.row_offsets[block_row + 1];
  for (int i = args.row_offsets[block_row]; i < end; i++) {
    load_b(tiles_b[warp], static_cast<const T *>(args.b), args, token, args.col_indices[i] * kBlock,
           lane);
    __syncwarp();
    fragment<matrix_a, kBlock, kBlock, kBlock, T, row_major> a;
    fragment<matrix_b, kBlock, kBlock, kBlock, T, col_major> b;
    load_matrix_sync(a, static_cast<const T *>(args.values) + int64_t(i) * kBlock * kBlock, kBlock);
    load_matrix_sync(b, &tiles_b[warp][0][0], kBlock);
    mma_sync(sum, a, b, sum);
    __syncwarp();  // b is read before the next tile overwrites it
  }
  store_matrix_sync(&tiles_c[warp][0][0], sum, kBlock, mem_col_major);
  __syncwarp();
  store_c(static_cast<T *>(args.c), tiles_c[warp], args, token, block_row * kBlock, lane);
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kWarps *kLanes)
    tsr_f16_bcsr_spmm_16x64x16__sm80(tsr_cuda_bcsr_args args) {
  spmm<half>(args);
}

extern "C" __global__ void __launch_bounds__(kWarps *kLanes)
    tsr_bf16_bcsr_spmm_16x64x16__sm80(tsr_cuda_bcsr_args args) {
  spmm<__nv_bfloat16>(args);
}
