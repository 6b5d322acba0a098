/* Work runs as late as the API allows, so that a missing synchronisation shows. */
#include "tests/gpusim/cases/driver_case.h"

TestSuite(driver_stream, .init = driver_case_begin, .fini = driver_case_end);

static CUstream new_stream(unsigned flags) {
  CUstream stream;
  OK(cuStreamCreate(&stream, flags));
  return stream;
}

Test(driver_stream, work_waits_for_its_stream) {
  uint32_t *host;
  CUstream stream = new_stream(CU_STREAM_NON_BLOCKING);
  CUdeviceptr p = driver_case_words(7, 1);
  OK(cuMemAllocHost((void **)&host, 4));
  *host = 1;
  OK(cuMemcpyDtoHAsync(host, p, 4, stream));
  cr_expect_eq(*host, 1, "nothing was waited for");
  OK(cuStreamSynchronize(stream));
  cr_expect_eq(*host, 7);
}

Test(driver_stream, other_streams_stay_behind) {
  CUstream one = new_stream(CU_STREAM_NON_BLOCKING), two = new_stream(CU_STREAM_NON_BLOCKING);
  CUdeviceptr p = driver_case_words(1, 32);
  uint32_t host = 0;
  OK(driver_case_launch("set", p, 2, 32, one));
  OK(cuMemcpyDtoHAsync(&host, p, 4, two));
  OK(cuStreamSynchronize(two));
  cr_expect_eq(host, 1, "the second stream did not wait for the first");
  OK(cuStreamSynchronize(one));
  cr_expect_eq(driver_case_word(p), 2);
}

Test(driver_stream, events_order_streams) {
  CUstream one = new_stream(CU_STREAM_NON_BLOCKING), two = new_stream(CU_STREAM_NON_BLOCKING);
  CUevent event;
  CUdeviceptr p = driver_case_words(1, 32);
  uint32_t host = 0;
  OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
  OK(driver_case_launch("set", p, 2, 32, one));
  OK(cuEventRecord(event, one));
  OK(driver_case_launch("set", p, 3, 32, one));
  OK(cuStreamWaitEvent(two, event, 0));
  OK(cuMemcpyDtoHAsync(&host, p, 4, two));
  OK(cuStreamSynchronize(two));
  cr_expect_eq(host, 2, "two waits for the event, and for nothing behind it");
  OK(cuStreamSynchronize(one));
  cr_expect_eq(driver_case_word(p), 3);
}

Test(driver_stream, the_default_stream_orders_blocking_streams) {
  CUstream blocking = new_stream(CU_STREAM_DEFAULT),
           free_running = new_stream(CU_STREAM_NON_BLOCKING);
  CUdeviceptr p = driver_case_words(1, 32);
  OK(driver_case_launch("add", p, 1, 32, blocking));
  OK(driver_case_launch("add", p, 10, 32, NULL));
  OK(driver_case_launch("add", p, 100, 32, blocking));
  OK(cuStreamSynchronize(blocking));
  cr_expect_eq(driver_case_word(p), 112);
  OK(driver_case_launch("set", p, 5, 32, free_running));
  cr_expect_eq(driver_case_word(p), 112, "a non-blocking stream is not waited for");
  OK(cuCtxSynchronize());
  cr_expect_eq(driver_case_word(p), 5);
}

Test(driver_stream, destroyed_streams_finish) {
  CUstream blocking = new_stream(CU_STREAM_DEFAULT);
  CUdeviceptr p = driver_case_words(1, 32);
  OK(driver_case_launch("set", p, 6, 32, blocking));
  OK(cuStreamDestroy(blocking));
  cr_expect_eq(driver_case_word(p), 6);
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamDestroy(blocking));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamSynchronize(blocking));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamDestroy(NULL));
}

Test(driver_stream, queries_make_progress) {
  CUstream stream = new_stream(CU_STREAM_NON_BLOCKING);
  CUdeviceptr p = driver_case_words(1, 32);
  CUevent event;
  OK(cuEventCreate(&event, 0));
  OK(cuEventQuery(event));
  OK(driver_case_launch("set", p, 2, 32, stream));
  OK(cuEventRecord(event, stream));
  FAILS(CUDA_ERROR_NOT_READY, cuEventQuery(event));
  unsigned tries = 0;
  while (cuStreamQuery(stream) == CUDA_ERROR_NOT_READY) tries++;
  cr_expect_leq(tries, 2);
  OK(cuStreamQuery(stream));
  cr_expect_eq(driver_case_word(p), 2);
}

Test(driver_stream, pageable_memory_is_read_early_and_pinned_late) {
  CUstream stream = new_stream(CU_STREAM_NON_BLOCKING);
  CUdeviceptr p = driver_case_words(0, 2);
  uint32_t pageable = 1, *pinned;
  OK(cuMemHostAlloc((void **)&pinned, 4, 0));
  *pinned = 1;
  OK(cuMemcpyHtoDAsync(p, &pageable, 4, stream));
  OK(cuMemcpyHtoDAsync(p + 4, pinned, 4, stream));
  pageable = *pinned = 2;
  OK(cuStreamSynchronize(stream));
  cr_expect_eq(driver_case_word(p), 1);
  cr_expect_eq(driver_case_word(p + 4), 2, "the buffer was reused too early");
}

static void count_call(void *data) {
  int device;
  (*(int *)data)++;
  if (cuDeviceGetCount(&device) != CUDA_ERROR_NOT_PERMITTED) *(int *)data = -100;
}

static void callback(CUstream stream, CUresult status, void *data) {
  (void)stream;
  *(int *)data += status == CUDA_SUCCESS ? 10 : 1000;
}

Test(driver_stream, host_functions_run_in_order_and_call_nothing) {
  CUstream stream = new_stream(CU_STREAM_NON_BLOCKING);
  int calls = 0;
  OK(cuLaunchHostFunc(stream, count_call, &calls));
  OK(cuStreamAddCallback(stream, callback, &calls, 0));
  cr_expect_eq(calls, 0);
  OK(cuStreamSynchronize(stream));
  cr_expect_eq(calls, 11);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuLaunchHostFunc(stream, NULL, &calls));
}

Test(driver_stream, elapsed_time_needs_two_timed_and_finished_events) {
  CUstream stream = new_stream(CU_STREAM_NON_BLOCKING);
  CUevent start, end, untimed;
  float ms = -1;
  OK(cuEventCreate(&start, 0));
  OK(cuEventCreate(&end, 0));
  OK(cuEventCreate(&untimed, CU_EVENT_DISABLE_TIMING));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime(&ms, start, end));
  OK(cuEventRecord(start, stream));
  OK(cuEventRecord(end, stream));
  OK(cuEventRecord(untimed, stream));
  FAILS(CUDA_ERROR_NOT_READY, cuEventElapsedTime(&ms, start, end));
  OK(cuEventSynchronize(end));
  OK(cuEventElapsedTime(&ms, start, end));
  cr_expect_geq(ms, 0.0f);
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime(&ms, start, untimed));
  OK(cuEventDestroy(start));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventDestroy(start));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime(&ms, start, end));
}

Test(driver_stream, properties) {
  CUstream stream;
  int least, greatest, priority;
  unsigned flags;
  CUcontext context, current;
  OK(cuCtxGetStreamPriorityRange(&least, &greatest));
  OK(cuStreamCreateWithPriority(&stream, CU_STREAM_NON_BLOCKING, greatest - 10));
  OK(cuStreamGetPriority(stream, &priority));
  cr_expect_eq(priority, greatest);
  OK(cuStreamGetFlags(stream, &flags));
  cr_expect_eq(flags, CU_STREAM_NON_BLOCKING);
  OK(cuStreamGetCtx(stream, &context));
  OK(cuCtxGetCurrent(&current));
  cr_expect_eq(context, current);
  FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamCreate(&stream, 8));
  FAILS(CUDA_ERROR_INVALID_VALUE, cuStreamCreate(NULL, 0));
  FAILS(CUDA_ERROR_INVALID_HANDLE, cuStreamSynchronize((CUstream)(uintptr_t)0x1234));
}
