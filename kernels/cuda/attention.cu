// Attention in one kernel: S = Q K^T, softmax with a running maximum, O = P V; S and P never leave
// the registers. One CTA has 64 queries of one head of one sequence, each warp 16 of them; K and V
// come in tiles of 64 keys, the next of which is copied while one is multiplied. Grid: sequences x
// heads x query tiles of the longest sequence.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/layer_args.h"
#include "kernels/cuda/ptx/cp_async.cuh"
#include "kernels/cuda/ptx/exp2.cuh"
#include "kernels/cuda/ptx/ldmatrix.cuh"
#include "kernels/cuda/ptx/mma.cuh"

namespace {

using namespace tessera;

constexpr int kLanes = 32, kWarps = TSR_CUDA_ATTENTION_WARPS, kThreads = kWarps * kLanes;
constexpr int kQueries = TSR_CUDA_ATTENTION_QUERIES, kKeys = TSR_CUDA_ATTENTION_KEYS;
constexpr int kChunk = 8;                                // elements of 16 bytes
constexpr int kKeyTiles = kKeys / 8, kWarpQueries = 16;  // an mma has 8 columns and 16 rows
static_assert(kQueries == kWarps * kWarpQueries && kQueries == kKeys,
              "tiles of queries and of keys have the same rows");

// 64 rows x kDim elements in shared memory, the columns beyond head_dim zero.
template <int kDim>
struct Tile {
  static constexpr int kChunks = kDim / kChunk;
  static constexpr int kBytes = kKeys * kDim * 2;

  // Byte offset of a 16-byte chunk. Eight rows of one chunk, as ldmatrix reads them, and eight
  // neighbouring chunks, as they are written, fall into different banks.
  static __device__ unsigned offset(int row, int chunk) {
    const int key = kChunks < 8 ? row / (8 / kChunks) % kChunks : row % 8;
    return (row * kChunks + (chunk ^ key)) * 16;
  }
};

// One head of one sequence.
template <class T>
struct Head {
  const T *q, *k, *v;  // [length, ld]
  T *y;                // [length, ldy]
  int length;
};

template <class T>
__device__ Head<T> find_head(const tsr_cuda_attention_args &args, int sequence, int head) {
  const int first = args.offsets[sequence], width = args.heads * args.head_dim;
  const T *q = static_cast<const T *>(args.qkv) + first * args.ld + head * args.head_dim;
  return {q, q + width, q + 2 * width,
          static_cast<T *>(args.y) + first * args.ldy + head * args.head_dim,
          args.offsets[sequence + 1] - first};
}

// Starts copying rows first .. first + 63; zeros past the sequence's end.
template <int kDim, class T>
__device__ void load_tile(unsigned tile, const T *matrix, int first, int length,
                          const tsr_cuda_attention_args &args) {
  constexpr int chunks = Tile<kDim>::kChunks;
#pragma unroll
  for (int i = 0; i < kKeys * chunks; i += kThreads) {
    const int row = (i + threadIdx.x) / chunks, chunk = (i + threadIdx.x) % chunks;
    const bool inside = first + row < length && chunk * kChunk < args.head_dim;
    const T *source = inside ? matrix + (first + row) * args.ld + chunk * kChunk : matrix;
    cp_async_16(tile + Tile<kDim>::offset(row, chunk), source, inside ? 16 : 0);
  }
}

// This warp's rows of Q as mma's left operand.
template <int kDim>
__device__ void load_queries(unsigned (&q)[kDim / 16][4], unsigned tile, int warp, int lane) {
#pragma unroll
  for (int k = 0; k < kDim / 16; k++) {
    const int row = warp * kWarpQueries + lane % 16, chunk = 2 * k + lane / 16;
    ldmatrix_x4(q[k], tile + Tile<kDim>::offset(row, chunk));
  }
}

// s = q K^T for this warp's queries and the tile's keys.
template <class T, int kDim>
__device__ void multiply_keys(float (&s)[kKeyTiles][4], const unsigned (&q)[kDim / 16][4],
                              unsigned keys, int lane) {
#pragma unroll
  for (int j = 0; j < kKeyTiles; j++) s[j][0] = s[j][1] = s[j][2] = s[j][3] = 0;
#pragma unroll
  for (int k = 0; k < kDim / 16; k++) {
#pragma unroll
    for (int j = 0; j < kKeyTiles; j += 2) {
      unsigned b[4];  // keys 8j .. 8j + 7 in the first two, the next eight in the others
      const int row = j * 8 + lane / 16 * 8 + lane % 8, chunk = 2 * k + lane / 8 % 2;
      ldmatrix_x4(b, keys + Tile<kDim>::offset(row, chunk));
      mma_16x8x16<T>(s[j], q[k], b[0], b[1]);
      mma_16x8x16<T>(s[j + 1], q[k], b[2], b[3]);
    }
  }
}

// No weight for keys past the sequence's end.
__device__ void mask_keys(float (&s)[kKeyTiles][4], int keys, int lane) {
#pragma unroll
  for (int j = 0; j < kKeyTiles; j++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if (j * 8 + lane % 4 * 2 + i % 2 >= keys) s[j][i] = -INFINITY;
    }
  }
}

// What is kept of the keys so far, of rows g and g + 8.
struct Softmax {
  float largest[2] = {-INFINITY, -INFINITY};  // score, the same in the four lanes of a row
  float total[2] = {0, 0};                    // of the powers, this lane's share
};

// s = 2^(s scale - largest scale); what was summed up with a smaller maximum is scaled down.
template <int kDim>
__device__ void exponentiate(float (&s)[kKeyTiles][4], float (&o)[kDim / 8][4], Softmax &state,
                             float scale) {
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float largest = state.largest[h];
#pragma unroll
    for (int j = 0; j < kKeyTiles; j++) {
      largest = fmaxf(largest, fmaxf(s[j][2 * h], s[j][2 * h + 1]));
    }
    largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, 1));
    largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, 2));
    // -inf so far: nothing has weight, and -inf - -inf would be NaN.
    const float shift = largest == -INFINITY ? 0.0f : largest * scale;
    const float shrink = exp2_approx(state.largest[h] * scale - shift);
    state.largest[h] = largest;

    float total = state.total[h] * shrink;
#pragma unroll
    for (int j = 0; j < kKeyTiles; j++) {
#pragma unroll
      for (int i = 2 * h; i < 2 * h + 2; i++) {
        s[j][i] = exp2_approx(fmaf(s[j][i], scale, -shift));
        total += s[j][i];
      }
    }
    state.total[h] = total;
#pragma unroll
    for (int j = 0; j < kDim / 8; j++) {
      o[j][2 * h] *= shrink;
      o[j][2 * h + 1] *= shrink;
    }
  }
}

// Two values beside each other in a register, the first one lower.
template <class T>
__device__ unsigned pack(float low, float high) {
  const T pair[2] = {static_cast<T>(low), static_cast<T>(high)};
  unsigned packed;
  memcpy(&packed, pair, sizeof packed);
  return packed;
}

// o += p V: what mma leaves of 16 keys is what it takes as its left operand.
template <class T, int kDim>
__device__ void multiply_values(float (&o)[kDim / 8][4], const float (&p)[kKeyTiles][4],
                                unsigned values, int lane) {
#pragma unroll
  for (int k = 0; k < kKeyTiles / 2; k++) {
    const unsigned a[4] = {pack<T>(p[2 * k][0], p[2 * k][1]), pack<T>(p[2 * k][2], p[2 * k][3]),
                           pack<T>(p[2 * k + 1][0], p[2 * k + 1][1]),
                           pack<T>(p[2 * k + 1][2], p[2 * k + 1][3])};
#pragma unroll
    for (int j = 0; j < kDim / 8; j += 2) {
      unsigned b[4];  // columns 8j .. 8j + 7 in the first two, the next eight in the others
      const int row = k * 16 + lane % 16, chunk = j + lane / 16;
      ldmatrix_x4_trans(b, values + Tile<kDim>::offset(row, chunk));
      mma_16x8x16<T>(o[j], a, b[0], b[1]);
      mma_16x8x16<T>(o[j + 1], a, b[2], b[3]);
    }
  }
}

// y = o / total, through this warp's rows of Q's tile, which nobody else reads.
template <class T, int kDim>
__device__ void store_output(const Head<T> &head, const float (&o)[kDim / 8][4],
                             const Softmax &state, unsigned char *tile, int first, int warp,
                             int lane, const tsr_cuda_attention_args &args) {
  constexpr int chunks = Tile<kDim>::kChunks;
  __syncwarp();  // every lane has read its part of Q
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float total = state.total[h];
    total += __shfl_xor_sync(~0u, total, 1);
    total += __shfl_xor_sync(~0u, total, 2);
    const float inverse = 1.0f / total;
    const int row = warp * kWarpQueries + h * 8 + lane / 4;
#pragma unroll
    for (int j = 0; j < kDim / 8; j++) {
      *reinterpret_cast<unsigned *>(tile + Tile<kDim>::offset(row, j) + lane % 4 * 4) =
          pack<T>(o[j][2 * h] * inverse, o[j][2 * h + 1] * inverse);
    }
  }
  __syncwarp();
#pragma unroll
  for (int i = lane; i < kWarpQueries * chunks; i += kLanes) {
    const int row = warp * kWarpQueries + i / chunks, chunk = i % chunks;
    if (first + row < head.length && chunk * kChunk < args.head_dim) {
      *reinterpret_cast<uint4 *>(head.y + (first + row) * args.ldy + chunk * kChunk) =
          *reinterpret_cast<const uint4 *>(tile + Tile<kDim>::offset(row, chunk));
    }
  }
}

// Shared memory: Q, then two stages of K and V.
template <class T, int kDim>
__device__ void attention(const tsr_cuda_attention_args &args) {
  constexpr int bytes = Tile<kDim>::kBytes;
  extern __shared__ __align__(128) unsigned char shared[];
  const Head<T> head = find_head<T>(args, blockIdx.x, blockIdx.y);
  const int first = blockIdx.z * kQueries;
  if (first >= head.length) return;

  const int warp = threadIdx.x / kLanes, lane = threadIdx.x % kLanes;
  const bool has_queries = first + warp * kWarpQueries < head.length;
  const unsigned queries = shared_address(shared), stages = queries + bytes;
  load_tile<kDim>(queries, head.q, first, head.length, args);
  load_tile<kDim>(stages, head.k, 0, head.length, args);
  load_tile<kDim>(stages + bytes, head.v, 0, head.length, args);
  cp_async_commit();

  unsigned q[kDim / 16][4];
  float o[kDim / 8][4] = {};
  Softmax state;
  const float scale = args.scale * 1.44269504f;  // powers of 2, not of e
  for (int key = 0; key < head.length; key += kKeys) {
    const unsigned stage = stages + key / kKeys % 2 * (2 * bytes);
    cp_async_wait<0>();
    __syncthreads();  // this tile is complete, and nobody reads the one before it any more
    if (key + kKeys < head.length) {
      const unsigned next = stages + (key / kKeys + 1) % 2 * (2 * bytes);
      load_tile<kDim>(next, head.k, key + kKeys, head.length, args);
      load_tile<kDim>(next + bytes, head.v, key + kKeys, head.length, args);
      cp_async_commit();
    }
    if (!has_queries) continue;
    if (key == 0) load_queries<kDim>(q, queries, warp, lane);
    float s[kKeyTiles][4];
    multiply_keys<T, kDim>(s, q, stage, lane);
    if (key + kKeys > head.length) mask_keys(s, head.length - key, lane);
    exponentiate<kDim>(s, o, state, scale);
    multiply_values<T, kDim>(o, s, stage + bytes, lane);
  }
  if (has_queries) store_output<T, kDim>(head, o, state, shared, first, warp, lane, args);
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads)
    tsr_f16_attention_64x64x32__sm80(tsr_cuda_attention_args args) {
  attention<half, 32>(args);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    tsr_f16_attention_64x64x64__sm80(tsr_cuda_attention_args args) {
  attention<half, 64>(args);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    tsr_f16_attention_64x64x128__sm80(tsr_cuda_attention_args args) {
  attention<half, 128>(args);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    tsr_bf16_attention_64x64x32__sm80(tsr_cuda_attention_args args) {
  attention<__nv_bfloat16, 32>(args);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    tsr_bf16_attention_64x64x64__sm80(tsr_cuda_attention_args args) {
  attention<__nv_bfloat16, 64>(args);
}

extern "C" __global__ void __launch_bounds__(kThreads)
    tsr_bf16_attention_64x64x128__sm80(tsr_cuda_attention_args args) {
  attention<__nv_bfloat16, 128>(args);
}
