// Layers that work on whole rows: LayerNorm, embedding, pooling, softmax. f32 arithmetic.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/layer_args.h"
#include "kernels/cuda/tile/row.cuh"

namespace {

using namespace tessera;

constexpr int kLanes = 32;

// A warp's row: lane i holds chunks i, i + 32, ... The first kKept of a lane stay in registers, the
// others are read again by each pass.
template <class T>
class Row {
 public:
  static constexpr int kKept = 4;

  __device__ Row(const T *row, int width, bool aligned)
      : row_(row), width_(width), aligned_(aligned) {
#pragma unroll
    for (int i = 0; i < kKept; i++) kept_[i] = load_chunk(row_, column(i), width_, aligned_);
  }

  // use(column, chunk) for each chunk of this lane.
  template <class Use>
  __device__ void each(Use use) const {
#pragma unroll
    for (int i = 0; i < kKept; i++) {
      if (column(i) < width_) use(column(i), kept_[i]);
    }
    for (int i = kKept; column(i) < width_; i++) {
      use(column(i), load_chunk(row_, column(i), width_, aligned_));
    }
  }

 private:
  __device__ static int column(int i) { return (i * kLanes + threadIdx.x % kLanes) * kChunk; }

  const T *row_;
  int width_;
  bool aligned_;
  Chunk<T> kept_[kKept];
};

// The variance in a second pass: the squares' mean less the mean's square would cancel.
template <class T>
__device__ void layernorm(const tsr_cuda_layernorm_args &args) {
  const int token = blockIdx.x * TSR_CUDA_ROW_WARPS + threadIdx.x / kLanes, width = args.width;
  if (token >= args.n) return;
  const T *x = static_cast<const T *>(args.x);
  const Row<T> row(x + token * args.ldx, width, rows_aligned(x, args.ldx));

  float sum = 0;
  row.each([&](int, const Chunk<T> &chunk) {
#pragma unroll
    for (int i = 0; i < kChunk; i++) sum += static_cast<float>(chunk.v[i]);
  });
  const float mean = warp_sum(sum) / width;

  float squares = 0;
  row.each([&](int column, const Chunk<T> &chunk) {
#pragma unroll
    for (int i = 0; i < kChunk; i++) {
      const float d = column + i < width ? static_cast<float>(chunk.v[i]) - mean : 0.0f;
      squares += d * d;
    }
  });
  const float factor = 1.0f / sqrtf(warp_sum(squares) / width + args.epsilon);

  T *y = static_cast<T *>(args.y);
  const bool aligned = rows_aligned(y, args.ldy);
  const bool gamma_aligned = rows_aligned(args.gamma, 0), beta_aligned = rows_aligned(args.beta, 0);
  row.each([&](int column, const Chunk<T> &chunk) {
    const Chunk<float> gamma = load_chunk(args.gamma, column, width, gamma_aligned);
    const Chunk<float> beta = load_chunk(args.beta, column, width, beta_aligned);
    Chunk<T> out;
#pragma unroll
    for (int i = 0; i < kChunk; i++) {
      const float d = (static_cast<float>(chunk.v[i]) - mean) * factor;
      out.v[i] = static_cast<T>(d * gamma.v[i] + beta.v[i]);
    }
    store_chunk(y + token * args.ldy, column, width, aligned, out);
  });
}

// How far `token` is from the start of its sequence: the last s with offsets[s] <= token.
__device__ int position_of(int token, const int32_t *offsets, int sequences) {
  int low = 0, high = sequences;
  while (high - low > 1) {
    const int middle = low + (high - low) / 2;
    if (offsets[middle] <= token) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return token - offsets[low];
}

__device__ bool below(int index, int count) {
  return static_cast<unsigned>(index) < static_cast<unsigned>(count);
}

template <class T>
__device__ void embedding(const tsr_cuda_embedding_args &args) {
  const int token = blockIdx.x * TSR_CUDA_ROW_WARPS + threadIdx.x / kLanes, width = args.width;
  if (token >= args.n) return;
  const int id = args.ids[token], type = args.types_of ? args.types_of[token] : 0;
  const int position = position_of(token, args.offsets, args.sequences);
  const bool valid = below(id, args.vocabulary) && below(position, args.position_count) &&
                     below(type, args.type_count);

  const T *words = static_cast<const T *>(args.words);
  const bool words_aligned = rows_aligned(words, width);
  const bool positions_aligned = rows_aligned(args.positions, width);
  const bool types_aligned = rows_aligned(args.types, width);
  T *y = static_cast<T *>(args.y);
  const bool aligned = rows_aligned(y, args.ldy);
  for (int column = threadIdx.x % kLanes * kChunk; column < width; column += kLanes * kChunk) {
    Chunk<T> out;
    if (valid) {
      const Chunk<T> a = load_chunk(words + int64_t(id) * width, column, width, words_aligned);
      const Chunk<float> b =
          load_chunk(args.positions + int64_t(position) * width, column, width, positions_aligned);
      const Chunk<float> c =
          load_chunk(args.types + int64_t(type) * width, column, width, types_aligned);
#pragma unroll
      for (int i = 0; i < kChunk; i++) {
        out.v[i] = static_cast<T>(static_cast<float>(a.v[i]) + b.v[i] + c.v[i]);
      }
    } else {
#pragma unroll
      for (int i = 0; i < kChunk; i++) out.v[i] = static_cast<T>(NAN);
    }
    store_chunk(y + token * args.ldy, column, width, aligned, out);
  }
}

__device__ float warp_max(float value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    value = fmaxf(value, __shfl_xor_sync(~0u, value, step));
  }
  return value;
}

// Relative to the greatest value, so that no exponential overflows.
template <class T>
__device__ void softmax(const tsr_cuda_softmax_args &args) {
  const int row = blockIdx.x * TSR_CUDA_ROW_WARPS + threadIdx.x / kLanes, width = args.width;
  if (row >= args.n) return;
  const T *x = static_cast<const T *>(args.x) + row * args.ldx;
  const Row<T> values(x, width, rows_aligned(static_cast<const T *>(args.x), args.ldx));

  float greatest = -INFINITY, sum = 0;
  values.each([&](int column, const Chunk<T> &chunk) {
#pragma unroll
    for (int i = 0; i < kChunk; i++) {
      if (column + i < width) greatest = fmaxf(greatest, static_cast<float>(chunk.v[i]));
    }
  });
  greatest = warp_max(greatest);
  values.each([&](int column, const Chunk<T> &chunk) {
#pragma unroll
    for (int i = 0; i < kChunk; i++) {
      if (column + i < width) sum += expf(static_cast<float>(chunk.v[i]) - greatest);
    }
  });
  sum = warp_sum(sum);
  float *y = args.y + int64_t(row) * width;
  values.each([&](int column, const Chunk<T> &chunk) {
    Chunk<float> out;
#pragma unroll
    for (int i = 0; i < kChunk; i++) {
      out.v[i] = expf(static_cast<float>(chunk.v[i]) - greatest) / sum;
    }
    store_chunk(y, column, width, rows_aligned(args.y, width), out);
  });
}

constexpr int kPoolColumns = kLanes * kChunk;

// sums[warp][c] = the sum of column + c over rows warp, warp + kPoolWarps, ... of `count`.
template <class T>
__device__ void add_rows(float (&sums)[TSR_CUDA_POOL_WARPS][kPoolColumns], const T *rows,
                         int64_t ld, int count, int column, int width, bool aligned) {
  const int warp = threadIdx.x / kLanes, lane = threadIdx.x % kLanes;
  Chunk<float> sum;
#pragma unroll
  for (int i = 0; i < kChunk; i++) sum.v[i] = -0.0f;  // what adding leaves every number as it is
  if (column + lane * kChunk < width) {
    for (int row = warp; row < count; row += TSR_CUDA_POOL_WARPS) {
      const Chunk<T> x = load_chunk(rows + row * ld, column + lane * kChunk, width, aligned);
#pragma unroll
      for (int i = 0; i < kChunk; i++) sum.v[i] += static_cast<float>(x.v[i]);
    }
  }
  store_chunk(sums[warp], lane * kChunk, kPoolColumns, true, sum);
}

// The sum over the CTA, in every thread.
__device__ double cta_sum(double (&sums)[TSR_CUDA_POOL_WARPS], double value) {
  value = warp_sum(value);
  if (threadIdx.x % kLanes == 0) sums[threadIdx.x / kLanes] = value;
  __syncthreads();
  double sum = 0;
  for (int i = 0; i < TSR_CUDA_POOL_WARPS; i++) sum += sums[i];
  return sum;
}

// One CTA a sequence. Thread i has columns i, i + kPoolColumns, ... of the result. Squares in
// double: those of bf16 overflow f32.
template <class T>
__device__ void pool(const tsr_cuda_pool_args &args) {
  __shared__ __align__(16) float sums[TSR_CUDA_POOL_WARPS][kPoolColumns];
  __shared__ double squares[TSR_CUDA_POOL_WARPS];

  const int first = args.offsets[blockIdx.x], width = args.width;
  const int length = args.offsets[blockIdx.x + 1] - first;
  const int count = args.first ? min(length, 1) : length;
  const T *x = static_cast<const T *>(args.x);
  const bool aligned = rows_aligned(x, args.ldx);
  float *y = args.y + int64_t(blockIdx.x) * width;
  const bool has_column = threadIdx.x < kPoolColumns;

  double square = 0;
  for (int column = 0; column < width; column += kPoolColumns) {
    add_rows(sums, x + first * args.ldx, args.ldx, count, column, width, aligned);
    __syncthreads();
    if (has_column && column + threadIdx.x < width) {
      float sum = sums[0][threadIdx.x];
      for (int i = 1; i < TSR_CUDA_POOL_WARPS; i++) sum += sums[i][threadIdx.x];
      const float mean = sum / count;
      y[column + threadIdx.x] = mean;
      square += static_cast<double>(mean) * mean;
    }
    __syncthreads();  // sums are read before the next columns overwrite them
  }
  if (!args.normalise) return;
  square = cta_sum(squares, square);
  const double factor = square > 0 ? 1 / sqrt(square) : 1;
  if (!has_column) return;
  for (int column = threadIdx.x; column < width; column += kPoolColumns) {
    y[column] = static_cast<float>(y[column] * factor);
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(TSR_CUDA_ROW_WARPS *kLanes)
    tsr_f16_layernorm__sm80(tsr_cuda_layernorm_args args) {
  layernorm<half>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_ROW_WARPS *kLanes)
    tsr_bf16_layernorm__sm80(tsr_cuda_layernorm_args args) {
  layernorm<__nv_bfloat16>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_ROW_WARPS *kLanes)
    tsr_f16_embedding__sm80(tsr_cuda_embedding_args args) {
  embedding<half>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_ROW_WARPS *kLanes)
    tsr_bf16_embedding__sm80(tsr_cuda_embedding_args args) {
  embedding<__nv_bfloat16>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_ROW_WARPS *kLanes)
    tsr_f16_softmax__sm80(tsr_cuda_softmax_args args) {
  softmax<half>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_ROW_WARPS *kLanes)
    tsr_bf16_softmax__sm80(tsr_cuda_softmax_args args) {
  softmax<__nv_bfloat16>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_POOL_WARPS *kLanes)
    tsr_f16_pool__sm80(tsr_cuda_pool_args args) {
  pool<half>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_POOL_WARPS *kLanes)
    tsr_bf16_pool__sm80(tsr_cuda_pool_args args) {
  pool<__nv_bfloat16>(args);
}
