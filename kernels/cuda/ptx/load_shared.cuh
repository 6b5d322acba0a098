// Loads from shared memory by its 32-bit addresses (PTX ISA, "ld").
#pragma once

#include <stdint.h>

namespace tessera {

__device__ __forceinline__ unsigned load_shared_2(unsigned shared) {
  uint16_t v;
  asm volatile("ld.shared.u16 %0, [%1];" : "=h"(v) : "r"(shared) : "memory");
  return v;
}

template <int offset>
__device__ __forceinline__ unsigned load_shared_4(unsigned shared) {
  unsigned v;
  asm volatile("ld.shared.b32 %0, [%1 + %2];" : "=r"(v) : "r"(shared), "n"(offset) : "memory");
  return v;
}

template <int offset>
__device__ __forceinline__ void load_shared_8(unsigned (&v)[2], unsigned shared) {
  asm volatile("ld.shared.v2.b32 {%0, %1}, [%2 + %3];"
               : "=r"(v[0]), "=r"(v[1])
               : "r"(shared), "n"(offset)
               : "memory");
}

template <int offset>
__device__ __forceinline__ void load_shared_16(unsigned (&v)[4], unsigned shared) {
  asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4 + %5];"
               : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
               : "r"(shared), "n"(offset)
               : "memory");
}

}  // namespace tessera
