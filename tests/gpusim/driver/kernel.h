/* A launch: checked and packed when it is asked for, run when its stream gets to it. */
#ifndef GPUSIM_DRIVER_KERNEL_H
#define GPUSIM_DRIVER_KERNEL_H

#include <cstdint>
#include <vector>

#include "tests/gpusim/driver/call.h"

namespace gpusim::driver {

struct Kernel {
  void *function = nullptr;
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {1, 1, 1};
  uint32_t dynamic_bytes = 0;
  bool cooperative = false;
  std::vector<uint8_t> parameters;
};

/* The driver's structure for graph nodes holds all that a launch needs; `values` and `extra` are
 * read now. */
CUresult make_kernel(const Call &call, const CUDA_KERNEL_NODE_PARAMS &wanted, bool cooperative,
                     Kernel *kernel);
void run_kernel(Context &context, const Kernel &kernel);

}  // namespace gpusim::driver

#endif
