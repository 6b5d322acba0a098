/* Entry points x bad arguments: the error of each, and no crash. */
#include "tests/gpusim/cases/driver_case.h"

static CUdeviceptr memory;
static CUfunction function;
static char nowhere[64]; /* no handle points here */
#define NO(type) ((type)(void *)nowhere)

static void begin(void) {
  driver_case_begin();
  memory = driver_case_words(0, 16);
  function = driver_case_function("add");
}

TestSuite(driver_arguments, .init = begin, .fini = driver_case_end);

#define VALUE(call) FAILS(CUDA_ERROR_INVALID_VALUE, call)
#define HANDLE(call) FAILS(CUDA_ERROR_INVALID_HANDLE, call)

Test(driver_arguments, devices_and_contexts) {
  CUdevice device;
  CUcontext context;
  int number;
  size_t bytes;
  VALUE(cuDeviceGetCount(NULL));
  VALUE(cuDeviceGet(NULL, 0));
  FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(&device, 1));
  FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(&device, -1));
  VALUE(cuDeviceGetName(NULL, 10, 0));
  VALUE(cuDeviceGetAttribute(NULL, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0));
  VALUE(cuDeviceGetAttribute(&number, (CUdevice_attribute)0, 0));
  FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceGetAttribute(&number, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 7));
  VALUE(cuDeviceTotalMem(NULL, 0));
  FAILS(CUDA_ERROR_INVALID_DEVICE, cuDeviceTotalMem(&bytes, 7));
  VALUE(cuDriverGetVersion(NULL));
  VALUE(cuDevicePrimaryCtxRetain(NULL, 0));
  FAILS(CUDA_ERROR_INVALID_DEVICE, cuDevicePrimaryCtxRetain(&context, 3));
  FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxSetCurrent(NO(CUcontext)));
  FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxPushCurrent(NO(CUcontext)));
  FAILS(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy(NO(CUcontext)));
  VALUE(cuCtxGetCurrent(NULL));
  VALUE(cuCtxGetDevice(NULL));
  VALUE(cuMemGetInfo(NULL, &bytes));
}

Test(driver_arguments, modules_and_functions) {
  CUmodule module;
  CUfunction found;
  CUdeviceptr address;
  size_t bytes;
  int number;
  VALUE(cuModuleLoadData(NULL, driver_case_ptx));
  VALUE(cuModuleLoadData(&module, NULL));
  FAILS(CUDA_ERROR_INVALID_PTX, cuModuleLoadData(&module, ".version 8.0\n.target sm_80\nnonsense"));
  FAILS(CUDA_ERROR_FILE_NOT_FOUND, cuModuleLoad(&module, "/nowhere/at/all.ptx"));
  VALUE(cuModuleLoad(&module, NULL));
  HANDLE(cuModuleUnload(NO(CUmodule)));
  HANDLE(cuModuleUnload(NULL));
  VALUE(cuModuleGetFunction(NULL, driver_case_module, "add"));
  VALUE(cuModuleGetFunction(&found, driver_case_module, NULL));
  HANDLE(cuModuleGetFunction(&found, NO(CUmodule), "add"));
  FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(&found, driver_case_module, "subtract"));
  FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetGlobal(&address, &bytes, driver_case_module, "chair"));
  HANDLE(cuModuleGetGlobal(&address, &bytes, NO(CUmodule), "table"));
  VALUE(cuFuncGetAttribute(NULL, CU_FUNC_ATTRIBUTE_NUM_REGS, function));
  HANDLE(cuFuncGetAttribute(&number, CU_FUNC_ATTRIBUTE_NUM_REGS, NO(CUfunction)));
  VALUE(cuFuncGetAttribute(&number, (CUfunction_attribute)99, function));
  HANDLE(cuFuncSetAttribute(NULL, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 0));
  VALUE(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 1 << 20));
  VALUE(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, -1));
}

Test(driver_arguments, memory) {
  CUdeviceptr p;
  void *host;
  char byte = 0;
  VALUE(cuMemAlloc(NULL, 4));
  VALUE(cuMemAlloc(&p, 0));
  FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&p, (size_t)1 << 50));
  VALUE(cuMemFree(memory + 4));
  VALUE(cuMemFree(16));
  VALUE(cuMemAllocHost(NULL, 4));
  VALUE(cuMemAllocHost(&host, 0));
  VALUE(cuMemFreeHost(&byte));
  VALUE(cuMemcpyHtoD(memory, NULL, 4));
  VALUE(cuMemcpyHtoD(memory + 61, &byte, 4));
  VALUE(cuMemcpyDtoH(NULL, memory, 4));
  VALUE(cuMemcpyDtoH(&byte, 16, 1));
  VALUE(cuMemcpyDtoD(memory, memory + 64, 1));
  VALUE(cuMemsetD8(memory, 0, 65));
  VALUE(cuMemsetD32(memory + 2, 0, 1));
  VALUE(cuMemsetD16(memory + 1, 0, 1));
  HANDLE(cuMemcpyHtoDAsync(memory, &byte, 1, NO(CUstream)));
  HANDLE(cuMemsetD8Async(memory, 0, 1, NO(CUstream)));
  VALUE(cuMemcpy2D(NULL));
  VALUE(cuPointerGetAttribute(NULL, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, memory));
}

Test(driver_arguments, streams_events_and_graphs) {
  CUgraph graph;
  CUgraphNode node;
  CUgraphExec exec;
  float ms;
  size_t count;
  VALUE(cuStreamCreate(NULL, 0));
  HANDLE(cuStreamDestroy(NO(CUstream)));
  HANDLE(cuStreamSynchronize(NO(CUstream)));
  HANDLE(cuStreamQuery(NO(CUstream)));
  HANDLE(cuStreamWaitEvent(NULL, NO(CUevent), 0));
  VALUE(cuEventCreate(NULL, 0));
  HANDLE(cuEventRecord(NO(CUevent), NULL));
  HANDLE(cuEventSynchronize(NO(CUevent)));
  HANDLE(cuEventElapsedTime(&ms, NO(CUevent), NO(CUevent)));
  HANDLE(cuEventDestroy(NO(CUevent)));
  VALUE(cuGraphCreate(NULL, 0));
  VALUE(cuGraphCreate(&graph, 1));
  HANDLE(cuGraphDestroy(NO(CUgraph)));
  HANDLE(cuGraphAddEmptyNode(&node, NO(CUgraph), NULL, 0));
  HANDLE(cuGraphInstantiateWithFlags(&exec, NO(CUgraph), 0));
  HANDLE(cuGraphLaunch(NO(CUgraphExec), NULL));
  HANDLE(cuGraphExecDestroy(NO(CUgraphExec)));
  HANDLE(cuGraphGetNodes(NO(CUgraph), NULL, &count));
  HANDLE(cuGraphDestroyNode(NO(CUgraphNode)));
}

Test(driver_arguments, launches) {
  uint32_t one = 1;
  void *values[] = {&memory, &one};
  CUlaunchConfig config = {.gridDimX = 1, .gridDimY = 1, .gridDimZ = 1};
  HANDLE(cuLaunchKernel(NULL, 1, 1, 1, 1, 1, 1, 0, NULL, values, NULL));
  HANDLE(cuLaunchKernel(NO(CUfunction), 1, 1, 1, 1, 1, 1, 0, NULL, values, NULL));
  HANDLE(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NO(CUstream), values, NULL));
  VALUE(cuLaunchKernel(function, 0, 1, 1, 1, 1, 1, 0, NULL, values, NULL));
  VALUE(cuLaunchKernel(function, 1, 65536, 1, 1, 1, 1, 0, NULL, values, NULL));
  VALUE(cuLaunchKernel(function, 1, 1, 1, 1, 0, 1, 0, NULL, values, NULL));
  VALUE(cuLaunchKernel(function, 1, 1, 1, 1025, 1, 1, 0, NULL, values, NULL));
  VALUE(cuLaunchKernel(function, 1, 1, 1, 1, 1, 65, 0, NULL, values, NULL));
  VALUE(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 1 << 20, NULL, values, NULL));
  VALUE(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
  VALUE(cuLaunchKernelEx(NULL, function, values, NULL));
  VALUE(cuLaunchKernelEx(&config, function, values, NULL));
  HANDLE(cuLaunchHostFunc(NO(CUstream), NULL, NULL));
  int ctas;
  HANDLE(cuOccupancyMaxActiveBlocksPerMultiprocessor(&ctas, NO(CUfunction), 32, 0));
  VALUE(cuOccupancyMaxActiveBlocksPerMultiprocessor(NULL, function, 32, 0));
  VALUE(cuOccupancyMaxActiveBlocksPerMultiprocessor(&ctas, function, 0, 0));
  OK(cuCtxSynchronize());
  cr_expect_eq(driver_case_word(memory), 0, "nothing has run");
}
