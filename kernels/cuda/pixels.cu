// Layers of images beside convolutions of one group: input that comes channels first, pooling, and
// convolutions of several groups. f32 arithmetic.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/layer_args.h"
#include "kernels/cuda/tile/activation.cuh"
#include "kernels/cuda/tile/row.cuh"

namespace {

using namespace tessera;

// One thread a chunk of a pixel's channels.
template <class T>
__device__ void from_nchw(const tsr_cuda_nchw_args &args) {
  const int chunks = (args.padded + kChunk - 1) / kChunk;
  const int64_t index = int64_t(blockIdx.x) * TSR_CUDA_CHUNK_THREADS + threadIdx.x;
  const int64_t pixel = index / chunks;
  if (pixel >= args.n) return;
  const int channel = static_cast<int>(index % chunks) * kChunk;
  const int64_t image = pixel / args.image_pixels, place = pixel % args.image_pixels;
  const float *x = args.x + image * args.channels * args.image_pixels + place;
  Chunk<T> elements;
#pragma unroll
  for (int i = 0; i < kChunk; i++) {
    const int c = channel + i;
    elements.v[i] = T(c < args.channels ? x[int64_t(c) * args.image_pixels] : 0.0f);
  }
  T *y = static_cast<T *>(args.y);
  store_chunk(y + pixel * args.ldy, channel, args.padded, rows_aligned(y, args.ldy), elements);
}

// use(tap, pixel's index) for each tap of the kernel above output pixel t that lies in the image.
template <class Use>
__device__ void each_tap(const tsr_cuda_conv &c, int64_t t, Use use) {
  const int64_t image = t / c.out_pixels;
  const int place = static_cast<int>(t % c.out_pixels);
  const int top = place / c.out_width * c.stride[0] - c.padding[0];
  const int left = place % c.out_width * c.stride[1] - c.padding[1];
  for (int ky = 0; ky < c.kernel[0]; ky++) {
    const int y = top + ky * c.dilation[0];
    if (y < 0 || y >= c.height) continue;
    for (int kx = 0; kx < c.kernel[1]; kx++) {
      const int x = left + kx * c.dilation[1];
      if (x < 0 || x >= c.width) continue;
      use(ky * c.kernel[1] + kx, (image * c.height + y) * c.width + x);
    }
  }
}

// One thread a chunk of an output pixel's channels.
template <class T>
__device__ void pool2d(const tsr_cuda_pool2d_args &args) {
  const tsr_cuda_conv &c = args.conv;
  const int chunks = (c.channels + kChunk - 1) / kChunk;
  const int64_t index = int64_t(blockIdx.x) * TSR_CUDA_CHUNK_THREADS + threadIdx.x;
  const int64_t t = index / chunks;
  if (t >= args.n) return;
  const int channel = static_cast<int>(index % chunks) * kChunk;
  const T *x = static_cast<const T *>(args.x);
  const bool aligned = rows_aligned(x, args.ldx);
  Chunk<float> result;
#pragma unroll
  for (int i = 0; i < kChunk; i++) result.v[i] = args.average ? 0.0f : -INFINITY;
  each_tap(c, t, [&](int, int64_t pixel) {
    const Chunk<T> chunk = load_chunk(x + pixel * args.ldx, channel, c.channels, aligned);
#pragma unroll
    for (int i = 0; i < kChunk; i++) {
      const float value = static_cast<float>(chunk.v[i]);
      if (args.average) {
        result.v[i] += value;
      } else if (value > result.v[i] || value != value) {
        result.v[i] = value;
      }
    }
  });
  const float factor = args.average ? 1.0f / (c.kernel[0] * c.kernel[1]) : 1.0f;
#pragma unroll
  for (int i = 0; i < kChunk; i++) result.v[i] *= factor;
  T *y = static_cast<T *>(args.y);
  store_chunk(y + t * args.ldy, channel, c.channels, rows_aligned(y, args.ldy),
              convert_chunk<T>(result));
}

// One thread a filter of an output pixel.
template <class T>
__device__ void grouped_conv(const tsr_cuda_grouped_args &args) {
  const int64_t index = int64_t(blockIdx.x) * TSR_CUDA_CHUNK_THREADS + threadIdx.x;
  const int64_t t = index / args.filters;
  if (t >= args.n) return;
  const int filter = static_cast<int>(index % args.filters);
  const int channels = args.conv.channels / args.groups;
  const int first = filter / (args.filters / args.groups) * channels;
  const int taps = args.conv.kernel[0] * args.conv.kernel[1];
  const T *x = static_cast<const T *>(args.x) + first;
  const T *w = static_cast<const T *>(args.weights) + int64_t(filter) * taps * channels;
  float sum = 0;
  each_tap(args.conv, t, [&](int tap, int64_t pixel) {
    for (int c = 0; c < channels; c++) {
      sum = fmaf(static_cast<float>(w[tap * channels + c]),
                 static_cast<float>(x[pixel * args.ldx + c]), sum);
    }
  });
  if (args.bias) sum += args.bias[filter];
  static_cast<T *>(args.y)[t * args.ldy + filter] = T(activate(args.activation, sum));
}

}  // namespace

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_f16_from_nchw__sm80(tsr_cuda_nchw_args args) {
  from_nchw<half>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_bf16_from_nchw__sm80(tsr_cuda_nchw_args args) {
  from_nchw<__nv_bfloat16>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_f16_pool2d__sm80(tsr_cuda_pool2d_args args) {
  pool2d<half>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_bf16_pool2d__sm80(tsr_cuda_pool2d_args args) {
  pool2d<__nv_bfloat16>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_f16_grouped_conv__sm80(tsr_cuda_grouped_args args) {
  grouped_conv<half>(args);
}

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_bf16_grouped_conv__sm80(tsr_cuda_grouped_args args) {
  grouped_conv<__nv_bfloat16>(args);
}
