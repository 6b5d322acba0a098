/* Races of a running CTA: what memory, barriers and fences report, and what it means.
 *
 * Nothing here is called when nothing is checked (Cta::races is null).
 */
#ifndef GPUSIM_CHECKS_RACES_H
#define GPUSIM_CHECKS_RACES_H

#include <unordered_map>

#include "tests/gpusim/checks/clocks.h"
#include "tests/gpusim/checks/global_races.h"
#include "tests/gpusim/checks/shared_races.h"
#include "tests/gpusim/exec/frame.h"
#include "tests/gpusim/memory/access.h"

namespace gpusim {

/* An mbarrier object: what its arrivals of the running phase and of completed phases published. */
struct MbarrierSync {
  SyncObject arrived;
  SyncObject completed;
};

struct Races {
  /* global: null when the grid has one CTA. */
  Races(const Cta &cta, GlobalRaces *global_races);

  /* Another CTA begins. */
  void begin(const Cta &cta);
  /* All threads of the CTA have met. */
  void settle();

  Clocks clocks;
  SharedRaces shared;
  GlobalRaces *global;
  CtaOrder order;
  SyncObject barriers[16];
  std::unordered_map<uint64_t, MbarrierSync> mbarriers; /* by shared address */
  std::unordered_map<uint64_t, SyncObject> flags;       /* strong accesses, by address */
};

/* An access that is about to be made. `values` are what a write stores: threads may write the same
 * value to one place. Holds what must not change until the access has been made. */
Step races_access(Warp &, const Instruction &, const Access &, AccessKind, Located *,
                  const LaneBytes *values);

/* A write by an asynchronous copy that its thread has waited for just now. */
void races_async_done(Warp &, unsigned lane, uint32_t shared_address, unsigned bytes,
                      const ptx::Instruction *source);

/* membar, fence; the fence of .acquire and .release accesses. */
void races_fence(Warp &, uint32_t mask);

/* bar.warp.sync of the lanes of `mask`. */
void races_warp_barrier(Warp &, uint32_t mask);

/* Lanes arrive at barrier `id`; those that wait leave it; the last of all has left it. When all
 * threads of the CTA wait, races_meet stands for their leaving. */
void races_arrive(Warp &, unsigned id, uint32_t mask);
void races_leave(Warp &, unsigned id, uint32_t mask);
void races_meet(Cta &);
void races_phase_ends(Cta &, unsigned id);

/* An mbarrier at a shared address: arrivals, the end of a phase, a successful wait. */
void races_mbarrier_arrive(Warp &, uint64_t address, uint32_t mask);
void races_mbarrier_completes(Cta &, uint64_t address);
void races_mbarrier_passed(Warp &, uint64_t address, uint32_t mask);

}  // namespace gpusim

#endif
