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
#include <vector>

namespace gpusim {

/* Windows of the generic address space. Shared and local addresses are offsets within theirs. */
constexpr uint64_t kSharedWindow = 0x0100000000000000ull;
constexpr uint64_t kLocalWindow = 0x0200000000000000ull;
constexpr uint64_t kParamWindow = 0x0300000000000000ull;
constexpr uint64_t kWindowBytes = 1ull << 32;
constexpr uint64_t kHeapFirst = 0x00007d0000000000ull;

struct Allocation {
  uint64_t first = 0;
  uint64_t bytes = 0;
  bool freed = false;
  bool read_only = false;     /* .const */
  const char *name = nullptr; /* of a module's variable; null = cuMemAlloc */
};

class Heap {
 public:
  static Heap &device();

  /* 0 when `limit()` would be passed or for no bytes. Contents are undefined. The name is copied.
   */
  uint64_t allocate(uint64_t bytes, const char *name = nullptr, bool read_only = false);
  /* False when `address` is not the first byte of a live allocation. */
  bool release(uint64_t address);
  void set_limit(uint64_t bytes); /* the forged device's memory */
  uint64_t limit() const;
  uint64_t used() const;
  /* Bytes from kHeapFirst on within which all allocations lie. */
  uint64_t reach() const { return next_; }

  /* The allocation that holds the address, live or freed, or else the nearest one below it. */
  const Allocation *find(uint64_t address) const;
  /* The first one above the address. */
  const Allocation *find_above(uint64_t address) const;
  /* Live allocation that holds all of [address, address + bytes). */
  bool contains(uint64_t address, uint64_t bytes) const;

  /* Host view of an address inside an allocation. */
  uint8_t *host(uint64_t address) const { return bytes_ + (address - kHeapFirst); }

  /* Definedness. */
  void define(uint64_t address, uint64_t bytes);
  void undefine(uint64_t address, uint64_t bytes);
  /* Address of the first undefined byte, or address + bytes. */
  uint64_t first_undefined(uint64_t address, uint64_t bytes) const;
  bool is_defined(uint64_t address, uint64_t bytes) const;
  /* Of up to 32 bytes: bit i = byte i is defined. */
  uint32_t defined_bits(uint64_t address, unsigned bytes) const;
  void set_defined_bits(uint64_t address, unsigned bytes, uint32_t bits);

 private:
  Heap();
  uint64_t find_gap(uint64_t bytes) const;
  void drop_freed();
  void set_range(uint64_t address, uint64_t bytes, bool defined);

  uint8_t *bytes_ = nullptr;
  uint64_t *defined_ = nullptr; /* bit = byte */
  uint64_t reserved_ = 0;
  uint64_t next_ = 0; /* everything from this offset on was never allocated */
  uint64_t used_ = 0;
  uint64_t limit_ = 0;
  uint64_t freed_count_ = 0;
  std::vector<Allocation> allocations_; /* by address */
};

inline bool Heap::is_defined(uint64_t address, uint64_t bytes) const {
  uint64_t at = address - kHeapFirst;
  const uint64_t end = at + bytes;
  while (at < end) {
    const uint64_t count = 64 - at % 64 < end - at ? 64 - at % 64 : end - at;
    const uint64_t wanted = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << at % 64;
    if ((__atomic_load_n(&defined_[at / 64], __ATOMIC_RELAXED) & wanted) != wanted) return false;
    at += count;
  }
  return true;
}

}  // namespace gpusim

#endif
