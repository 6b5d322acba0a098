/* The barriers of a CTA (PTX ISA: barrier{.cta}, bar). */
#ifndef GPUSIM_EXEC_BARRIER_H
#define GPUSIM_EXEC_BARRIER_H

#include <cstdint>
#include <vector>

#include "tests/gpusim/exec/warp.h"

namespace gpusim {

constexpr unsigned kBarriers = 16;

struct Barrier {
  enum class Use : uint8_t { none, sync, red_popc, red_and, red_or };
  Use use = Use::none;           /* of the phase that has begun; none: nobody has arrived */
  uint32_t expected = 0;         /* threads; 0 = all of the CTA that have not exited */
  uint32_t threads = 0;          /* that have arrived */
  uint32_t result = 0;           /* of .red */
  std::vector<uint32_t> arrived; /* lanes by warp */
};

struct Barriers {
  Barrier barrier[kBarriers];
};

}  // namespace gpusim

#endif
