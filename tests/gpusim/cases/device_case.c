#include "tests/gpusim/cases/device_case.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/gpusim/gpusim.h"
#include "tests/random.h"

static const char *const builds[] = {"debug", "O1", "O3", "fast"};
enum { BUILDS = sizeof builds / sizeof builds[0] };

static const struct {
  const char *name;
  uint64_t seed;
  gpusim_async async;
  gpusim_sum sum;
} settings[] = {
    {"in order, late", 0, GPUSIM_ASYNC_LATE, GPUSIM_SUM_DEVICE},
    {"seed 1, early", 1, GPUSIM_ASYNC_EARLY, GPUSIM_SUM_EXACT},
    {"seed 2, late", 2, GPUSIM_ASYNC_LATE, GPUSIM_SUM_HOPPER},
};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

static void check(CUresult result, const char *call) {
  if (result == CUDA_SUCCESS) return;
  const char *name = "?";
  gpusim_fault fault;
  cuGetErrorName(result, &name);
  gpusim_last_fault(&fault);
  cr_assert(0, "%s: %s; %s at PTX line %u: %s: %s", call, name, fault.kind, fault.ptx_line,
            fault.instruction, fault.detail);
}

void device_for_each_setting(const char *path, void (*run)(CUmodule module, const char *what)) {
  CUdevice device;
  CUcontext context;
  check(cuInit(0), "cuInit");
  check(cuDeviceGet(&device, 0), "cuDeviceGet");
  check(cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
  check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
  for (int i = getenv("TESSERA_TEST_QUICK") ? SETTINGS - 1 : 0; i < SETTINGS; i++) {
    gpusim_config config;
    gpusim_get_config(&config);
    config.checks = GPUSIM_CHECKS_ALL;
    config.seed = settings[i].seed;
    config.async = settings[i].async;
    config.sum = settings[i].sum;
    gpusim_configure(&config);

    size_t free_before, free_after, total;
    CUmodule module;
    char what[512];
    snprintf(what, sizeof what, "%s, %s", path, settings[i].name);
    check(cuMemGetInfo(&free_before, &total), "cuMemGetInfo");
    check(cuModuleLoad(&module, path), what);
    run(module, what);
    check(cuModuleUnload(module), "cuModuleUnload");
    check(cuMemGetInfo(&free_after, &total), "cuMemGetInfo");
    cr_assert_eq(free_before, free_after, "%s: device memory leaks", what);
  }
  check(cuDevicePrimaryCtxRelease(device), "cuDevicePrimaryCtxRelease");
}

void device_for_each_build(const char *name, void (*run)(CUmodule module, const char *what)) {
  for (int i = 0; i < BUILDS; i++) {
    char path[512];
    snprintf(path, sizeof path, GPUSIM_KERNELS "/%s.%s.ptx", name, builds[i]);
    device_for_each_setting(path, run);
  }
}

CUfunction device_function(CUmodule module, const char *name) {
  CUfunction function;
  check(cuModuleGetFunction(&function, module, name), name);
  return function;
}

void device_run(CUfunction function, device_grid grid, void **args) {
  if (grid.shared_bytes > 48 * 1024) {
    check(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                             (int)grid.shared_bytes),
          "cuFuncSetAttribute");
  }
  check(cuLaunchKernel(function, grid.x, grid.y ? grid.y : 1, grid.z ? grid.z : 1, grid.threads_x,
                       grid.threads_y ? grid.threads_y : 1, 1, grid.shared_bytes, NULL, args, NULL),
        "cuLaunchKernel");
  check(cuCtxSynchronize(), "cuCtxSynchronize");
}

/* An allocation has at least a byte. */
CUdeviceptr device_room(size_t bytes) {
  CUdeviceptr address;
  check(cuMemAlloc(&address, bytes ? bytes : 1), "cuMemAlloc");
  return address;
}

CUdeviceptr device_copy(const void *values, size_t bytes) {
  CUdeviceptr address = device_room(bytes);
  if (bytes) check(cuMemcpyHtoD(address, values, bytes), "cuMemcpyHtoD");
  return address;
}

void device_read(void *values, CUdeviceptr address, size_t bytes) {
  if (bytes) check(cuMemcpyDtoH(values, address, bytes), "cuMemcpyDtoH");
}

void device_free(CUdeviceptr address) { check(cuMemFree(address), "cuMemFree"); }

void random_floats(uint64_t seed, float *values, size_t count) {
  random_state random = random_seed(seed);
  for (size_t i = 0; i < count; i++) values[i] = (float)(2.0 * random_unit(&random) - 1.0);
}

void random_steps(uint64_t seed, float *values, size_t count) {
  random_state random = random_seed(seed);
  for (size_t i = 0; i < count; i++) {
    values[i] = (float)((int)random_below(&random, 128) - 64) / 64.0f;
  }
}
