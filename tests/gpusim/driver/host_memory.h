/* Pinned host memory. */
#ifndef GPUSIM_DRIVER_HOST_MEMORY_H
#define GPUSIM_DRIVER_HOST_MEMORY_H

namespace gpusim::driver {

void free_context_pinned(const void *context);

}  // namespace gpusim::driver

#endif
