// A convolution's activations in the order that args.h calls folded, and its outputs.
#pragma once

#include "kernels/cuda/args.h"
#include "kernels/cuda/ptx/keep.cuh"
#include "kernels/cuda/tile/divide.cuh"

namespace tessera {

// Where eight tokens lie beside each other.
struct FoldedChunk {
  int group, line, column;

  __device__ __forceinline__ FoldedChunk(const tsr_cuda_spmm_args &args, int chunk) {
    line = divide(chunk, args.fold.width_reciprocal);
    column = chunk - line * args.conv.out_width;
    group = divide(line, args.fold.lines_reciprocal);
    line -= group * args.fold.lines;
  }
};

// B as rows of chunks, for a thread that loads the same eight tokens of each row.
class FoldedPixels {
 public:
  __device__ __forceinline__ FoldedPixels(const tsr_cuda_spmm_args &args, int token) : args_(args) {
    const FoldedChunk at(args, token / 8);
    const tsr_cuda_fold &f = args.fold;
    bytes_ = at.group < f.groups ? 16 : 0;
    const int first = (at.group * args.conv.channels * f.rows + at.line * args.conv.stride[0]) *
                          f.columns +
                      at.column * args.conv.stride[1];
    b_ = static_cast<const char *>(args.b) + (bytes_ ? int64_t(first) * 16 : 0);
    keep(b_);
    keep(bytes_);
  }

  // Of the chunk, that are there.
  __device__ __forceinline__ int bytes() const { return bytes_; }

  // The chunk under column (kernel row, kernel column, channel).
  __device__ __forceinline__ const char *row(int k) const {
    const tsr_cuda_conv &c = args_.conv;
    const int tap = divide(k, c.pitch_reciprocal), down = divide(tap, c.columns_reciprocal);
    const int channel = k - tap * c.pitch, right = tap - down * c.kernel[1];
    const int at = (channel * args_.fold.rows + down * c.dilation[0]) * args_.fold.columns +
                   right * c.dilation[1];
    return b_ + int64_t(at) * 16;
  }

 private:
  const tsr_cuda_spmm_args &args_;
  const char *b_;
  int bytes_;
};

// Which output pixels a CTA's tokens are; each is found once, and remembered.
template <class S>
class FoldedPlaces {
 public:
  __device__ __forceinline__ FoldedPlaces(const tsr_cuda_spmm_args &args, int token, float *scratch)
      : places_(reinterpret_cast<int *>(scratch)) {
    static_assert(S::kN * (S::kPitch + 1) * 4 <= S::kStages * S::kStageBytes,
                  "sums and places fit");
    for (int t = threadIdx.x; t < S::kN; t += S::kThreads) places_[t] = pixel(args, token + t);
  }

  __device__ __forceinline__ bool find(int t, int &place) const {
    place = places_[t];
    return place >= 0;
  }

 private:
  // -1: outside of all images.
  static __device__ __forceinline__ int pixel(const tsr_cuda_spmm_args &args, int token) {
    const FoldedChunk at(args, token / 8);
    const int lane = token % 8, bands = args.fold.bands_log2;
    const int band = lane & ((1 << bands) - 1), image = (at.group * 8 + lane) >> bands;
    const int within = (band * args.fold.lines + at.line) * args.conv.out_width + at.column;
    const int place = image * args.conv.out_pixels + within;
    return within < args.conv.out_pixels && place < args.n ? place : -1;
  }

  int *places_;
};

}  // namespace tessera
