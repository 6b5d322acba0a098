/* Modules, functions, launches, limits and faults. */
#include "tests/gpusim/cases/driver_case.h"

TestSuite(driver_launch, .init = driver_case_begin, .fini = driver_case_end);

static CUresult launch(const char *name, unsigned grid, unsigned x, unsigned y, unsigned z,
                       unsigned shared, void **values) {
  return cuLaunchKernel(driver_case_function(name), grid, 1, 1, x, y, z, shared, NULL, values,
                        NULL);
}

Test(driver_launch, parameters_are_copied_at_the_call) {
  CUdeviceptr p = driver_case_words(1, 64);
  uint32_t value = 5;
  void *values[] = {&p, &value};
  CUdeviceptr kept = p;
  OK(launch("add", 2, 32, 1, 1, 0, values));
  value = 100;
  p = 0;
  OK(cuCtxSynchronize());
  cr_expect_eq(driver_case_word(kept), 6);
  cr_expect_eq(driver_case_word(kept + 63 * 4), 6);
}

Test(driver_launch, structures_by_value_and_packed_buffers) {
  CUdeviceptr p = driver_case_words(0, 100);
  uint32_t words[100];
  for (uint32_t i = 0; i < 100; i++) words[i] = i * i;
  void *values[] = {&p, words};
  OK(launch("big", 1, 100, 1, 1, 0, values));
  cr_expect_eq(driver_case_word(p + 4 * 99), 99 * 99);
  /* The structure is 16-byte aligned, so it starts at byte 16. */
  uint8_t buffer[416] = {0};
  for (uint32_t i = 0; i < 100; i++) words[i] = i + 7;
  memcpy(buffer, &p, 8);
  memcpy(buffer + 16, words, 400);
  size_t bytes = sizeof buffer;
  void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, buffer, CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes,
                   CU_LAUNCH_PARAM_END};
  CUfunction big = driver_case_function("big");
  OK(cuLaunchKernel(big, 1, 1, 1, 100, 1, 1, 0, NULL, NULL, extra));
  cr_expect_eq(driver_case_word(p + 4 * 99), 106);
  bytes = 415;
  FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(big, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(big, 1, 1, 1, 1, 1, 1, 0, NULL, values, extra));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(big, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
  values[1] = NULL;
  FAILS(CUDA_ERROR_INVALID_VALUE, launch("big", 1, 1, 1, 1, 0, values));
  size_t offset, size;
  OK(cuFuncGetParamInfo(big, 1, &offset, &size));
  cr_expect_eq(offset, 16);
  cr_expect_eq(size, 400);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuFuncGetParamInfo(big, 2, &offset, &size));
}

Test(driver_launch, dynamic_shared_memory_needs_the_attribute) {
  CUdeviceptr p = driver_case_words(0, 1);
  CUfunction function = driver_case_function("dynamic");
  uint32_t last = 49148;
  int value = 0;
  void *values[] = {&p, &last};
  OK(launch("dynamic", 1, 1, 1, 1, 49152, values));
  cr_expect_eq(driver_case_word(p), last);
  FAILS(CUDA_ERROR_INVALID_VALUE, launch("dynamic", 1, 1, 1, 1, 49153, values));
  /* A100: 163 KiB of shared memory for a block that opts in. */
  OK(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 166912));
  OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, function));
  cr_expect_eq(value, 166912);
  last = 166908;
  OK(launch("dynamic", 1, 1, 1, 1, 166912, values));
  cr_expect_eq(driver_case_word(p), last);
  FAILS(CUDA_ERROR_INVALID_VALUE,
        cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 166913));
}

Test(driver_launch, limits) {
  FAILS(CUDA_ERROR_INVALID_VALUE, launch("bounded", 0, 1, 1, 1, 0, NULL));
  FAILS(CUDA_ERROR_INVALID_VALUE, launch("bounded", 1, 1025, 1, 1, 0, NULL));
  FAILS(CUDA_ERROR_INVALID_VALUE, launch("bounded", 1, 1, 1, 65, 0, NULL));
  OK(launch("bounded", 1, 64, 1, 1, 0, NULL));
  FAILS(CUDA_ERROR_INVALID_VALUE, launch("bounded", 1, 65, 1, 1, 0, NULL));
  OK(launch("required", 1, 32, 2, 1, 0, NULL));
  FAILS(CUDA_ERROR_INVALID_VALUE, launch("required", 1, 64, 1, 1, 0, NULL));
  OK(launch("fixed", 1, 1024, 1, 1, 0, NULL));
  FAILS(CUDA_ERROR_INVALID_VALUE, launch("fixed", 1, 1024, 2, 1, 0, NULL));
  FAILS(CUDA_ERROR_INVALID_VALUE,
        cuLaunchKernel(driver_case_function("fixed"), 1, 65536, 1, 1, 1, 1, 0, NULL, NULL, NULL));
  OK(cuCtxSynchronize());
}

Test(driver_launch, faults_stick_until_cleared) {
  gpusim_fault fault;
  CUdeviceptr p = driver_case_words(1, 1);
  OK(launch("bad", 1, 1, 1, 1, 0, NULL));
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemFree(p));
  gpusim_last_fault(&fault);
  cr_expect_str_eq(fault.kernel, "bad");
  cr_expect_str_eq(fault.kind, "out_of_bounds");
  cr_expect_neq(fault.ptx_line, 0);
  gpusim_clear_fault();
  gpusim_last_fault(&fault);
  cr_expect_str_eq(fault.kind, "");
  cr_expect_eq(driver_case_word(p), 1);
}

Test(driver_launch, launch_attributes) {
  CUlaunchAttribute attribute = {.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE,
                                 .value = {.cooperative = 1}};
  CUlaunchConfig config = {1, 1, 1, 32, 1, 1, 0, NULL, &attribute, 1};
  CUfunction function = driver_case_function("fixed");
  OK(cuLaunchKernelEx(&config, function, NULL, NULL));
  config.gridDimX = 108 * 32 + 1;
  FAILS(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, cuLaunchKernelEx(&config, function, NULL, NULL));
  config.gridDimX = 2;
  attribute.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  attribute.value.clusterDim.x = 2;
  attribute.value.clusterDim.y = attribute.value.clusterDim.z = 1;
  FAILS(CUDA_ERROR_INVALID_CLUSTER_SIZE, cuLaunchKernelEx(&config, function, NULL, NULL));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchKernelEx(NULL, function, NULL, NULL));
}

Test(driver_launch, syntax_errors_reach_the_log) {
  char log[256] = "old";
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, (void *)(uintptr_t)sizeof log};
  CUmodule module;
  const char *bad = ".version 8.0\n.target sm_80\n.address_size 64\n.entry f( {\n";
  FAILS(CUDA_ERROR_INVALID_PTX, cuModuleLoadDataEx(&module, bad, 2, options, values));
  cr_expect(strstr(log, "line 4") != NULL, "%s", log);
  cr_expect_eq((uintptr_t)values[1], strlen(log) + 1);
  FAILS(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(&module, ""));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuModuleLoadData(&module, NULL));
  FAILS(CUDA_ERROR_NO_BINARY_FOR_GPU, cuModuleLoadData(&module, "\177ELF..."));
  FAILS(CUDA_ERROR_FILE_NOT_FOUND, cuModuleLoad(&module, "no/such/file.ptx"));
  FAILS(CUDA_ERROR_INVALID_PTX,
        cuModuleLoadData(&module, ".version 8.0\n.target sm_90\n.address_size 64\n"));
}

Test(driver_launch, modules_and_libraries) {
  CUmodule module, of_function;
  CUlibrary library, of_kernel;
  CUkernel kernel;
  CUfunction function, again;
  CUdeviceptr table;
  const char *name;
  size_t bytes;
  unsigned count;
  OK(cuModuleLoadData(&module, driver_case_ptx));
  OK(cuModuleGetFunction(&function, module, "add"));
  OK(cuModuleGetFunction(&again, module, "add"));
  cr_expect_eq(function, again);
  FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(&again, module, "sub"));
  OK(cuModuleGetFunctionCount(&count, module));
  cr_expect_eq(count, 8);
  OK(cuFuncGetModule(&of_function, function));
  cr_expect_eq(of_function, module);
  OK(cuModuleGetGlobal(&table, &bytes, module, "table"));
  cr_expect_eq(bytes, 16);
  cr_expect_eq(driver_case_word(table + 8), 3);
  FAILS(CUDA_ERROR_NOT_FOUND, cuModuleGetGlobal(&table, &bytes, module, "chair"));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(table));
  OK(cuModuleUnload(module));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuModuleUnload(module));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuFuncGetName(&name, function));
  OK(cuLibraryLoadData(&library, driver_case_ptx, NULL, NULL, 0, NULL, NULL, 0));
  OK(cuLibraryGetKernel(&kernel, library, "set"));
  OK(cuKernelGetName(&name, kernel));
  cr_expect_str_eq(name, "set");
  OK(cuKernelGetLibrary(&of_kernel, kernel));
  cr_expect_eq(of_kernel, library);
  CUdeviceptr p = driver_case_words(0, 1);
  uint32_t value = 9;
  void *values[] = {&p, &value};
  OK(cuLaunchKernel((CUfunction)kernel, 1, 1, 1, 1, 1, 1, 0, NULL, values, NULL));
  cr_expect_eq(driver_case_word(p), 9);
  OK(cuLibraryGetModule(&module, library));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuModuleUnload(module));
  OK(cuLibraryUnload(library));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuLibraryUnload(library));
}

Test(driver_launch, occupancy) {
  int blocks, grid, block;
  size_t bytes;
  CUfunction add = driver_case_function("add"), dynamic = driver_case_function("dynamic");
  /* A100: 2048 threads, 32 CTAs, 164 KiB of shared memory an SM, of which a CTA takes 1 KiB. */
  OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, add, 256, 0));
  cr_expect_eq(blocks, 8);
  OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, add, 32, 0));
  cr_expect_eq(blocks, 32);
  OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, dynamic, 128, 40960));
  cr_expect_eq(blocks, 4);
  OK(cuOccupancyMaxPotentialBlockSize(&grid, &block, add, NULL, 0, 0));
  cr_expect_eq(block, 1024);
  cr_expect_eq(grid, 216);
  OK(cuOccupancyAvailableDynamicSMemPerBlock(&bytes, dynamic, 2, 128));
  cr_expect_eq(bytes, 82 * 1024 - 1024);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, add, 0, 0));
}
