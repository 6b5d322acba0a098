/* How many CTAs fit on a multiprocessor, and what a kernel is assumed to need. */
#ifndef GPUSIM_DRIVER_OCCUPANCY_H
#define GPUSIM_DRIVER_OCCUPANCY_H

#include <cstdint>

#include "tests/gpusim/ptx/module.h"

namespace gpusim::driver {

struct Function;

/* Registers of a kernel without a cubin: .maxnreg, or 32, or fewer if its launch bounds say so. PTX
 * does not tell; 32 let every device be full. */
int assumed_registers(const ptx::Function &source);

/* The largest block that its bounds and registers allow. */
int max_threads(const ptx::Function &source, int registers);

/* CTAs of so many threads and bytes of dynamic shared memory that run on one SM at once. */
int active_blocks(const Function &function, int threads, uint64_t dynamic_bytes);

}  // namespace gpusim::driver

#endif
