/* Who owns which memory, of the device and of the host. */
#ifndef GPUSIM_DRIVER_MEMORY_H
#define GPUSIM_DRIVER_MEMORY_H

#include <cstddef>
#include <cstdint>

namespace gpusim::driver {

/* Pinned memory: allocated here, or registered. */
struct HostRange {
  void *context = nullptr;
  uint64_t first = 0;
  uint64_t bytes = 0;
  unsigned flags = 0;
  bool registered = false;
};

/* Null when the address is not in pinned memory. */
const HostRange *find_pinned(uint64_t address);

/* True when the host has all of these bytes mapped. */
bool host_mapped(uint64_t address, uint64_t bytes);

inline uint8_t *host_pointer(uint64_t address) {
  return reinterpret_cast<uint8_t *>(address); /* NOLINT(performance-no-int-to-ptr) */
}

inline uint64_t host_address(const void *pointer) { return reinterpret_cast<uintptr_t>(pointer); }

/* The context that owns the device allocation; null when it is none of cuMemAlloc's. */
void *allocation_context(uint64_t first);

void free_context_memory(const void *context);

}  // namespace gpusim::driver

#endif
