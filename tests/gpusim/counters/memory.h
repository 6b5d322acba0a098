/* Memory traffic of a launch. */
#ifndef GPUSIM_COUNTERS_MEMORY_H
#define GPUSIM_COUNTERS_MEMORY_H

#include <cstdint>

namespace gpusim {

struct MemoryCounters {
#define GPUSIM_MEMORY_COUNTER(name) uint64_t name = 0;
#include "tests/gpusim/counters/memory.inc"
#undef GPUSIM_MEMORY_COUNTER

  void add(const MemoryCounters &other) {
#define GPUSIM_MEMORY_COUNTER(name) name += other.name;
#include "tests/gpusim/counters/memory.inc"
#undef GPUSIM_MEMORY_COUNTER
  }
};

}  // namespace gpusim

#endif
