// Rows of memory in chunks of eight elements: 128-bit accesses where they are aligned.
#pragma once

#include <stdint.h>

namespace tessera {

constexpr int kChunk = 8;

template <class T>
struct alignas(16) Chunk {
  T v[kChunk];
};

// Whether each row of the matrix starts at a multiple of 16 bytes.
template <class T>
__device__ __forceinline__ bool rows_aligned(const T *matrix, int64_t ld) {
  return (reinterpret_cast<uintptr_t>(matrix) | ld * sizeof(T)) % 16 == 0;
}

// Elements column .. column + 7 of a row of `width`; zeros beyond it.
template <class T>
__device__ __forceinline__ Chunk<T> load_chunk(const T *row, int column, int width, bool aligned) {
  Chunk<T> chunk;
  if (aligned && column + kChunk <= width) {
    uint4 words[sizeof chunk / 16];
#pragma unroll
    for (int i = 0; i < sizeof chunk / 16; i++) {
      words[i] = reinterpret_cast<const uint4 *>(row + column)[i];
    }
    memcpy(&chunk, words, sizeof chunk);
  } else {
#pragma unroll
    for (int i = 0; i < kChunk; i++) chunk.v[i] = column + i < width ? row[column + i] : T(0);
  }
  return chunk;
}

// What lies from `width` on stays as it is.
template <class T>
__device__ __forceinline__ void store_chunk(T *row, int column, int width, bool aligned,
                                            const Chunk<T> &chunk) {
  if (aligned && column + kChunk <= width) {
    uint4 words[sizeof chunk / 16];
    memcpy(words, &chunk, sizeof chunk);
#pragma unroll
    for (int i = 0; i < sizeof chunk / 16; i++) {
      reinterpret_cast<uint4 *>(row + column)[i] = words[i];
    }
  } else {
#pragma unroll
    for (int i = 0; i < kChunk; i++) {
      if (column + i < width) row[column + i] = chunk.v[i];
    }
  }
}

template <class To, class From>
__device__ __forceinline__ Chunk<To> convert_chunk(const Chunk<From> &from) {
  Chunk<To> to;
#pragma unroll
  for (int i = 0; i < kChunk; i++) to.v[i] = static_cast<To>(from.v[i]);
  return to;
}

// The sum over a warp, in every lane.
template <class Real>
__device__ __forceinline__ Real warp_sum(Real value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(~0u, value, step);
  return value;
}

}  // namespace tessera
