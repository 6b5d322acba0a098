/* The simulated device's global memory.
 *
 * Device addresses are no host addresses, so a host that follows a device pointer crashes as it
 * would with a GPU. The range is reserved once; host = base + (address - kHeapFirst). Allocations
 * are 256-byte aligned with red zones between them; freed ranges are kept aside as long as
 * possible, so that a use after free is told apart. One bit a byte says which bytes are defined.
 *
 * Allocation and release are not called while a kernel runs; the rest is safe from all its threads.
 */
#ifndef GPUSIM_MEMORY_HEAP_H
#define GPUSIM_MEMORY_HEAP_H

#include <cstdint>

namespace gpusim {

struct Allocation {
  uint64_t first = 0;
  uint64_t bytes = 0;
  bool freed = false;
  const char *name = nullptr; /* of a module's variable; null = cuMemAlloc */
};

class Heap {
 public:
  static Heap &device();

  /* 0 when `limit()` would be passed. Contents are undefined. */
  uint64_t allocate(uint64_t bytes, const char *name = nullptr);
  /* False when `address` is not the first byte of a live allocation. */
  bool release(uint64_t address);
  void set_limit(uint64_t bytes); /* the forged device's memory */
  uint64_t limit() const;
  uint64_t used() const;

  /* The allocation that holds the address, live or freed, or else the nearest one below it. */
  const Allocation *find(uint64_t address) const;
  /* Live allocation that holds all of [address, address + bytes). */
  bool contains(uint64_t address, uint64_t bytes) const;

  /* Host view of an address inside an allocation. */
  uint8_t *host(uint64_t address) const;

  /* Definedness. */
  void define(uint64_t address, uint64_t bytes);
  void undefine(uint64_t address, uint64_t bytes);
  /* Address of the first undefined byte, or address + bytes. */
  uint64_t first_undefined(uint64_t address, uint64_t bytes) const;
};

/* Windows of the generic address space. Shared and local addresses are offsets within theirs. */
constexpr uint64_t kSharedWindow = 0x0100000000000000ull;
constexpr uint64_t kLocalWindow = 0x0200000000000000ull;
constexpr uint64_t kParamWindow = 0x0300000000000000ull;
constexpr uint64_t kWindowBytes = 1ull << 32;
constexpr uint64_t kHeapFirst = 0x00007d0000000000ull;

}  // namespace gpusim

#endif
