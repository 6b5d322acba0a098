// Keeps a value in its register: without this, nvcc computes addresses anew in every turn of a
// loop.
#pragma once

namespace tessera {

__device__ __forceinline__ void keep(unsigned &value) { asm volatile("" : "+r"(value)); }
__device__ __forceinline__ void keep(int &value) { asm volatile("" : "+r"(value)); }
__device__ __forceinline__ void keep(const char *&value) { asm volatile("" : "+l"(value)); }

}  // namespace tessera
