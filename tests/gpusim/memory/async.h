/* Asynchronous copies from global to shared memory: what was issued and is not complete. */
#ifndef GPUSIM_MEMORY_ASYNC_H
#define GPUSIM_MEMORY_ASYNC_H

#include <vector>

#include "tests/gpusim/exec/frame.h"
#include "tests/gpusim/memory/access.h"

namespace gpusim {

/* One cp.async of a warp. */
struct AsyncCopy {
  uint32_t mask = 0; /* lanes whose copy is not complete */
  unsigned bytes = 0;
  uint32_t warp = 0;
  const ptx::Instruction *origin = nullptr;
  bool done = false;   /* early mode: the bytes are there, but nobody may look yet */
  uint64_t serial = 0; /* counts a warp's copies and arrivals */
  uint64_t source[kLanes] = {};
  uint32_t target[kLanes] = {};      /* in shared memory */
  uint32_t group[kLanes] = {};       /* groups that the lane had committed before */
  uint8_t source_bytes[kLanes] = {}; /* the rest is filled with zeros */
};

/* One cp.async.mbarrier.arrive of a lane: happens when its earlier copies are complete. */
struct AsyncArrival {
  uint32_t barrier = 0; /* in shared memory */
  unsigned lane = 0;
  uint64_t serial = 0;
};

struct AsyncWarp {
  std::vector<AsyncCopy> copies;
  std::vector<AsyncArrival> arrivals;
  uint32_t committed[kLanes] = {}; /* groups */
  uint64_t serial = 0;
};

struct AsyncCopies {
  std::vector<AsyncWarp> warps;
  /* Of each word of shared memory, which copies write as a whole: thread + 1 whose copy is pending;
   * 0: none. */
  std::vector<uint16_t> owner;
  uint64_t pending_words = 0; /* that have an owner */
};

/* False, with a fault, if the access touches bytes of a pending copy. */
bool async_may_access(Warp &, const Instruction &, const Access &, const Located &);

/* Starts a copy; addresses have been checked. */
void async_issue(Warp &, AsyncCopy copy);
void async_commit(Warp &, uint32_t mask);
/* All but the newest `left` groups of each lane are complete. */
void async_wait(Warp &, uint32_t mask, uint64_t left);
void async_wait_all(Warp &, uint32_t mask);
/* Arrives at the barrier when the lane's copies so far are complete. */
void async_arrive(Warp &, unsigned lane, uint32_t barrier);
/* Somebody looks at the barrier, which lacks `missing` arrivals: if those are all asynchronous
 * ones, they have to happen now. */
void async_look(Cta &, uint32_t barrier, uint32_t missing);

}  // namespace gpusim

#endif
