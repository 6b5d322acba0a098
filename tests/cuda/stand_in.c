#include "tests/cuda/stand_in.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cuda/driver.h"

enum {
  DEVICES_MAX = 4,
  OBJECTS_MAX = 4096,
  INVALID_VALUE = 1,
  INVALID_DEVICE = 101,
  INVALID_CONTEXT = 201
};

/* Something that belongs to a context: memory of that many bytes, or a module, function, ... */
typedef struct object {
  uint64_t handle;
  size_t bytes;
  void *context;
} object;

static tsr__cu real;
static int (*real_create)(void **context, unsigned flags, int device);
static int (*real_param_info)(void *function, size_t index, size_t *offset, size_t *bytes);
static int opened, device_count = 1;
static void *contexts[DEVICES_MAX]; /* primary ones; of the first device the simulator's */
static int64_t retained, pushed, launches[DEVICES_MAX], calls, fail_at;
static int fail_with;
static uint64_t memory_limit;
static const char *failed = "";
static char wrong[256];
static object objects[OBJECTS_MAX], functions[OBJECTS_MAX];
static size_t object_count, function_count;

/* ---- the simulator ---- */

static int find(void *library, const char *symbol, void *function) {
  void *address = dlsym(library, symbol);
  memcpy(function, &address, sizeof address);
  return address != NULL;
}

static int open_real(void) {
  const char *path = getenv("STAND_IN_DRIVER"), *devices = getenv("STAND_IN_DEVICES");
  const char *memory = getenv("STAND_IN_MEMORY");
  void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library) return 0;
#define FIND(name, symbol, parameters) \
  if (!find(library, #symbol, &real.name)) return 0;
  TSR__CU_MAP(FIND)
#undef FIND
  if (devices) device_count = (int)strtol(devices, NULL, 10);
  if (memory) memory_limit = strtoull(memory, NULL, 10);
  return device_count <= DEVICES_MAX && find(library, "cuCtxCreate_v2", &real_create) &&
         find(library, "cuFuncGetParamInfo", &real_param_info);
}

static int ready(void) {
  if (!opened) opened = open_real() ? 1 : -1;
  return opened > 0;
}

/* ---- failing and watching ---- */

#define TRY(call)                    \
  do {                               \
    int try_error = (call);          \
    if (try_error) return try_error; \
  } while (0)

/* The error of a call that has to fail, else 0. */
static int enter(const char *name) {
  if (!ready()) return INVALID_VALUE;
  if (++calls != fail_at) return 0;
  failed = name;
  return fail_with;
}

static void complain(const char *call, const char *what) {
  if (!wrong[0]) snprintf(wrong, sizeof wrong, "%s: %s", call, what);
}

static void *current(void) {
  void *context = NULL;
  real.CtxGetCurrent(&context);
  return context;
}

static int device_of(const void *context) {
  for (int d = 0; d < device_count; d++)
    if (contexts[d] && contexts[d] == context) return d;
  return 0;
}

static void keep(object *list, size_t *count, uint64_t handle, size_t bytes) {
  if (*count == OBJECTS_MAX)
    complain("the stand-in", "too many objects");
  else
    list[(*count)++] = (object){handle, bytes, current()};
}

static uint64_t handle_of(const void *pointer) {
  uint64_t handle = 0;
  memcpy(&handle, &pointer, sizeof pointer);
  return handle;
}

/* The object, or the memory that holds the address. */
static object *search(object *list, size_t count, uint64_t handle) {
  for (size_t i = 0; i < count; i++)
    if (handle == list[i].handle ||
        (handle > list[i].handle && handle - list[i].handle < list[i].bytes))
      return &list[i];
  return NULL;
}

static int check_owner(const char *call, const object *found) {
  if (!found || found->context == current()) return 0;
  complain(call, "belongs to another context");
  return INVALID_CONTEXT;
}

static int check_object(const char *call, uint64_t handle) {
  return check_owner(call, search(objects, object_count, handle));
}

/* Takes it out of the list; 0, or the error of a call that must not be made. */
static int drop(const char *call, uint64_t handle) {
  object *found = search(objects, object_count, handle);
  if (!found) complain(call, "is not there, or not any more");
  int error = check_owner(call, found);
  if (found && !error) *found = objects[--object_count];
  return error;
}

static uint64_t used_bytes(const void *context) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < object_count; i++)
    if (objects[i].context == context) bytes += objects[i].bytes;
  return bytes;
}

/* Every word of a kernel's arguments that is an address must be one of this context's memory. */
static int check_arguments(void *function, void **parameters) {
  size_t offset, bytes;
  if (real_param_info(function, 0, &offset, &bytes)) return 0;
  for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, (const char *)parameters[0] + at, sizeof word);
    const object *found = search(objects, object_count, word);
    if (found && found->bytes) TRY(check_owner("cuLaunchKernel", found));
  }
  return 0;
}

/* ---- control ---- */

void stand_in_fail(int64_t nth, int error) {
  calls = 0;
  fail_at = nth;
  fail_with = error;
  failed = "";
}
void stand_in_recover(void) { fail_at = 0; }
const char *stand_in_failed(void) { return failed; }
void stand_in_memory(uint64_t bytes) {
  ready();
  memory_limit = bytes;
}
int64_t stand_in_held(void) { return (int64_t)object_count + retained + pushed; }
int64_t stand_in_launches(int device) { return launches[device]; }
const char *stand_in_wrong(void) { return wrong; }

/* ---- the driver ---- */

#define ENTRY STAND_IN_API int
/* Every function that tsr__cu names, declared as it is there. */
#define DECLARE(name, symbol, parameters) ENTRY symbol parameters;
TSR__CU_MAP(DECLARE)
#undef DECLARE

int cuInit(unsigned flags) {
  TRY(enter("cuInit"));
  return real.Init(flags);
}
int cuGetErrorName(int error, const char **name) {
  return ready() ? real.GetErrorName(error, name) : INVALID_VALUE;
}
int cuDeviceGet(int *device, int ordinal) {
  TRY(enter("cuDeviceGet"));
  if (ordinal < 0 || ordinal >= device_count) return INVALID_DEVICE;
  *device = ordinal;
  return 0;
}
int cuDeviceGetCount(int *count) {
  TRY(enter("cuDeviceGetCount"));
  *count = device_count;
  return 0;
}
int cuDeviceGetName(char *name, int length, int device) {
  TRY(enter("cuDeviceGetName"));
  TRY(real.DeviceGetName(name, length, 0));
  size_t used = strlen(name);
  if (device) snprintf(name + used, (size_t)length - used, " #%d", device);
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  TRY(enter("cuDeviceGetAttribute"));
  (void)device;
  return real.DeviceGetAttribute(value, attribute, 0);
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
  TRY(enter("cuDevicePrimaryCtxRetain"));
  if (device < 0 || device >= device_count) return INVALID_DEVICE;
  void *before;
  if (!contexts[device] && device) {
    TRY(real_create(&contexts[device], 0, 0));
    TRY(real.CtxPopCurrent(&before));
  } else if (!device) {
    TRY(real.DevicePrimaryCtxRetain(&contexts[0], 0));
  }
  *context = contexts[device];
  retained++;
  return 0;
}
int cuDevicePrimaryCtxRelease_v2(int device) {
  retained--;
  return device ? 0 : real.DevicePrimaryCtxRelease(0);
}
int cuCtxGetCurrent(void **context) {
  TRY(enter("cuCtxGetCurrent"));
  return real.CtxGetCurrent(context);
}
int cuCtxSetCurrent(void *context) {
  TRY(enter("cuCtxSetCurrent"));
  return real.CtxSetCurrent(context);
}
int cuCtxGetDevice(int *device) {
  TRY(enter("cuCtxGetDevice"));
  *device = device_of(current());
  return 0;
}
int cuCtxPushCurrent_v2(void *context) {
  TRY(enter("cuCtxPushCurrent"));
  TRY(real.CtxPushCurrent(context));
  pushed++;
  return 0;
}
int cuCtxPopCurrent_v2(void **context) {
  pushed--;
  return real.CtxPopCurrent(context);
}
int cuModuleLoadData(void **module, const void *image) {
  TRY(enter("cuModuleLoadData"));
  TRY(real.ModuleLoadData(module, image));
  keep(objects, &object_count, handle_of(*module), 0);
  return 0;
}
int cuModuleUnload(void *module) {
  TRY(drop("cuModuleUnload", handle_of(module)));
  return real.ModuleUnload(module);
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
  TRY(enter("cuModuleGetFunction"));
  TRY(check_object("cuModuleGetFunction", handle_of(module)));
  TRY(real.ModuleGetFunction(function, module, name));
  if (!search(functions, function_count, handle_of(*function)))
    keep(functions, &function_count, handle_of(*function), 0);
  return 0;
}
int cuFuncSetAttribute(void *function, int attribute, int value) {
  TRY(enter("cuFuncSetAttribute"));
  return real.FuncSetAttribute(function, attribute, value);
}
int cuMemAlloc_v2(tsr__cu_pointer *address, size_t bytes) {
  TRY(enter("cuMemAlloc"));
  if (memory_limit && used_bytes(current()) + bytes > memory_limit) return TSR__CU_OUT_OF_MEMORY;
  TRY(real.MemAlloc(address, bytes));
  keep(objects, &object_count, *address, bytes);
  return 0;
}
int cuMemFree_v2(tsr__cu_pointer address) {
  TRY(drop("cuMemFree", address));
  return real.MemFree(address);
}
int cuMemcpyHtoD_v2(tsr__cu_pointer to, const void *from, size_t bytes) {
  TRY(enter("cuMemcpyHtoD"));
  TRY(check_object("cuMemcpyHtoD", to));
  return real.MemcpyHtoD(to, from, bytes);
}
int cuMemcpyDtoH_v2(void *to, tsr__cu_pointer from, size_t bytes) {
  TRY(enter("cuMemcpyDtoH"));
  TRY(check_object("cuMemcpyDtoH", from));
  return real.MemcpyDtoH(to, from, bytes);
}
int cuMemsetD8Async(tsr__cu_pointer to, unsigned char value, size_t bytes, void *stream) {
  TRY(enter("cuMemsetD8Async"));
  TRY(check_object("cuMemsetD8Async", to));
  return real.MemsetD8Async(to, value, bytes, stream);
}
int cuStreamSynchronize(void *stream) {
  TRY(enter("cuStreamSynchronize"));
  return real.StreamSynchronize(stream);
}
int cuStreamCreate(void **stream, unsigned flags) {
  TRY(enter("cuStreamCreate"));
  TRY(real.StreamCreate(stream, flags));
  keep(objects, &object_count, handle_of(*stream), 0);
  return 0;
}
int cuStreamDestroy_v2(void *stream) {
  TRY(drop("cuStreamDestroy", handle_of(stream)));
  return real.StreamDestroy(stream);
}
int cuStreamBeginCapture_v2(void *stream, int mode) {
  TRY(enter("cuStreamBeginCapture"));
  return real.StreamBeginCapture(stream, mode);
}
/* A capture that fails to end leaves no graph. */
int cuStreamEndCapture(void *stream, void **graph) {
  int error = enter("cuStreamEndCapture");
  TRY(real.StreamEndCapture(stream, graph));
  if (error) {
    real.GraphDestroy(*graph);
    *graph = NULL;
    return error;
  }
  keep(objects, &object_count, handle_of(*graph), 0);
  return 0;
}
int cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long flags) {
  TRY(enter("cuGraphInstantiate"));
  TRY(real.GraphInstantiate(executable, graph, flags));
  keep(objects, &object_count, handle_of(*executable), 0);
  return 0;
}
int cuGraphLaunch(void *executable, void *stream) {
  TRY(enter("cuGraphLaunch"));
  TRY(check_object("cuGraphLaunch", handle_of(executable)));
  return real.GraphLaunch(executable, stream);
}
int cuGraphExecDestroy(void *executable) {
  TRY(drop("cuGraphExecDestroy", handle_of(executable)));
  return real.GraphExecDestroy(executable);
}
int cuGraphDestroy(void *graph) {
  TRY(drop("cuGraphDestroy", handle_of(graph)));
  return real.GraphDestroy(graph);
}
int cuEventCreate(void **event, unsigned flags) {
  TRY(enter("cuEventCreate"));
  TRY(real.EventCreate(event, flags));
  keep(objects, &object_count, handle_of(*event), 0);
  return 0;
}
int cuEventDestroy_v2(void *event) {
  TRY(drop("cuEventDestroy", handle_of(event)));
  return real.EventDestroy(event);
}
int cuEventRecord(void *event, void *stream) {
  TRY(enter("cuEventRecord"));
  return real.EventRecord(event, stream);
}
int cuEventSynchronize(void *event) {
  TRY(enter("cuEventSynchronize"));
  return real.EventSynchronize(event);
}
int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
  TRY(enter("cuEventElapsedTime"));
  TRY(real.EventElapsedTime(milliseconds, start, end));
  *milliseconds = 0.25f;
  return 0;
}
int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                   unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                   void *stream, void **parameters, void **extra) {
  TRY(enter("cuLaunchKernel"));
  TRY(check_owner("cuLaunchKernel", search(functions, function_count, handle_of(function))));
  TRY(check_arguments(function, parameters));
  launches[device_of(current())]++;
  return real.LaunchKernel(function, grid_x, grid_y, grid_z, block_x, block_y, block_z,
                           shared_bytes, stream, parameters, extra);
}
