// The end of a product whose k was split: adds up the parts and does the epilogue.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/args.h"
#include "kernels/cuda/layer_args.h"
#include "kernels/cuda/tile/activation.cuh"
#include "kernels/cuda/tile/row.cuh"

namespace {

using namespace tessera;

// partial[0 .. splits - 1] at a token's rows `row` to `row` + 7, added in this order.
__device__ Chunk<float> add_parts(const tsr_cuda_spmm_args &args, int64_t token, int row) {
  const bool aligned = rows_aligned(args.partial, args.m);
  Chunk<float> sum = load_chunk(args.partial + token * args.m, row, args.m, aligned);
  for (int split = 1; split < args.splits; split++) {
    const float *part = args.partial + (int64_t(split) * args.n + token) * args.m;
    const Chunk<float> more = load_chunk(part, row, args.m, aligned);
#pragma unroll
    for (int i = 0; i < kChunk; i++) sum.v[i] += more.v[i];
  }
  return sum;
}

// The same for eight rows of the whole matrix, of which only some are left.
__device__ Chunk<float> add_scattered(const tsr_cuda_spmm_args &args, int64_t token, int row) {
  Chunk<float> sum;
#pragma unroll
  for (int i = 0; i < kChunk; i++) {
    const int from = row + i < args.rows ? args.scatter[row + i] : -1;
    sum.v[i] = 0;
    for (int split = 0; from >= 0 && split < args.splits; split++) {
      sum.v[i] += args.partial[(int64_t(split) * args.n + token) * args.m + from];
    }
  }
  return sum;
}

// One thread a chunk of c.
template <class T>
__device__ void reduce(const tsr_cuda_spmm_args &args) {
  const int rows = args.scatter ? args.rows : args.m, chunks = (rows + kChunk - 1) / kChunk;
  const int64_t index = int64_t(blockIdx.x) * TSR_CUDA_CHUNK_THREADS + threadIdx.x;
  const int64_t token = index / chunks;
  if (token >= args.n) return;
  const int row = static_cast<int>(index % chunks) * kChunk;

  Chunk<float> sum = args.scatter ? add_scattered(args, token, row) : add_parts(args, token, row);
  if (args.bias) {
    const Chunk<float> bias = load_chunk(args.bias, row, rows, rows_aligned(args.bias, 0));
#pragma unroll
    for (int i = 0; i < kChunk; i++) sum.v[i] += bias.v[i];
  }
#pragma unroll
  for (int i = 0; i < kChunk; i++) sum.v[i] = activate(args.activation, sum.v[i]);
  if (args.residual) {
    const T *residual = static_cast<const T *>(args.residual);
    const Chunk<T> more =
        load_chunk(residual + token * args.ldr, row, rows, rows_aligned(residual, args.ldr));
#pragma unroll
    for (int i = 0; i < kChunk; i++) sum.v[i] += static_cast<float>(more.v[i]);
  }
  T *c = static_cast<T *>(args.c);
  store_chunk(c + token * args.ldc, row, rows, rows_aligned(c, args.ldc), convert_chunk<T>(sum));
}

}  // namespace

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_f16_split_k__sm80(tsr_cuda_spmm_args args) {
  reduce<half>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_bf16_split_k__sm80(tsr_cuda_spmm_args args) {
  reduce<__nv_bfloat16>(args);
}
