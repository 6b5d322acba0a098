// Element types and orders: conversions, padding, transposition.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/layer_args.h"
#include "kernels/cuda/ptx/cp_async.cuh"
#include "kernels/cuda/ptx/ldmatrix.cuh"
#include "kernels/cuda/tile/row.cuh"

namespace {

using namespace tessera;

// One thread a chunk of y.
template <class To, class From>
__device__ void convert(const tsr_cuda_convert_args &args) {
  const int chunks = (args.padded + kChunk - 1) / kChunk;
  const int64_t index = int64_t(blockIdx.x) * TSR_CUDA_CHUNK_THREADS + threadIdx.x;
  const int64_t row = index / chunks;
  if (row >= args.n) return;
  const int column = static_cast<int>(index % chunks) * kChunk;
  const From *x = static_cast<const From *>(args.x);
  To *y = static_cast<To *>(args.y);
  const Chunk<From> chunk =
      load_chunk(x + row * args.ldx, column, args.width, rows_aligned(x, args.ldx));
  store_chunk(y + row * args.ldy, column, args.padded, rows_aligned(y, args.ldy),
              convert_chunk<To>(chunk));
}

// One thread a chunk of y.
__device__ void gather(const tsr_cuda_gather_args &args) {
  const int chunks = (args.padded + kChunk - 1) / kChunk;
  const int64_t index = int64_t(blockIdx.x) * TSR_CUDA_CHUNK_THREADS + threadIdx.x;
  const int64_t token = index / chunks;
  if (token >= args.n) return;
  const int column = static_cast<int>(index % chunks) * kChunk;
  const uint16_t *x = static_cast<const uint16_t *>(args.x) + token * args.ldx;
  Chunk<uint16_t> elements;
#pragma unroll
  for (int i = 0; i < kChunk; i++) {
    elements.v[i] = column + i < args.width ? x[args.columns[column + i]] : uint16_t(0);
  }
  uint16_t *y = static_cast<uint16_t *>(args.y);
  store_chunk(y + token * args.ldy, column, args.padded, rows_aligned(y, args.ldy), elements);
}

constexpr int kTile = TSR_CUDA_TRANSPOSE_TILE, kLanes = 32;
constexpr int kTileChunks = kTile / kChunk;
static_assert(kTileChunks == 8, "a row of the tile fills the banks once");

// Where a chunk of a token's features lies, in bytes. The eight tokens whose addresses one matrix
// of ldmatrix takes below differ in bits 0, 3 and 4 only; their chunks fall into eight groups of
// banks.
__device__ unsigned tile_offset(int token, int chunk) {
  const int key = token & 1 | token >> 2 & 6;
  return (token * kTileChunks + (chunk ^ key)) * 16;
}

// tile[t][c] = x[token + t, column + c], zeros beyond n and width.
__device__ void load_tile(unsigned char *tile, const tsr_cuda_transpose_args &args, int token,
                          int column) {
  const uint16_t *x = static_cast<const uint16_t *>(args.x);
  const bool aligned = rows_aligned(x, args.ldx);
  constexpr int threads = TSR_CUDA_TRANSPOSE_WARPS * kLanes;
#pragma unroll
  for (int first = 0; first < kTile * kTileChunks; first += threads) {
    const int i = first + threadIdx.x, t = i / kTileChunks, chunk = i % kTileChunks;
    const int width = token + t < args.n ? args.width : 0;
    const Chunk<uint16_t> elements =
        load_chunk(x + (token + t) * args.ldx, column + chunk * kChunk, width, aligned);
    memcpy(__builtin_assume_aligned(tile + tile_offset(t, chunk), 16), &elements, 16);
  }
}

// One CTA 64 tokens x 64 features. A transposed ldmatrix gives lane (g, t) two tokens of feature g
// in each register; its matrices take tokens so that the four registers are tokens 8t .. 8t + 7,
// which is one 128-bit store.
__device__ void transpose(const tsr_cuda_transpose_args &args) {
  __shared__ __align__(128) unsigned char tile[kTile * kTile * sizeof(uint16_t)];
  const int token = blockIdx.x * kTile, column = blockIdx.y * kTile;
  load_tile(tile, args, token, column);
  __syncthreads();

  uint16_t *y = static_cast<uint16_t *>(args.y);
  const bool aligned = rows_aligned(y, args.ldy);
  const int warp = threadIdx.x / kLanes, lane = threadIdx.x % kLanes;
  const int from = (lane & 6) * 4 + lane / 8 * 2 + (lane & 1);
#pragma unroll
  for (int chunk = warp; chunk < kTileChunks; chunk += TSR_CUDA_TRANSPOSE_WARPS) {
#pragma unroll
    for (int half_tile = 0; half_tile < kTile; half_tile += 32) {
      unsigned r[4];
      ldmatrix_x4_trans(r, shared_address(tile + tile_offset(half_tile + from, chunk)));
      const int row = column + chunk * kChunk + lane / 4;
      Chunk<uint16_t> elements;
      memcpy(&elements, r, sizeof elements);
      if (row < args.width) {
        store_chunk(y + row * args.ldy, token + half_tile + lane % 4 * kChunk, args.padded, aligned,
                    elements);
      }
    }
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_f16_from_f32__sm80(tsr_cuda_convert_args args) {
  convert<half, float>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_bf16_from_f32__sm80(tsr_cuda_convert_args args) {
  convert<__nv_bfloat16, float>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_f16_to_f32__sm80(tsr_cuda_convert_args args) {
  convert<float, half>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_bf16_to_f32__sm80(tsr_cuda_convert_args args) {
  convert<float, __nv_bfloat16>(args);
}

// The same type, another ld.
extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_b16_copy__sm80(tsr_cuda_convert_args args) {
  convert<uint16_t, uint16_t>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_b16_gather__sm80(tsr_cuda_gather_args args) {
  gather(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_TRANSPOSE_WARPS *kLanes)
    tsr_b16_transpose__sm80(tsr_cuda_transpose_args args) {
  transpose(args);
}
