// Division by what the host knows.
#pragma once

#include <stdint.h>

namespace tessera {

// By a reciprocal as args.h has it; exact while n * divisor < 2^32.
__device__ __forceinline__ int divide(int n, uint32_t reciprocal) {
  return reciprocal ? static_cast<int>(__umulhi(n, reciprocal)) : n;
}

}  // namespace tessera
