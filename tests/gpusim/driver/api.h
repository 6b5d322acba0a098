/* cuda.h with every version of every function declared, and exported where one is defined. */
#ifndef GPUSIM_DRIVER_API_H
#define GPUSIM_DRIVER_API_H

#define __CUDA_API_VERSION_INTERNAL 1
#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop

#endif
