#include "runtime/cuda/driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

static tsr__cu driver;
static void *library;
static char failure[256]; /* why there is no driver; empty if there is one */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int find(const char *symbol, void *function) {
  void *address = dlsym(library, symbol);
  memcpy(function, &address, sizeof address);
  return address != NULL;
}

/* NULL, or the first function that is missing. */
static const char *find_all(void) {
#define FIND(name, symbol, parameters) \
  if (!find(#symbol, &driver.name)) return #symbol;
  TSR__CU_MAP(FIND)
#undef FIND
  return NULL;
}

/* It stays open: contexts may outlive any plan. */
static void open_driver(void) {
  const char *path = getenv("TESSERA_CUDA_DRIVER");
  if (!path || !path[0]) path = "libcuda.so.1";
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(failure, sizeof failure, "no CUDA driver: %.200s", dlerror());
    return;
  }
  const char *missing = find_all();
  if (missing) {
    snprintf(failure, sizeof failure, "%.150s is too old a CUDA driver: it has no %s", path,
             missing);
    return;
  }
  int result = driver.Init(0);
  const char *name = NULL;
  if (!result) return;
  driver.GetErrorName(result, &name);
  snprintf(failure, sizeof failure, "%.150s: cuInit: %s", path, name ? name : "unknown error");
}

tsr_status tsr__cu_get(const tsr__cu **out) {
  pthread_once(&once, open_driver);
  *out = &driver;
  TSR_CHECK(!failure[0], TSR_UNSUPPORTED_HARDWARE, "%s", failure);
  return TSR_OK;
}

int tsr__cu_find(const char *symbol, void *function) {
  const tsr__cu *cu;
  return tsr__cu_get(&cu) == TSR_OK && find(symbol, function);
}

tsr_status tsr__cu_check(int result, const char *call, const char *what) {
  if (!result) return TSR_OK;
  const char *name = NULL;
  driver.GetErrorName(result, &name);
  tsr_status status = result == TSR__CU_OUT_OF_MEMORY ? TSR_OUT_OF_MEMORY
                      : result == TSR__CU_NO_DEVICE   ? TSR_UNSUPPORTED_HARDWARE
                                                      : TSR_DEVICE;
  return tsr__error(status, "%s: %s: %s (%d)", what, call, name ? name : "unknown error", result);
}

tsr_status tsr__cu_attribute(const tsr__cu *cu, int device, int which, int *value) {
  TSR__CU_TRY("the GPU", DeviceGetAttribute, value, which, device);
  return TSR_OK;
}

tsr_status tsr__cu_current(const tsr__cu *cu, void **context, int *device) {
  TSR__CU_TRY("the context", CtxGetCurrent, context);
  if (*context)
    TSR__CU_TRY("the context", CtxGetDevice, device);
  else
    TSR__CU_TRY("the first GPU", DeviceGet, device, 0);
  return TSR_OK;
}
