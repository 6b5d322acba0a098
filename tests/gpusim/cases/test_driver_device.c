/* Devices, contexts, names of errors, entry points, and handles that are none. */
#include "tests/gpusim/cases/driver_case.h"

static int attribute(CUdevice_attribute which) {
  int value = -1;
  OK(cuDeviceGetAttribute(&value, which, 0));
  return value;
}

Test(driver_device, nothing_before_init) {
  int count;
  CUdevice device;
  setenv("GPUSIM_QUIET", "1", 0);
  FAILS(CUDA_ERROR_NOT_INITIALIZED, cuDeviceGetCount(&count));
  FAILS(CUDA_ERROR_NOT_INITIALIZED, cuDeviceGet(&device, 0));
  FAILS(CUDA_ERROR_NOT_INITIALIZED, cuCtxSynchronize());
  OK(cuDriverGetVersion(&count));
  cr_expect_eq(count, 13000);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuInit(1));
  OK(cuInit(0));
  FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxSynchronize());
}

static void check_device(const char *key, const char *part, int capability, int sms, int optin) {
  char name[64], id[32];
  size_t bytes;
  CUdevice device;
  setenv("GPUSIM_QUIET", "1", 0);
  setenv("GPUSIM_DEVICE", key, 1);
  OK(cuInit(0));
  OK(cuDeviceGet(&device, 0));
  FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(&device, 1));
  OK(cuDeviceGetName(name, sizeof name, 0));
  cr_expect(strstr(name, part) != NULL, "%s", name);
  cr_expect_eq(attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) * 10 +
                   attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
               capability);
  cr_expect_eq(attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT), sms);
  cr_expect_eq(attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN), optin);
  cr_expect_eq(attribute(CU_DEVICE_ATTRIBUTE_WARP_SIZE), 32);
  OK(cuDeviceTotalMem(&bytes, 0));
  cr_expect_geq(bytes, (size_t)24 << 30);
  OK(cuDeviceGetPCIBusId(id, sizeof id, 0));
  OK(cuDeviceGetByPCIBusId(&device, id));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuDeviceGetAttribute(&device, (CUdevice_attribute)0, 0));
  FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGetName(name, sizeof name, 1));
}

/* Shared memory of a block that opts in: 163, 99 and 227 KiB. */
Test(driver_device, a100) { check_device("a100", "A100", 80, 108, 166912); }
Test(driver_device, a10) { check_device("a10", "A10", 86, 72, 101376); }
Test(driver_device, h100) { check_device("h100", "H100", 90, 132, 232448); }

Test(driver_device, contexts) {
  CUcontext one, two, current;
  setenv("GPUSIM_QUIET", "1", 0);
  OK(cuInit(0));
  OK(cuCtxCreate(&one, NULL, 0, 0));
  OK(cuCtxCreate(&two, NULL, CU_CTX_SCHED_SPIN, 0));
  OK(cuCtxGetCurrent(&current));
  cr_expect_eq(current, two);
  OK(cuCtxPopCurrent(&current));
  cr_expect_eq(current, two);
  OK(cuCtxGetCurrent(&current));
  cr_expect_eq(current, one);
  CUdeviceptr p;
  OK(cuMemAlloc(&p, 4));
  OK(cuCtxPushCurrent(two));
  OK(cuCtxDestroy(one));
  uint32_t word = 0;
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p, &word, 4));
  FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy(one));
  FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxSetCurrent(one));
  OK(cuCtxPopCurrent(NULL));
  FAILS(CUDA_ERROR_CONTEXT_IS_DESTROYED, cuCtxSynchronize());
  OK(cuCtxSetCurrent(NULL));
  OK(cuCtxDestroy(two));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuCtxCreate(NULL, NULL, 0, 0));
  FAILS(CUDA_ERROR_INVALID_DEVICE, cuCtxCreate(&one, NULL, 0, 7));
  FAILS(CUDA_ERROR_INVALID_CONTEXT, cuDevicePrimaryCtxRelease(0));
}

Test(driver_device, errors_have_names) {
  const char *text;
  OK(cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
  cr_expect_str_eq(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
  OK(cuGetErrorString(CUDA_SUCCESS, &text));
  cr_expect_str_eq(text, "no error");
  FAILS(CUDA_ERROR_INVALID_VALUE, cuGetErrorName((CUresult)123456, &text));
  cr_expect_null(text);
}

Test(driver_device, entry_points) {
  void *function;
  CUdriverProcAddressQueryResult status;
  setenv("GPUSIM_QUIET", "1", 0);
  OK(cuGetProcAddress("cuMemAlloc", &function, 12000, 0, &status));
  cr_expect_eq(status, CU_GET_PROC_ADDRESS_SUCCESS);
  cr_expect_eq(function, (void *)cuMemAlloc);
  FAILS(CUDA_ERROR_NOT_FOUND, cuGetProcAddress("cuNoSuchThing", &function, 13000, 0, &status));
  cr_expect_eq(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
  FAILS(CUDA_ERROR_NOT_FOUND, cuGetProcAddress("cuLaunchKernelEx", &function, 4000, 0, &status));
  cr_expect_eq(status, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
}

/* What no stream means: the same function's two variants. */
Test(driver_device, default_streams_by_address) {
  driver_case_begin();
  CUresult (*get_id[2])(CUstream, unsigned long long *) = {NULL};
  CUresult (*launch_ex)(const CUlaunchConfig *, CUfunction, void **, void **) = NULL;
  CUresult (*synchronise)(CUstream) = NULL;
  const cuuint64_t own = CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
  OK(cuGetProcAddress("cuStreamGetId", (void **)&get_id[0], 12000, 0, NULL));
  OK(cuGetProcAddress("cuStreamGetId", (void **)&get_id[1], 12000, own, NULL));
  OK(cuGetProcAddress("cuLaunchKernelEx", (void **)&launch_ex, 12000, own, NULL));
  OK(cuGetProcAddress("cuStreamSynchronize", (void **)&synchronise, 12000, own, NULL));
  unsigned long long ids[2], legacy, per_thread;
  OK(cuStreamGetId(CU_STREAM_LEGACY, &legacy));
  OK(cuStreamGetId(CU_STREAM_PER_THREAD, &per_thread));
  for (int i = 0; i < 2; i++) OK(get_id[i](NULL, &ids[i]));
  cr_expect_neq(legacy, per_thread);
  cr_expect_eq(ids[0], legacy);
  cr_expect_eq(ids[1], per_thread);
  CUstream stream;
  OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  OK(cuStreamGetId(stream, &ids[0]));
  OK(get_id[1](stream, &ids[1]));
  cr_expect_eq(ids[0], ids[1]);
  OK(cuStreamDestroy(stream));

  CUdeviceptr words = driver_case_words(1, 32);
  uint32_t value = 2;
  void *values[] = {&words, &value};
  const CUlaunchConfig config = {
      .gridDimX = 1, .gridDimY = 1, .gridDimZ = 1, .blockDimX = 32, .blockDimY = 1, .blockDimZ = 1};
  OK(launch_ex(&config, driver_case_function("add"), values, NULL));
  OK(synchronise(NULL));
  cr_expect_eq(driver_case_word(words), 3);
  FAILS(CUDA_ERROR_INVALID_VALUE, launch_ex(NULL, driver_case_function("add"), values, NULL));
  FAILS(CUDA_ERROR_INVALID_HANDLE, synchronise((CUstream)(uintptr_t)4096));
  /* A function without a stream is the same in both. */
  void *function;
  OK(cuGetProcAddress("cuMemAlloc", &function, 12000, own, NULL));
  cr_expect_eq(function, (void *)cuMemAlloc);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuGetProcAddress("cuMemAlloc", &function, 12000, own | 1, NULL));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuGetProcAddress("cuMemAlloc", &function, 12000, 4, NULL));
  driver_case_end();
}

Test(driver_device, random_handles_are_refused) {
  driver_case_begin();
  uint64_t x = 88172645463325252u;
  for (unsigned i = 0; i < 2000; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    void *handle = (void *)(uintptr_t)(i % 2 != 0 ? x | 64 : x >> 40 | 64);
    int value;
    CUgraphNodeType type;
    CUfunction function;
    FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamSynchronize((CUstream)handle));
    FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventSynchronize((CUevent)handle));
    FAILS(CUDA_ERROR_INVALID_HANDLE, cuModuleGetFunction(&function, (CUmodule)handle, "add"));
    FAILS(CUDA_ERROR_INVALID_HANDLE,
          cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, (CUfunction)handle));
    FAILS(CUDA_ERROR_INVALID_HANDLE, cuGraphDestroy((CUgraph)handle));
    FAILS(CUDA_ERROR_INVALID_HANDLE, cuGraphNodeGetType((CUgraphNode)handle, &type));
    FAILS(CUDA_ERROR_INVALID_HANDLE, cuGraphLaunch((CUgraphExec)handle, NULL));
    FAILS(CUDA_ERROR_INVALID_HANDLE, cuLibraryUnload((CUlibrary)handle));
    FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy((CUcontext)handle));
    FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree((CUdeviceptr)(uintptr_t)handle));
  }
  driver_case_end();
}
