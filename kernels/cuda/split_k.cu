// The end of a product whose k was split: adds up the parts and does the epilogue.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/args.h"
#include "kernels/cuda/layer_args.h"
#include "kernels/cuda/tile/activation.cuh"
#include "kernels/cuda/tile/row.cuh"

namespace {

using namespace tessera;

__device__ void add(Chunk<float> &sum, const Chunk<float> &more) {
#pragma unroll
  for (int i = 0; i < kChunk; i++) sum.v[i] += more.v[i];
}

// partial[0 .. splits - 1] at a token's rows `row` to `row` + 7, added in this order.
__device__ Chunk<float> add_parts(const tsr_cuda_spmm_args &args, int64_t token, int row) {
  const bool aligned = rows_aligned(args.partial, args.m);
  Chunk<float> sum = load_chunk(args.partial + token * args.m, row, args.m, aligned);
  for (int split = 1; split < args.splits; split++) {
    const float *part = args.partial + (int64_t(split) * args.n + token) * args.m;
    add(sum, load_chunk(part, row, args.m, aligned));
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
  if (args.bias) add(sum, load_chunk(args.bias, row, rows, rows_aligned(args.bias, 0)));
  Chunk<float> residual;
  if (args.residual) {
    const T *all = static_cast<const T *>(args.residual);
    residual = convert_chunk<float>(
        load_chunk(all + token * args.ldr, row, rows, rows_aligned(all, args.ldr)));
  }
  if (args.residual && args.residual_first) add(sum, residual);
#pragma unroll
  for (int i = 0; i < kChunk; i++) sum.v[i] = activate(args.activation, sum.v[i]);
  if (args.residual && !args.residual_first) add(sum, residual);
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
