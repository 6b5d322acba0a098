// From a CTA's sums to C: bias, activation, residual, rounding, 128-bit stores.
#pragma once

#include "kernels/cuda/tile/activation.cuh"
#include "kernels/cuda/tile/multiply.cuh"

namespace tessera {

// sums[token][row] in shared memory, kPitch apart.
template <class S>
__device__ __forceinline__ void spread_sums(float *tile, const Sums<S> &sums) {
  const int lane = threadIdx.x % kLanes, warp = threadIdx.x / kLanes;
  const int row = warp / S::kWarpsN * S::kWarpRows * kFragment + lane / 4;
  const int token = warp % S::kWarpsN * S::kWarpN + lane % 4 * 2;
#pragma unroll
  for (int r = 0; r < S::kWarpRows; r++)
#pragma unroll
    for (int n = 0; n < S::kWarpTiles; n++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        tile[(token + n * 8 + i % 2) * S::kPitch + row + r * kFragment + i / 2 * 8] = sums[r][n][i];
}

// Eight sums in a row. Lanes of the two halves of a phase take their 16 bytes in opposite order: so
// eight lanes, 32 bytes apart, touch every bank once. With 4 groups of rows the second half has
// another token, which is 16 bytes apart already.
template <int kGroups>
__device__ __forceinline__ void read_sums(float (&sums)[8], const float *tile) {
  const int first = kGroups == 4 ? 0 : threadIdx.x / 4 % 2;
  const float4 *pair = reinterpret_cast<const float4 *>(tile);
  const float4 a = pair[first], b = pair[1 - first];
  const float4 low = first ? b : a, high = first ? a : b;
  sums[0] = low.x, sums[1] = low.y, sums[2] = low.z, sums[3] = low.w;
  sums[4] = high.x, sums[5] = high.y, sums[6] = high.z, sums[7] = high.w;
}

// One element of C before it is rounded; residual: -0.0, which adds nothing, if there is none.
__device__ __forceinline__ float finish(const tsr_cuda_spmm_args &args, float sum, int row,
                                        float residual) {
  sum += args.bias ? args.bias[row] : 0.0f;
  if (args.residual_first) return activate(args.activation, sum + residual);
  return activate(args.activation, sum) + residual;
}

// Rows row .. row + 7 of one token in one load and one store.
template <class T, int kGroups>
__device__ __forceinline__ void finish_rows(const tsr_cuda_spmm_args &args, const float *tile,
                                            int64_t token, int row) {
  float sums[8];
  read_sums<kGroups>(sums, tile);
  union {
    uint4 words;
    T rows[8];
  } added, out;
  if (args.residual)
    added.words = *reinterpret_cast<const uint4 *>(static_cast<const T *>(args.residual) +
                                                   token * args.ldr + row);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    out.rows[i] = T(finish(args, sums[i], row + i, args.residual ? float(added.rows[i]) : -0.0f));
  }
  *reinterpret_cast<uint4 *>(static_cast<T *>(args.c) + token * args.ldc + row) = out.words;
}

template <class T>
__device__ __forceinline__ void finish_row(const tsr_cuda_spmm_args &args, float sum, int64_t token,
                                           int row) {
  float residual = -0.0f;
  if (args.residual)
    residual = float(static_cast<const T *>(args.residual)[token * args.ldr + row]);
  const float y = finish(args, sum, row, residual);
  static_cast<T *>(args.c)[token * args.ldc + row] = T(y);
}

// The same eight one by one, for those below m.
template <class T>
__device__ __forceinline__ void finish_single_rows(const tsr_cuda_spmm_args &args,
                                                   const float *sums, int64_t token, int row) {
  const int count = min(8, args.m - row);
  for (int i = 0; i < count; i++) finish_row<T>(args, sums[i], token, row + i);
}

// Whether eight rows of every token can be moved at once.
template <class T>
__device__ __forceinline__ bool is_aligned(const tsr_cuda_spmm_args &args) {
  const bool c = reinterpret_cast<uintptr_t>(args.c) % 16 == 0 && args.ldc % 8 == 0;
  const bool residual = reinterpret_cast<uintptr_t>(args.residual) % 16 == 0 && args.ldr % 8 == 0;
  return c && (!args.residual || residual);
}

// Tokens that lie in C in their order.
template <class S>
class OrderedPlaces {
 public:
  // scratch: shared memory that the next __syncthreads() makes valid; none is used here.
  __device__ __forceinline__ OrderedPlaces(const tsr_cuda_spmm_args &args, int token,
                                           const float *scratch)
      : token_(token), n_(args.n) {}

  // Whether the CTA's token t is there, and where in C.
  __device__ __forceinline__ bool find(int t, int &place) const {
    place = token_ + t;
    return place < n_;
  }

 private:
  int token_, n_;
};

template <class T, class S, class Places>
__device__ __forceinline__ void store_c(const tsr_cuda_spmm_args &args, const float *tile,
                                        const Places &places, int row) {
  constexpr int kGroups = S::kM / 8;
  const bool aligned = is_aligned<T>(args);
  for (int i = threadIdx.x; i < S::kN * kGroups; i += S::kThreads) {
    const int t = i / kGroups, r = i % kGroups * 8;
    int place;
    if (!places.find(t, place) || row + r >= args.m) continue;
    const float *sums = tile + t * S::kPitch + r;
    if (aligned && row + r + 8 <= args.m)
      finish_rows<T, kGroups>(args, sums, place, row + r);
    else
      finish_single_rows<T>(args, sums, place, row + r);
  }
}

// The sums of a part of k, for the kernel that adds the parts up.
template <class S, class Places>
__device__ __forceinline__ void store_partial(const tsr_cuda_spmm_args &args, const float *tile,
                                              const Places &places, int row) {
  float *partial = args.partial + int64_t(blockIdx.z) * args.n * args.m;
  for (int i = threadIdx.x; i < S::kN * S::kM; i += S::kThreads) {
    const int t = i / S::kM, r = i % S::kM;
    int place;
    if (places.find(t, place) && row + r < args.m)
      partial[int64_t(place) * args.m + row + r] = tile[t * S::kPitch + r];
  }
}

}  // namespace tessera
