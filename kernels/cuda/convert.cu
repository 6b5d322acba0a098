// Element types and orders: conversions, padding, transposition, folding.
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

// One CTA 64 tokens x 64 features. source(t, f) gives eight features of token t from f on;
// target(f, t, elements) takes feature f of the eight tokens from t on. A transposed ldmatrix gives
// lane (g, t) two tokens of feature g in each register; its matrices take tokens so that the four
// registers are tokens 8t .. 8t + 7, which is one 128-bit store.
template <class Source, class Target>
__device__ void transpose_tile(const Source &source, const Target &target) {
  __shared__ __align__(128) unsigned char tile[kTile * kTile * sizeof(uint16_t)];
  constexpr int threads = TSR_CUDA_TRANSPOSE_WARPS * kLanes;
#pragma unroll
  for (int first = 0; first < kTile * kTileChunks; first += threads) {
    const int i = first + threadIdx.x, t = i / kTileChunks, chunk = i % kTileChunks;
    const Chunk<uint16_t> elements = source(t, chunk * kChunk);
    memcpy(__builtin_assume_aligned(tile + tile_offset(t, chunk), 16), &elements, 16);
  }
  __syncthreads();

  const int warp = threadIdx.x / kLanes, lane = threadIdx.x % kLanes;
  const int from = (lane & 6) * 4 + lane / 8 * 2 + (lane & 1);
#pragma unroll
  for (int chunk = warp; chunk < kTileChunks; chunk += TSR_CUDA_TRANSPOSE_WARPS) {
#pragma unroll
    for (int half_tile = 0; half_tile < kTile; half_tile += 32) {
      unsigned r[4];
      ldmatrix_x4_trans(r, shared_address(tile + tile_offset(half_tile + from, chunk)));
      Chunk<uint16_t> elements;
      memcpy(&elements, r, sizeof elements);
      target(chunk * kChunk + lane / 4, half_tile + lane % 4 * kChunk, elements);
    }
  }
}

__device__ void transpose(const tsr_cuda_transpose_args &args) {
  const int token = blockIdx.x * kTile, column = blockIdx.y * kTile;
  const uint16_t *x = static_cast<const uint16_t *>(args.x);
  uint16_t *y = static_cast<uint16_t *>(args.y);
  const bool x_aligned = rows_aligned(x, args.ldx), y_aligned = rows_aligned(y, args.ldy);
  transpose_tile(
      [&](int t, int feature) {
        const int width = token + t < args.n ? args.width : 0;
        return load_chunk(x + (token + t) * args.ldx, column + feature, width, x_aligned);
      },
      [&](int feature, int t, const Chunk<uint16_t> &elements) {
        const int row = column + feature;
        if (row < args.width)
          store_chunk(y + row * args.ldy, token + t, args.padded, y_aligned, elements);
      });
}

// Eight tokens are the lanes of one position, in the order of group, row and column.
__device__ void fold(const tsr_cuda_fold_args &args) {
  const int position = blockIdx.x * (kTile / kChunk), column = blockIdx.y * kTile;
  const tsr_cuda_conv &c = args.conv;
  const tsr_cuda_fold &f = args.fold;
  const int plane = f.rows * f.columns, images = args.n / c.out_pixels;
  const uint16_t *x = static_cast<const uint16_t *>(args.x);
  Chunk<uint16_t> *y = static_cast<Chunk<uint16_t> *>(args.y);
  const bool aligned = rows_aligned(x, args.ldx);
  transpose_tile(
      [&](int t, int channel) {
        const int at = position + t / kChunk, lane = t % kChunk, group = at / plane;
        const int band = lane & ((1 << f.bands_log2) - 1);
        const int image = (group * kChunk + lane) >> f.bands_log2;
        const int row = at % plane / f.columns + band * f.lines * c.stride[0] - c.padding[0];
        const int right = at % plane % f.columns - c.padding[1];
        const bool inside = image < images && unsigned(row) < unsigned(c.height) &&
                            unsigned(right) < unsigned(c.width);
        const int64_t pixel = (int64_t(image) * c.height + row) * c.width + right;
        return load_chunk(x + pixel * args.ldx, column + channel, inside ? c.channels : 0, aligned);
      },
      [&](int channel, int t, const Chunk<uint16_t> &elements) {
        const int at = position + t / kChunk, group = at / plane;
        if (column + channel < c.channels && group < f.groups)
          y[(int64_t(group) * c.channels + column + channel) * plane + at % plane] = elements;
      });
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

extern "C" __global__ void __launch_bounds__(TSR_CUDA_TRANSPOSE_WARPS *kLanes)
    tsr_b16_fold__sm80(tsr_cuda_fold_args args) {
  fold(args);
}
