// Asynchronous copies from global to shared memory (PTX ISA, "cp.async").
#pragma once

namespace tessera {

// An address in shared memory as the instructions below take it.
__device__ __forceinline__ unsigned shared_address(const void *pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// 16 bytes past L1, of which `bytes` (0 to 16) are read and the others zero. Both 16-byte aligned.
__device__ __forceinline__ void cp_async_16(unsigned shared, const void *global, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared),
               "l"(__cvta_generic_to_global(global)), "r"(bytes)
               : "memory");
}

// To shared + offset.
template <int offset>
__device__ __forceinline__ void cp_async_16_at(unsigned shared, const void *global, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0 + %3], [%1], 16, %2;" ::"r"(shared),
               "l"(__cvta_generic_to_global(global)), "r"(bytes), "n"(offset)
               : "memory");
}

__device__ __forceinline__ void cp_async_16(unsigned shared, const void *global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared),
               "l"(__cvta_generic_to_global(global))
               : "memory");
}

// From global + offset to shared + offset.
template <int offset>
__device__ __forceinline__ void cp_async_16_at(unsigned shared, const void *global) {
  asm volatile("cp.async.cg.shared.global [%0 + %2], [%1 + %2], 16;" ::"r"(shared),
               "l"(__cvta_generic_to_global(global)), "n"(offset)
               : "memory");
}

// Closes this thread's group of copies.
__device__ __forceinline__ void cp_async_commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// Until at most the `pending` newest groups of this thread are left.
template <int pending>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

}  // namespace tessera
