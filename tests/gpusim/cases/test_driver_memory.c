/* Memory: every wrong size, pointer and freed pointer is an error. */
#include "tests/gpusim/cases/driver_case.h"

TestSuite(driver_memory, .init = driver_case_begin, .fini = driver_case_end);

Test(driver_memory, round_trip) {
  CUdeviceptr p, q;
  uint8_t in[1000], out[1000] = {0};
  for (unsigned i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * 7);
  OK(cuMemAlloc(&p, sizeof in));
  OK(cuMemAlloc(&q, sizeof in));
  OK(cuMemcpyHtoD(p, in, sizeof in));
  OK(cuMemcpyDtoD(q, p, sizeof in));
  OK(cuMemcpyDtoH(out, q, sizeof in));
  cr_expect_arr_eq(in, out, sizeof in);
  memset(out, 0, sizeof out);
  OK(cuMemcpy((CUdeviceptr)(uintptr_t)out, q, sizeof in));
  cr_expect_arr_eq(in, out, sizeof in);
  OK(cuMemFree(p));
  OK(cuMemFree(q));
}

Test(driver_memory, wrong_arguments) {
  CUdeviceptr p, huge;
  uint8_t host[64] = {0};
  OK(cuMemAlloc(&p, 64));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAlloc(NULL, 4));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemAlloc(&huge, 0));
  FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&huge, (size_t)1 << 60));
  FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(&huge, SIZE_MAX));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p, host, 65));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p + 1, host, 64));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p - 1, host, 1));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p, host, SIZE_MAX));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p, NULL, 4));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p, (void *)16, 4));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH(host, 0, 4));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoD(p, p + 1, 8));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD32(p + 2, 0, 1));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD16(p + 1, 0, 1));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD32(p, 0, 17));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemsetD32(p, 0, SIZE_MAX / 2));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(p + 4));
  OK(cuMemFree(p));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(p));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(p, host, 4));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoH(host, p, 4));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(0x1234));
  OK(cuCtxSynchronize());
}

Test(driver_memory, undefined_bytes_do_not_reach_the_host) {
  CUdeviceptr p, q;
  uint8_t host[64] = {0};
  gpusim_fault fault;
  OK(cuMemAlloc(&p, 64));
  OK(cuMemAlloc(&q, 64));
  OK(cuMemcpyHtoD(p, host, 40));
  OK(cuMemsetD8(p + 41, 1, 23));
  OK(cuMemcpyDtoD(q, p, 64));
  OK(cuMemcpyDtoH(host, q, 40));
  FAILS(CUDA_ERROR_LAUNCH_FAILED, cuMemcpyDtoH(host, q, 64));
  gpusim_last_fault(&fault);
  cr_expect_str_eq(fault.kind, "undefined");
  cr_expect_str_eq(fault.kernel, "cuMemcpyDtoH_v2");
  cr_expect(strstr(fault.detail, "byte 40") != NULL, "%s", fault.detail);
  FAILS(CUDA_ERROR_LAUNCH_FAILED, cuMemAlloc(&p, 4));
  gpusim_clear_fault();
  OK(cuMemcpyDtoH(host, q + 41, 23));
  cr_expect_eq(host[22], 1);
}

Test(driver_memory, two_dimensions) {
  CUdeviceptr p;
  size_t pitch;
  uint8_t in[6][10], out[4][5];
  for (unsigned i = 0; i < 60; i++) in[i / 10][i % 10] = (uint8_t)i;
  OK(cuMemAllocPitch(&p, &pitch, 10, 6, 4));
  cr_assert_geq(pitch, 10);
  CUDA_MEMCPY2D up = {.srcMemoryType = CU_MEMORYTYPE_HOST,
                      .srcHost = in,
                      .srcPitch = 10,
                      .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                      .dstDevice = p,
                      .dstPitch = pitch,
                      .WidthInBytes = 10,
                      .Height = 6};
  OK(cuMemcpy2D(&up));
  CUDA_MEMCPY2D down = {.srcMemoryType = CU_MEMORYTYPE_DEVICE,
                        .srcDevice = p,
                        .srcPitch = pitch,
                        .srcXInBytes = 3,
                        .srcY = 2,
                        .dstMemoryType = CU_MEMORYTYPE_HOST,
                        .dstHost = out,
                        .dstPitch = 5,
                        .WidthInBytes = 5,
                        .Height = 4};
  OK(cuMemcpy2D(&down));
  for (unsigned y = 0; y < 4; y++) {
    for (unsigned x = 0; x < 5; x++) cr_expect_eq(out[y][x], (y + 2) * 10 + x + 3);
  }
  OK(cuMemsetD2D8(p, pitch, 9, 10, 6));
  OK(cuMemcpy2DAsync(&down, NULL));
  OK(cuStreamSynchronize(NULL));
  cr_expect_eq(out[3][4], 9);
  down.srcY = 3;
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(&down));
  up.dstPitch = 9;
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(&up));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(NULL));
}

Test(driver_memory, fills) {
  CUdeviceptr p;
  uint16_t half[4];
  uint32_t words[4];
  OK(cuMemAlloc(&p, 16));
  OK(cuMemsetD16(p, 0x1234, 4));
  OK(cuMemsetD2D32(p + 8, 4, 0xabcdef01, 1, 2));
  OK(cuMemcpyDtoH(half, p, 8));
  OK(cuMemcpyDtoH(words, p, 16));
  cr_expect_eq(half[3], 0x1234);
  cr_expect_eq(words[0], 0x12341234);
  cr_expect_eq(words[3], 0xabcdef01);
}

Test(driver_memory, pinned) {
  void *pinned, *again;
  static uint8_t buffer[8192];
  unsigned flags;
  CUmemorytype type;
  OK(cuMemHostAlloc(&pinned, 100, CU_MEMHOSTALLOC_PORTABLE));
  OK(cuMemHostGetFlags(&flags, pinned));
  cr_expect_eq(flags, CU_MEMHOSTALLOC_PORTABLE);
  OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                           (CUdeviceptr)(uintptr_t)pinned));
  cr_expect_eq(type, CU_MEMORYTYPE_HOST);
  OK(cuMemFreeHost(pinned));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFreeHost(pinned));
  FAILS(CUDA_ERROR_OUT_OF_MEMORY, cuMemAllocHost(&again, (size_t)1 << 60));
  OK(cuMemHostRegister(buffer, sizeof buffer, 0));
  FAILS(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, cuMemHostRegister(buffer + 8, 8, 0));
  OK(cuMemHostUnregister(buffer));
  FAILS(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, cuMemHostUnregister(buffer));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemHostRegister((void *)16, 8, 0));
}

Test(driver_memory, pointers_and_ranges) {
  CUdeviceptr p, first;
  size_t bytes, before, after, total;
  CUmemorytype type;
  CUcontext context, current;
  OK(cuMemGetInfo(&before, &total));
  OK(cuMemAlloc(&p, 1000));
  OK(cuMemGetInfo(&after, &total));
  cr_expect_leq(after + 1000, before);
  OK(cuMemGetAddressRange(&first, &bytes, p + 999));
  cr_expect_eq(first, p);
  cr_expect_eq(bytes, 1000);
  FAILS(CUDA_ERROR_NOT_FOUND, cuMemGetAddressRange(&first, &bytes, p + 1000));
  OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, p));
  cr_expect_eq(type, CU_MEMORYTYPE_DEVICE);
  OK(cuPointerGetAttribute(&context, CU_POINTER_ATTRIBUTE_CONTEXT, p));
  OK(cuCtxGetCurrent(&current));
  cr_expect_eq(context, current);
  FAILS(CUDA_ERROR_INVALID_VALUE,
        cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, 3));
  OK(cuMemFree(p));
  OK(cuMemGetInfo(&after, &total));
  cr_expect_eq(after, before);
}

Test(driver_memory, asynchronous_allocations) {
  CUstream stream;
  CUdeviceptr p;
  uint32_t host = 3;
  OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  OK(cuMemAllocAsync(&p, 4, stream));
  OK(cuMemcpyHtoDAsync(p, &host, 4, stream));
  OK(cuMemFreeAsync(p, stream));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFreeAsync(p, stream));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuMemFree(p));
  OK(cuMemcpyDtoHAsync(&host, p, 4, stream));
  gpusim_fault fault;
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(stream));
  gpusim_last_fault(&fault);
  cr_expect_str_eq(fault.kind, "use_after_free");
}
