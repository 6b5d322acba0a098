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

// Rows row .. row + 7 of one token, those below m.
template <class T>
__device__ __forceinline__ void finish_rows(const tsr_cuda_spmm_args &args, const float *sums,
                                            int64_t token, int row, bool whole) {
  T *c = static_cast<T *>(args.c) + token * args.ldc + row;
  const T *residual =
      args.residual ? static_cast<const T *>(args.residual) + token * args.ldr + row : nullptr;
  alignas(16) T out[8];
  alignas(16) T added[8];
  if (residual && whole)
    *reinterpret_cast<uint4 *>(added) = *reinterpret_cast<const uint4 *>(residual);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    if (row + i >= args.m) break;
    const float bias = args.bias ? args.bias[row + i] : 0.0f;
    float y = activate(args.activation, sums[i] + bias);
    if (residual) y += float(whole ? added[i] : residual[i]);
    out[i] = T(y);
    if (!whole) c[i] = out[i];
  }
  if (whole) *reinterpret_cast<uint4 *>(c) = *reinterpret_cast<uint4 *>(out);
}

// Whether eight rows of every token can be moved at once.
template <class T>
__device__ __forceinline__ bool is_aligned(const tsr_cuda_spmm_args &args) {
  const bool c = reinterpret_cast<uintptr_t>(args.c) % 16 == 0 && args.ldc % 8 == 0;
  const bool residual = reinterpret_cast<uintptr_t>(args.residual) % 16 == 0 && args.ldr % 8 == 0;
  return c && (!args.residual || residual);
}

template <class T, class S>
__device__ __forceinline__ void store_c(const tsr_cuda_spmm_args &args, const float *tile, int row,
                                        int token) {
  constexpr int kGroups = S::kM / 8;
  const bool aligned = is_aligned<T>(args);
  for (int i = threadIdx.x; i < S::kN * kGroups; i += S::kThreads) {
    const int t = i / kGroups, r = i % kGroups * 8;
    if (token + t >= args.n || row + r >= args.m) continue;
    finish_rows<T>(args, tile + t * S::kPitch + r, token + t, row + r,
                   aligned && row + r + 8 <= args.m);
  }
}

// The sums of a part of k, for the kernel that adds the parts up.
template <class S>
__device__ __forceinline__ void store_partial(const tsr_cuda_spmm_args &args, const float *tile,
                                              int row, int token) {
  float *partial = args.partial + int64_t(blockIdx.z) * args.n * args.m;
  for (int i = threadIdx.x; i < S::kN * S::kM; i += S::kThreads) {
    const int t = i / S::kM, r = i % S::kM;
    if (token + t < args.n && row + r < args.m)
      partial[int64_t(token + t) * args.m + row + r] = tile[t * S::kPitch + r];
  }
}

}  // namespace tessera
