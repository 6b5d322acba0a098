// 2^x within 2 ulp, subnormal results as 0 (PTX ISA, "ex2").
#pragma once

namespace tessera {

__device__ __forceinline__ float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

}  // namespace tessera
