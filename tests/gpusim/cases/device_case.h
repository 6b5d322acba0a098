/* Whole kernels through the driver API: every build of a .cu file, every setting of the simulator.
 * All functions fail the running Criterion test when the driver does. */
#ifndef GPUSIM_CASES_DEVICE_CASE_H
#define GPUSIM_CASES_DEVICE_CASE_H

#include <cuda.h>
#include <stddef.h>
#include <stdint.h>

/* Loads each build of kernels/NAME.cu (unoptimised, -O1, -O3, --use_fast_math) and calls `run`
 * under several seeds, with asynchronous copies landing late and early. Afterwards nothing may be
 * left allocated. `what` says which build and setting it is. */
void device_for_each_build(const char *name, void (*run)(CUmodule module, const char *what));

/* As above, for one file of PTX text. TESSERA_TEST_QUICK in the environment asks for one setting.
 */
void device_for_each_setting(const char *path, void (*run)(CUmodule module, const char *what));

CUfunction device_function(CUmodule module, const char *name);

typedef struct device_grid {
  unsigned x, y, z, threads_x, threads_y, shared_bytes; /* 0 = 1, shared_bytes apart */
} device_grid;

/* Launches and waits; args as cuLaunchKernel takes them. */
void device_run(CUfunction function, device_grid grid, void **args);

CUdeviceptr device_room(size_t bytes);
CUdeviceptr device_copy(const void *values, size_t bytes);
void device_read(void *values, CUdeviceptr address, size_t bytes);
void device_free(CUdeviceptr address);

/* Uniform in [-1, 1), and multiples of 1/64 there: exact in f16 and bf16, and so are sums of a few
 * products in f32. */
void random_floats(uint64_t seed, float *values, size_t count);
void random_steps(uint64_t seed, float *values, size_t count);

#endif
