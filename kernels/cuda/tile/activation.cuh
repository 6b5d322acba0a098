// A linear layer's activation, in f32.
#pragma once

#include "tessera/types.h"

namespace tessera {

// Without erff's cancellation where x is negative and the result tiny.
__device__ __forceinline__ float gelu(float x) {
  return 0.5f * x * erfcf(-0.70710678118654752f * x);
}

// NaN passes through every activation: ReLU's comparison fails on it.
__device__ __forceinline__ float activate(int32_t activation, float x) {
  switch (activation) {
    case TSR_ACTIVATION_GELU:
      return gelu(x);
    case TSR_ACTIVATION_RELU:
      return x <= 0.0f ? 0.0f : x;
    case TSR_ACTIVATION_TANH:
      return tanhf(x);
    default:
      return x;
  }
}

}  // namespace tessera
