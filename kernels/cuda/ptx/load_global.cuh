// Loads from global memory by generic pointers that are known to point there (PTX ISA, "ld").
#pragma once

namespace tessera {

__device__ __forceinline__ int load_global_4(const void *global) {
  int v;
  asm volatile("ld.global.b32 %0, [%1];" : "=r"(v) : "l"(__cvta_generic_to_global(global)));
  return v;
}

__device__ __forceinline__ void load_global_8(int (&v)[2], const void *global) {
  asm volatile("ld.global.v2.b32 {%0, %1}, [%2];"
               : "=r"(v[0]), "=r"(v[1])
               : "l"(__cvta_generic_to_global(global)));
}

__device__ __forceinline__ void load_global_16(int (&v)[4], const void *global) {
  asm volatile("ld.global.v4.b32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
               : "l"(__cvta_generic_to_global(global)));
}

}  // namespace tessera
