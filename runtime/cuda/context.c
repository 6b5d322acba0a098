#include "runtime/cuda/context.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cuda/nvtx.h"

struct tsr__cuda {
  const tsr__cu *cu;
  void *context;
  int device, retained; /* retained: the primary context is held for as long as this lives */
  int32_t sms;
  int64_t users;
  void *modules[TSR__CUDA_IMAGES];
  tsr__cuda *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list and what hangs on it */
static tsr__cuda *all;

static tsr_status create(const tsr__cu *cu, void *context, int device, tsr__cuda **out) {
  TSR_TRY(tsr__calloc(1, sizeof **out, "a context", out));
  tsr__cuda *cuda = *out;
  int sms = 0;
  cuda->cu = cu;
  cuda->context = context;
  cuda->device = device;
  tsr_status status = tsr__cu_attribute(cu, device, TSR__CU_MULTIPROCESSOR_COUNT, &sms);
  if (status == TSR_OK && !context) {
    status = tsr__cu_check(cu->DevicePrimaryCtxRetain(&cuda->context, device),
                           "cuDevicePrimaryCtxRetain", "the first GPU");
    cuda->retained = status == TSR_OK;
  }
  cuda->sms = sms;
  if (status == TSR_OK) return TSR_OK;
  free(cuda);
  *out = NULL;
  return status;
}

/* The one that is there already for this context, or for the device's primary one. */
static tsr__cuda *find_open(const void *context, int device) {
  tsr__cuda *cuda = all;
  while (cuda && !(context ? cuda->context == context : cuda->retained && cuda->device == device))
    cuda = cuda->next;
  return cuda;
}

static tsr_status open_locked(const tsr__cu *cu, tsr__cuda **out) {
  void *context;
  int device;
  TSR_TRY(tsr__cu_current(cu, &context, &device));
  *out = find_open(context, device);
  if (!*out) {
    TSR_TRY(create(cu, context, device, out));
    (*out)->next = all;
    all = *out;
  }
  (*out)->users++;
  return TSR_OK;
}

tsr_status tsr__cuda_open(tsr__cuda **out) {
  const tsr__cu *cu;
  *out = NULL;
  TSR_TRY(tsr__cu_get(&cu));
  pthread_mutex_lock(&lock);
  tsr_status status = open_locked(cu, out);
  pthread_mutex_unlock(&lock);
  return status;
}

static void destroy(tsr__cuda *cuda) {
  tsr__cuda **link = &all;
  while (*link != cuda) link = &(*link)->next;
  *link = cuda->next;
  if (tsr__cuda_enter(cuda) == TSR_OK) {
    for (int i = 0; i < TSR__CUDA_IMAGES; i++)
      if (cuda->modules[i]) cuda->cu->ModuleUnload(cuda->modules[i]);
    tsr__cuda_leave(cuda);
  }
  if (cuda->retained) cuda->cu->DevicePrimaryCtxRelease(cuda->device);
  free(cuda);
}

void tsr__cuda_close(tsr__cuda *cuda) {
  if (!cuda) return;
  pthread_mutex_lock(&lock);
  if (--cuda->users == 0) destroy(cuda);
  pthread_mutex_unlock(&lock);
}

int tsr__cuda_device_count(void) {
  const tsr__cu *cu;
  int count = 0;
  return tsr__cu_get(&cu) == TSR_OK && !cu->DeviceGetCount(&count) ? count : 0;
}

tsr_status tsr__cuda_device_name(int ordinal, char *name, size_t size) {
  const tsr__cu *cu;
  int device;
  TSR_TRY(tsr__cu_get(&cu));
  TSR__CU_TRY("a GPU", DeviceGet, &device, ordinal);
  TSR__CU_TRY("a GPU", DeviceGetName, name, (int)size, device);
  return TSR_OK;
}

tsr_status tsr__cuda_use_device(int64_t ordinal) {
  const tsr__cu *cu;
  int device;
  void *context;
  TSR_TRY(tsr__cu_get(&cu));
  int count = tsr__cuda_device_count();
  TSR_CHECK(ordinal >= 0 && ordinal < count, TSR_INVALID_ARGUMENT,
            "device %lld: the CUDA driver has %d, counted from 0", (long long)ordinal, count);
  TSR__CU_TRY("the GPU", DeviceGet, &device, (int)ordinal);
  TSR__CU_TRY("the GPU", DevicePrimaryCtxRetain, &context, device);
  TSR__CU_TRY("the GPU", CtxSetCurrent, context);
  return TSR_OK;
}

tsr_status tsr__cuda_enter(const tsr__cuda *cuda) {
  const tsr__cu *cu = cuda->cu;
  TSR__CU_TRY("the context", CtxPushCurrent, cuda->context);
  return TSR_OK;
}

void tsr__cuda_leave(const tsr__cuda *cuda) {
  void *context;
  cuda->cu->CtxPopCurrent(&context);
}

int32_t tsr__cuda_sms(const tsr__cuda *cuda) { return cuda->sms; }
const tsr__cu *tsr__cuda_driver(const tsr__cuda *cuda) { return cuda->cu; }
int tsr__cuda_device(const tsr__cuda *cuda) { return cuda->device; }

static tsr_status load(tsr__cuda *cuda, tsr__cuda_image image, void **module) {
  const tsr__cu *cu = cuda->cu;
  if (!cuda->modules[image])
    TSR__CU_TRY(tsr__cuda_image_name(image), ModuleLoadData, &cuda->modules[image],
                tsr__cuda_image_data(image));
  *module = cuda->modules[image];
  return TSR_OK;
}

tsr_status tsr__cuda_find(tsr__cuda *cuda, tsr__cuda_image image, const char *name,
                          tsr__cuda_function *out) {
  const tsr__cu *cu = cuda->cu;
  void *module;
  pthread_mutex_lock(&lock);
  tsr_status status = load(cuda, image, &module);
  pthread_mutex_unlock(&lock);
  if (status != TSR_OK) return status;
  snprintf(out->name, sizeof out->name, "%s", name);
  TSR__CU_TRY(name, ModuleGetFunction, &out->handle, module, name);
  return TSR_OK;
}

tsr_status tsr__cuda_allow_shared(const tsr__cuda *cuda, const tsr__cuda_function *function,
                                  uint32_t bytes) {
  enum { UNASKED = 48 << 10 };
  const tsr__cu *cu = cuda->cu;
  if (bytes > UNASKED)
    TSR__CU_TRY(function->name, FuncSetAttribute, function->handle,
                TSR__CU_MAX_DYNAMIC_SHARED_BYTES, (int)bytes);
  return TSR_OK;
}

tsr_status tsr__cuda_launch(const tsr__cuda *cuda, const tsr__cuda_function *function,
                            const tsr_cuda_launch *launch, const void *args, void *stream,
                            const char *layer) {
  const tsr__cu *cu = cuda->cu;
  union {
    const void *in;
    void *out;
  } parameter = {.in = args}; /* the driver only reads it */
  tsr__nvtx_push(function->name);
  tsr_status status = tsr__cu_check(
      cu->LaunchKernel(function->handle, launch->grid[0], launch->grid[1], launch->grid[2],
                       launch->threads, 1, 1, launch->shared_bytes, stream, &parameter.out, NULL),
      "cuLaunchKernel", function->name);
  tsr__nvtx_pop();
  return status == TSR_OK ? TSR_OK : tsr__error_prefix(status, "%s", layer);
}

static void *to_pointer(tsr__cu_pointer address) {
  void *pointer;
  memcpy(&pointer, &address, sizeof pointer);
  return pointer;
}

static tsr__cu_pointer to_address(const void *pointer) {
  tsr__cu_pointer address = 0;
  memcpy(&address, &pointer, sizeof pointer);
  return address;
}

tsr_status tsr__cuda_alloc(const tsr__cuda *cuda, size_t bytes, const char *what, void **out) {
  const tsr__cu *cu = cuda->cu;
  tsr__cu_pointer address = 0;
  *out = NULL;
  if (bytes) {
    char call[48];
    snprintf(call, sizeof call, "cuMemAlloc of %zu bytes", bytes);
    TSR_TRY(tsr__cu_check(cu->MemAlloc(&address, bytes), call, what));
  }
  *out = to_pointer(address);
  return TSR_OK;
}

tsr_status tsr__cuda_upload(const tsr__cuda *cuda, const void *host, size_t bytes, const char *what,
                            void **out) {
  TSR_TRY(tsr__cuda_alloc(cuda, bytes, what, out));
  tsr_status status = tsr__cuda_write(cuda, *out, host, bytes, what);
  if (status == TSR_OK) return TSR_OK;
  tsr__cuda_free(cuda, *out);
  *out = NULL;
  return status;
}

tsr_status tsr__cuda_write(const tsr__cuda *cuda, void *device, const void *host, size_t bytes,
                           const char *what) {
  const tsr__cu *cu = cuda->cu;
  if (bytes) TSR__CU_TRY(what, MemcpyHtoD, to_address(device), host, bytes);
  return TSR_OK;
}

tsr_status tsr__cuda_read(const tsr__cuda *cuda, void *host, const void *device, size_t bytes,
                          const char *what) {
  const tsr__cu *cu = cuda->cu;
  if (bytes) TSR__CU_TRY(what, MemcpyDtoH, host, to_address(device), bytes);
  return TSR_OK;
}

tsr_status tsr__cuda_fill(const tsr__cuda *cuda, void *device, unsigned char value, size_t bytes,
                          void *stream) {
  const tsr__cu *cu = cuda->cu;
  if (bytes) TSR__CU_TRY("memory", MemsetD8Async, to_address(device), value, bytes, stream);
  return TSR_OK;
}

void tsr__cuda_free(const tsr__cuda *cuda, void *device) {
  if (device) cuda->cu->MemFree(to_address(device));
}

tsr_status tsr__cuda_wait(const tsr__cuda *cuda, void *stream, const char *what) {
  const tsr__cu *cu = cuda->cu;
  TSR__CU_TRY(what, StreamSynchronize, stream);
  return TSR_OK;
}
