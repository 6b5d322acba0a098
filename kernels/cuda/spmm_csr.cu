// CSR without tensor cores: a warp for each row of A, its lanes side by side along the row, eight
// tokens at a time. B is gathered; nothing is shared.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/args.h"
#include "kernels/cuda/tile/activation.cuh"

namespace {

using namespace tessera;

constexpr int kLanes = 32, kWarps = 8, kTokens = 8;

// This lane's share of the products of the row's elements begin .. end - 1 with each token.
template <class T>
__device__ void multiply(float (&sums)[kTokens], const tsr_cuda_spmm_args &args, int begin, int end,
                         int first, int lane) {
  const T *values = static_cast<const T *>(args.values);
  const int32_t *columns = static_cast<const int32_t *>(args.meta);
  const T *b = static_cast<const T *>(args.b) + first * args.ldb;
  for (int i = begin + lane; i < end; i += kLanes) {
    const float value = static_cast<float>(values[i]);
    const T *x = b + columns[i];
#pragma unroll
    for (int t = 0; t < kTokens; t++) {
      if (first + t < args.n) {
        sums[t] = fmaf(value, static_cast<float>(x[t * args.ldb]), sums[t]);
      }
    }
  }
}

// Lane t gets the sum for token t over all lanes.
__device__ float add_lanes(float (&sums)[kTokens], int lane) {
  float own = 0;
#pragma unroll
  for (int t = 0; t < kTokens; t++) {
#pragma unroll
    for (int distance = kLanes / 2; distance > 0; distance /= 2) {
      sums[t] += __shfl_xor_sync(~0u, sums[t], distance);
    }
    if (lane == t) own = sums[t];
  }
  return own;
}

template <class T>
__device__ void store(const tsr_cuda_spmm_args &args, int row, int token, float sum) {
  const T *residual = static_cast<const T *>(args.residual) + token * args.ldr + row;
  const float added = args.residual ? static_cast<float>(*residual) : 0.0f;
  if (args.bias) sum += args.bias[row];
  if (args.residual && args.residual_first) sum += added;
  sum = activate(args.activation, sum);
  if (args.residual && !args.residual_first) sum += added;
  static_cast<T *>(args.c)[token * args.ldc + row] = static_cast<T>(sum);
}

template <class T>
__device__ void csr_spmm(const tsr_cuda_spmm_args &args) {
  const int lane = threadIdx.x % kLanes, split = blockIdx.z;
  const int row = blockIdx.x * kWarps + threadIdx.x / kLanes, first = blockIdx.y * kTokens;
  if (row >= args.m) return;
  const int64_t start = args.step_offsets[row], count = args.step_offsets[row + 1] - start;
  float sums[kTokens] = {};
  multiply<T>(sums, args, static_cast<int>(start + count * split / args.splits),
              static_cast<int>(start + count * (split + 1) / args.splits), first, lane);
  const float sum = add_lanes(sums, lane);
  const int token = first + lane;
  if (lane >= kTokens || token >= args.n) return;
  if (args.splits > 1) {
    args.partial[(int64_t(split) * args.n + token) * args.m + row] = sum;
  } else {
    store<T>(args, row, token, sum);
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kWarps *kLanes)
    tsr_f16_csr_spmm_8x8x32_s1__sm80(tsr_cuda_spmm_args args) {
  csr_spmm<half>(args);
}

extern "C" __global__ void __launch_bounds__(kWarps *kLanes)
    tsr_bf16_csr_spmm_8x8x32_s1__sm80(tsr_cuda_spmm_args args) {
  csr_spmm<__nv_bfloat16>(args);
}
