/* The CUDA driver API, opened at run time: libcuda.so.1, or what TESSERA_CUDA_DRIVER names. The
 * types are those of the API's binary interface, so that nothing needs CUDA's headers. */
#ifndef TESSERA_CUDA_DRIVER_H
#define TESSERA_CUDA_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/status.h"

typedef uint64_t tsr__cu_pointer; /* device memory */

/* One row per function: name without "cu", exported symbol, parameters. */
#define TSR__CU_MAP(X)                                                                           \
  X(Init, cuInit, (unsigned flags))                                                              \
  X(GetErrorName, cuGetErrorName, (int error, const char **name))                                \
  X(DeviceGet, cuDeviceGet, (int *device, int ordinal))                                          \
  X(DeviceGetCount, cuDeviceGetCount, (int *count))                                              \
  X(DeviceGetName, cuDeviceGetName, (char *name, int length, int device))                        \
  X(DeviceGetAttribute, cuDeviceGetAttribute, (int *value, int attribute, int device))           \
  X(DevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain, (void **context, int device))              \
  X(DevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (int device))                         \
  X(CtxGetCurrent, cuCtxGetCurrent, (void **context))                                            \
  X(CtxSetCurrent, cuCtxSetCurrent, (void *context))                                             \
  X(CtxGetDevice, cuCtxGetDevice, (int *device))                                                 \
  X(CtxPushCurrent, cuCtxPushCurrent_v2, (void *context))                                        \
  X(CtxPopCurrent, cuCtxPopCurrent_v2, (void **context))                                         \
  X(ModuleLoadData, cuModuleLoadData, (void **module, const void *image))                        \
  X(ModuleUnload, cuModuleUnload, (void *module))                                                \
  X(ModuleGetFunction, cuModuleGetFunction, (void **function, void *module, const char *name))   \
  X(FuncSetAttribute, cuFuncSetAttribute, (void *function, int attribute, int value))            \
  X(MemAlloc, cuMemAlloc_v2, (tsr__cu_pointer * address, size_t bytes))                          \
  X(MemFree, cuMemFree_v2, (tsr__cu_pointer address))                                            \
  X(MemcpyHtoD, cuMemcpyHtoD_v2, (tsr__cu_pointer to, const void *from, size_t bytes))           \
  X(MemcpyDtoH, cuMemcpyDtoH_v2, (void *to, tsr__cu_pointer from, size_t bytes))                 \
  X(StreamSynchronize, cuStreamSynchronize, (void *stream))                                      \
  X(MemsetD8Async, cuMemsetD8Async,                                                              \
    (tsr__cu_pointer to, unsigned char value, size_t bytes, void *stream))                       \
  X(StreamCreate, cuStreamCreate, (void **stream, unsigned flags))                               \
  X(StreamDestroy, cuStreamDestroy_v2, (void *stream))                                           \
  X(StreamBeginCapture, cuStreamBeginCapture_v2, (void *stream, int mode))                       \
  X(StreamEndCapture, cuStreamEndCapture, (void *stream, void **graph))                          \
  X(GraphInstantiate, cuGraphInstantiateWithFlags,                                               \
    (void **executable, void *graph, unsigned long long flags))                                  \
  X(GraphLaunch, cuGraphLaunch, (void *executable, void *stream))                                \
  X(GraphExecDestroy, cuGraphExecDestroy, (void *executable))                                    \
  X(GraphDestroy, cuGraphDestroy, (void *graph))                                                 \
  X(EventCreate, cuEventCreate, (void **event, unsigned flags))                                  \
  X(EventDestroy, cuEventDestroy_v2, (void *event))                                              \
  X(EventRecord, cuEventRecord, (void *event, void *stream))                                     \
  X(EventSynchronize, cuEventSynchronize, (void *event))                                         \
  X(EventElapsedTime, cuEventElapsedTime, (float *milliseconds, void *start, void *end))         \
  X(LaunchKernel, cuLaunchKernel,                                                                \
    (void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,        \
     unsigned block_y, unsigned block_z, unsigned shared_bytes, void *stream, void **parameters, \
     void **extra))

typedef struct tsr__cu {
#define TSR__CU_MEMBER(name, symbol, parameters) int(*name) parameters;
  TSR__CU_MAP(TSR__CU_MEMBER)
#undef TSR__CU_MEMBER
} tsr__cu;

/* Values of the API's enumerations. */
enum {
  TSR__CU_OUT_OF_MEMORY = 2,
  TSR__CU_NO_DEVICE = 100,
  TSR__CU_MULTIPROCESSOR_COUNT = 16,
  TSR__CU_L2_BYTES = 38,
  TSR__CU_CAPABILITY_MAJOR = 75,
  TSR__CU_CAPABILITY_MINOR = 76,
  TSR__CU_SHARED_PER_BLOCK_OPTIN = 97,
  TSR__CU_MAX_DYNAMIC_SHARED_BYTES = 8,
  TSR__CU_STREAM_NON_BLOCKING = 1,
  TSR__CU_CAPTURE_THREAD_LOCAL = 1
};

/* The driver, opened and initialised by the first call. TSR_UNSUPPORTED_HARDWARE says why there is
 * none. Any number of threads may call. */
tsr_status tsr__cu_get(const tsr__cu **out);

/* A function that the opened driver has beside the API's, such as a simulator's; 0 if it has not.
 * function: a pointer to a pointer to the function. */
int tsr__cu_find(const char *symbol, void *function);

/* What a result says: TSR_OK, or a failure that names the call, the error and `what` it was for. */
tsr_status tsr__cu_check(int result, const char *call, const char *what);

/* One attribute of a device. */
tsr_status tsr__cu_attribute(const tsr__cu *cu, int device, int which, int *value);

/* The calling thread's context and its device; NULL and the first device if it has none. */
tsr_status tsr__cu_current(const tsr__cu *cu, void **context, int *device);

/* Calls a function of the driver `cu`, and returns from the caller if it fails. */
#define TSR__CU_TRY(what, name, ...) TSR_TRY(tsr__cu_check(cu->name(__VA_ARGS__), "cu" #name, what))

#endif
