/* From addresses to host memory; what is wrong with an address. */
#ifndef GPUSIM_MEMORY_LOCATE_H
#define GPUSIM_MEMORY_LOCATE_H

#include "tests/gpusim/memory/access.h"

namespace gpusim {

/* Bounds, alignment, spaces. */
Step locate(Warp &, const Instruction &, const Access &, AccessKind, Located *);

/* The window that a generic address points into, and the address within it. */
Space window_of(uint64_t address, uint64_t *within);

/* A generic address of an address within a space; the other way round is window_of. */
uint64_t window_base(Space space);

}  // namespace gpusim

#endif
