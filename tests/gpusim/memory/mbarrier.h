/* Barrier objects in shared memory. PTX leaves their 64 bits and those of a state opaque. */
#ifndef GPUSIM_MEMORY_MBARRIER_H
#define GPUSIM_MEMORY_MBARRIER_H

#include "tests/gpusim/memory/access.h"

namespace gpusim {

struct Cta;

/* Where the lanes' barriers lie in shared memory. */
struct MbarrierAccess {
  uint32_t at[kLanes] = {};
};

/* Checks addresses, and that there are barriers. */
Step mbarrier_open(Warp &, const Instruction &, const Operand &address, uint32_t mask,
                   MbarrierAccess *);

/* False when fewer arrivals are pending. */
bool mbarrier_may_arrive(const Cta &, uint32_t at, uint32_t count);
void mbarrier_arrive(Warp &, unsigned lane, uint32_t at, uint32_t count);
/* One more arrival is pending in this phase. False if there can be no more. */
bool mbarrier_expect_more(Cta &, uint32_t at);

}  // namespace gpusim

#endif
