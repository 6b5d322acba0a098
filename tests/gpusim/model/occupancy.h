/* How many CTAs fit on an SM. */
#ifndef GPUSIM_MODEL_OCCUPANCY_H
#define GPUSIM_MODEL_OCCUPANCY_H

#include "tests/gpusim/driver/device.h"

namespace gpusim {

/* Shared memory is given out in such units. */
constexpr uint64_t kSharedUnit = 128;

struct CtaNeeds {
  int threads = 1;
  int registers = 32;        /* of a thread */
  uint64_t shared_bytes = 0; /* static and dynamic */
};

struct Occupancy {
  int by_threads = 0, by_registers = 0, by_shared = 0, by_slots = 0;
  int ctas = 0; /* the least */
  const char *limiter = "";
};

/* Warps of an SM whose threads have so many registers. */
int warps_by_registers(int registers);

Occupancy occupancy(const driver::Device &device, const CtaNeeds &needs);

}  // namespace gpusim

#endif
