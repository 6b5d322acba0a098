/* What memory keeps of a launch and of a running CTA.
 *
 *   LaunchMemory memory(request);
 *   for each CTA, on any thread:
 *     memory.begin(&cta);                  after shared memory is there, before the first warp
 *     ... warps run ...
 *     memory.end(&cta, &counters);         also after a fault; adds to the thread's counters
 *   memory.finish(&fault)                  when all CTAs have finished without a fault
 */
#ifndef GPUSIM_MEMORY_STATE_H
#define GPUSIM_MEMORY_STATE_H

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/gpusim/counters/memory.h"
#include "tests/gpusim/exec/frame.h"
#include "tests/gpusim/memory/async.h"
#include "tests/gpusim/memory/touched.h"
#include "tests/gpusim/memory/traffic.h"

namespace gpusim {

/* Undefined bytes that a lane has stored to global memory. */
struct UndefinedStore {
  uint64_t address = 0;
  uint32_t bytes = 0; /* bit = byte */
  uint32_t ctaid[3] = {0, 0, 0};
  int32_t warp = 0;
  int32_t lane = 0;
  const ptx::Instruction *source = nullptr;
};

class LaunchMemory {
 public:
  explicit LaunchMemory(const LaunchRequest &request) : request_(request) {}

  void begin(Cta *cta);
  void end(Cta *cta, MemoryCounters *counters);

  /* False, with a fault, if a store's undefined bytes are still undefined. */
  bool finish(Fault *fault);
  uint64_t unique_sectors() const { return touched_.count(); }

 private:
  const LaunchRequest &request_;
  TouchedSectors touched_;
  std::mutex mutex_;
  std::vector<UndefinedStore> stores_;
};

/* An allocation that was found before. */
struct AllocationHit {
  uint64_t first = ~uint64_t{0}; /* nothing */
  uint64_t end = 16;
  bool read_only = false;
};

/* A CTA is executed by one thread at a time. */
struct MemoryState {
  static constexpr unsigned kHits = 16;

  static unsigned hit_of(const Instruction &instruction) {
    const uintptr_t key = reinterpret_cast<uintptr_t>(&instruction) / 64;
    return (key ^ key >> 4) % kHits;
  }

  AllocationHit hits[kHits]; /* by instruction */
  WavefrontsHit wavefronts[kHits];
  MemoryCounters counters;
  TouchedSectors *touched = nullptr; /* the launch's */
  std::vector<UndefinedStore> undefined_stores;
  std::unique_ptr<AsyncCopies> async; /* null until the first one */
};

}  // namespace gpusim

#endif
