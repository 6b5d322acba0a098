// B as a convolution's activations: the pixels under the kernel, where they lie in the images.
#pragma once

#include "kernels/cuda/tile/divide.cuh"
#include "kernels/cuda/tile/load.cuh"

namespace tessera {

// The chunk's channels of one tap, of every kStride-th output pixel.
template <class S>
class Pixels {
 public:
  __device__ __forceinline__ Pixels(const tsr_cuda_spmm_args &args, int token) : args_(args) {
    const tsr_cuda_conv &c = args.conv;
    unroll<Chunk::kTimes>([&](auto i) {
      // The last pixel again instead of those beyond n: their sums are dropped.
      const int t = min(token + Chunk::first_token() + i.value * Chunk::kStride, args.n - 1);
      const int image = t / c.out_pixels, pixel = t % c.out_pixels;
      const int y = pixel / c.out_width * c.stride[0] - c.padding[0];
      const int x = pixel % c.out_width * c.stride[1] - c.padding[1];
      const int64_t at = (int64_t(image) * c.height + y) * c.width + x;
      pixels_[i.value] = static_cast<const char *>(args.b) + at * args.ldb * 2;
      corners_[i.value] = y * 65536 + (x & 65535);
      keep(pixels_[i.value]);
      keep(corners_[i.value]);
    });
  }

  // Zeros in the padding, beyond a tap's channels and beyond k.
  __device__ __forceinline__ void load(unsigned to, int column) const {
    const tsr_cuda_conv &c = args_.conv;
    const int k = column * S::kDepth + Chunk::shift(), tap = divide(k, c.pitch_reciprocal);
    const int row = divide(tap, c.columns_reciprocal), channel = k - tap * c.pitch;
    const int down = row * c.dilation[0];
    const int right = (tap - row * c.kernel[1]) * c.dilation[1];
    const int64_t from = ((int64_t(down) * c.width + right) * args_.ldb + channel) * 2;
    const int bytes = k < args_.k ? min((c.channels - channel) * 2, 16) : 0;
    unroll<Chunk::kTimes>([&](auto i) {
      const int y = (corners_[i.value] >> 16) + down;
      const int x = static_cast<int16_t>(corners_[i.value]) + right;
      const bool inside = unsigned(y) < unsigned(c.height) && unsigned(x) < unsigned(c.width);
      cp_async_16_at<i.value * Chunk::kStride * 128>(to, pixels_[i.value] + from,
                                                     inside ? bytes : 0);
    });
  }

 private:
  using Chunk = ChunkOfB<S>;

  const tsr_cuda_spmm_args &args_;
  const char *pixels_[Chunk::kTimes];  // under the kernel's first tap, possibly in the padding
  int corners_[Chunk::kTimes];         // their rows (upper half) and columns in the image
};

}  // namespace tessera
