/* Several host threads use one context; every launch leaves a line of counters. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/gpusim/cases/driver_case.h"

TestSuite(driver_threads, .init = driver_case_begin, .fini = driver_case_end);

enum { THREADS = 4, LAUNCHES = 12, WORDS = 96 };

typedef struct worker {
  CUcontext context;
  uint32_t start;
  uint32_t words[WORDS];
  CUresult result; /* the first that is no success */
} worker;

#define TRY(call)                                    \
  do {                                               \
    if (w->result == CUDA_SUCCESS) w->result = call; \
  } while (0)

/* A stream and memory of its own; the module and its functions are everybody's. */
static void *work(void *argument) {
  worker *w = argument;
  CUstream stream = NULL;
  CUevent event = NULL;
  CUfunction add = NULL;
  CUdeviceptr p = 0;
  uint32_t one = 1;
  void *values[] = {&p, &one};
  TRY(cuCtxSetCurrent(w->context));
  TRY(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  TRY(cuEventCreate(&event, CU_EVENT_DEFAULT));
  TRY(cuModuleGetFunction(&add, driver_case_module, "add"));
  TRY(cuMemAlloc(&p, sizeof w->words));
  TRY(cuMemsetD32Async(p, w->start, WORDS, stream));
  for (int i = 0; i < LAUNCHES; i++) {
    TRY(cuLaunchKernel(add, 3, 1, 1, WORDS / 3, 1, 1, 0, stream, values, NULL));
    TRY(cuEventRecord(event, stream));
  }
  TRY(cuEventSynchronize(event));
  TRY(cuMemcpyDtoH(w->words, p, sizeof w->words));
  TRY(cuMemFree(p));
  TRY(cuEventDestroy(event));
  TRY(cuStreamDestroy(stream));
  return NULL;
}

Test(driver_threads, streams_of_several_threads) {
  pthread_t threads[THREADS];
  worker workers[THREADS] = {0};
  CUcontext context;
  OK(cuCtxGetCurrent(&context));
  for (int i = 0; i < THREADS; i++) {
    workers[i].context = context;
    workers[i].start = (uint32_t)(1000 * i);
    cr_assert_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    OK(workers[i].result);
    for (int j = 0; j < WORDS; j++) {
      cr_assert_eq(workers[i].words[j], workers[i].start + LAUNCHES, "thread %d, word %d", i, j);
    }
  }
}

/* A fault of one thread's kernel is everybody's: the context is lost, as on a GPU. */
Test(driver_threads, a_fault_is_everybodys) {
  pthread_t thread;
  worker other = {0};
  OK(cuCtxGetCurrent(&other.context));
  OK(cuLaunchKernel(driver_case_function("bad"), 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSynchronize());
  cr_assert_eq(pthread_create(&thread, NULL, work, &other), 0);
  pthread_join(thread, NULL);
  FAILS(CUDA_ERROR_ILLEGAL_ADDRESS, other.result);
}

Test(driver_threads, counters_of_each_launch) {
  char path[] = "/tmp/gpusim-counters-XXXXXX", line[16384];
  int file = mkstemp(path), lines = 0;
  cr_assert_geq(file, 0);
  close(file);
  setenv("GPUSIM_COUNTERS", path, 1);
  CUdeviceptr p = driver_case_words(1, 64);
  OK(driver_case_launch("add", p, 1, 64, NULL));
  OK(driver_case_launch("set", p, 1, 32, NULL));
  OK(cuCtxSynchronize());
  unsetenv("GPUSIM_COUNTERS");
  OK(driver_case_launch("set", p, 1, 32, NULL));
  OK(cuCtxSynchronize());
  FILE *read = fopen(path, "r");
  cr_assert_not_null(read);
  /* Words: 64 read and written by `add`, 32 written by `set`. */
  static const char *const expected[2][4] = {
      {"\"kernel\":\"add\"", "\"block\":[64,1,1]", "\"global_load_bytes\":256,",
       "\"global_store_bytes\":256,"},
      {"\"kernel\":\"set\"", "\"block\":[32,1,1]", "\"global_load_bytes\":0,",
       "\"global_store_bytes\":128,"}};
  for (; fgets(line, sizeof line, read) != NULL; lines++) {
    cr_assert_lt(lines, 2, "a third line: %s", line);
    for (int i = 0; i < 4; i++) {
      cr_expect_not_null(strstr(line, expected[lines][i]), "%s in %s", expected[lines][i], line);
    }
    cr_expect_not_null(strstr(line, "\"modelled_lower_bound_us\":"));
  }
  cr_expect_eq(lines, 2);
  fclose(read);
  unlink(path);
}
