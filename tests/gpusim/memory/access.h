/* Memory as executors see it: one access of a warp, checked, counted, and made. */
#ifndef GPUSIM_MEMORY_ACCESS_H
#define GPUSIM_MEMORY_ACCESS_H

#include <cstdint>

#include "tests/gpusim/exec/warp.h"

namespace gpusim {

/* Up to 16 bytes of each lane. */
struct LaneBytes {
  alignas(64) uint8_t lane[kLanes][16];
};

struct Access {
  Space space = Space::generic;
  uint32_t mask = 0;
  unsigned bytes = 0;            /* 1, 2, 4, 8 or 16 of each lane; alignment is the same */
  uint64_t address[kLanes] = {}; /* within the space; generic addresses may mix windows */
  bool is_volatile = false;      /* volatile, relaxed, acquire, release: ordered by itself */
};

/* Addresses of operand `operand` plus the instruction's offset. Faults on an undefined address. */
Step access_addresses(Warp &, const Instruction &, const Operand &operand, Access *access);

/* Bounds, alignment and races are checked; `undefined` (may be null when nothing is checked) gets
 * or gives the shadow, ones for undefined bits. */
Step access_read(Warp &, const Instruction &, const Access &, LaneBytes *values,
                 LaneBytes *undefined);
Step access_write(Warp &, const Instruction &, const Access &, const LaneBytes &values,
                  const LaneBytes *undefined);

}  // namespace gpusim

#endif
