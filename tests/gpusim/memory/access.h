/* Memory as executors see it: one access of a warp, checked, counted, and made. */
#ifndef GPUSIM_MEMORY_ACCESS_H
#define GPUSIM_MEMORY_ACCESS_H

#include <cstdint>

#include "tests/gpusim/checks/global_races.h"
#include "tests/gpusim/exec/warp.h"

namespace gpusim {

/* Up to 16 bytes of each lane. */
struct LaneBytes {
  alignas(64) uint8_t lane[kLanes][16];
};

/* Memory ordering of an access (PTX ISA, section 8.4): volatile, relaxed and atomic are strong; an
 * acquire has a fence behind it, a release one before it. */
constexpr unsigned kStrong = 1, kAcquire = 2, kRelease = 4;

struct Access {
  Space space = Space::generic;
  uint32_t mask = 0;
  unsigned bytes = 0;       /* 1, 2, 4, 8 or 16 of each lane; alignment is the same */
  uint64_t address[kLanes]; /* of the mask's lanes; generic addresses may mix windows */
  unsigned ordering = 0;    /* kStrong, kAcquire, kRelease */
};

/* Addresses of operand `operand` plus the instruction's offset. Faults on an undefined address. */
Step access_addresses(Warp &, const Instruction &, const Operand &operand, Access *access);
Step access_addresses(Warp &, const Instruction &, const Operand &operand, int64_t offset,
                      Access *access);

/* Bounds, alignment and races are checked; `undefined` (may be null when nothing is checked) gets
 * or gives the shadow, ones for undefined bits. */
Step access_read(Warp &, const Instruction &, const Access &, LaneBytes *values,
                 LaneBytes *undefined);
Step access_write(Warp &, const Instruction &, const Access &, const LaneBytes &values,
                  const LaneBytes *undefined);

enum class AccessKind : uint8_t { read, write, atomic, async_read, async_write };

/* Host places of an access. */
struct Located {
  /* Of the first lane only where all lie side by side; elsewhere lanes outside of the mask repeat
   * one of it. */
  uint8_t *hosts[kLanes];
  uint8_t *undefineds[kLanes];
  unsigned bytes = 0;  /* the access's */
  uint32_t global = 0; /* lanes in global memory, whose shadow is the heap's */
  uint32_t shared = 0; /* lanes in shared memory */
  uint64_t low = 0;    /* smallest and largest address, unless the windows are mixed */
  uint64_t high = 0;
  bool contiguous = false; /* all 32 lanes, side by side */
  GlobalHold hold;         /* while the access is made, where races are checked */

  uint8_t *host(unsigned lane) const { return contiguous ? hosts[0] + lane * bytes : hosts[lane]; }
  /* Shadow bytes; null: never undefined, or global. */
  uint8_t *undefined(unsigned lane) const {
    if (!contiguous) return undefineds[lane];
    return undefineds[0] == nullptr ? nullptr : undefineds[0] + lane * bytes;
  }
};

/* Every access of a warp passes here once, before memory is touched: bounds, alignment, spaces,
 * pending copies, races; then counters. `values`: what a write stores, for the race check alone. */
Step access_begin(Warp &, const Instruction &, const Access &, AccessKind, Located *,
                  const LaneBytes *values = nullptr);

/* True if nothing that the access reads is undefined. */
bool access_is_defined(const Access &, const Located &);
/* All bytes of the access become defined. */
void access_define(Warp &, const Instruction &, const Access &, const Located &);
/* Shadow of one lane's bytes. A store of undefined bytes to global memory is put on the list that
 * is looked at when the kernel ends. */
void access_get_undefined(const Access &, const Located &, unsigned lane, uint8_t *undefined);
void access_set_undefined(Warp &, const Instruction &, const Access &, const Located &,
                          unsigned lane, const uint8_t *undefined);

}  // namespace gpusim

#endif
