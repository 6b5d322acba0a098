/* kernels/grid.cu: cooperative launches against plain loops. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/device_case.h"
#include "tests/gpusim/gpusim.h"

enum { CTAS = 3, THREADS = 64, COUNT = CTAS * THREADS, ROUNDS = 2 };

static void expect_shifted(CUdeviceptr words, const char *what) {
  unsigned expected[2][COUNT] = {{0}}, got[2 * COUNT];
  for (int round = 0; round < ROUNDS; round++) {
    for (unsigned i = 0; i < COUNT; i++) {
      expected[(round + 1) % 2][i] = expected[round % 2][(i + 1) % COUNT] + i;
    }
  }
  device_read(got, words, sizeof got);
  for (unsigned i = 0; i < 2 * COUNT; i++) {
    cr_assert_eq(got[i], expected[i / COUNT][i % COUNT], "%s: [%u] = %u", what, i, got[i]);
  }
}

static void run_cooperative(CUmodule module, const char *what) {
  static const unsigned zeros[2 * COUNT];
  CUfunction function = device_function(module, "shift_around");
  CUdeviceptr words = device_copy(zeros, sizeof zeros);
  int rounds = ROUNDS;
  void *args[] = {&words, &rounds};
  cr_assert_eq(cuLaunchCooperativeKernel(function, CTAS, 1, 1, THREADS, 1, 1, 0, NULL, args), 0);
  expect_shifted(words, what);

  CUlaunchAttribute attribute = {.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE, .value.cooperative = 1};
  const CUlaunchConfig config = {.gridDimX = CTAS,
                                 .gridDimY = 1,
                                 .gridDimZ = 1,
                                 .blockDimX = THREADS,
                                 .blockDimY = 1,
                                 .blockDimZ = 1,
                                 .attrs = &attribute,
                                 .numAttrs = 1};
  cr_assert_eq(cuMemsetD8(words, 0, sizeof zeros), 0);
  cr_assert_eq(cuLaunchKernelEx(&config, function, args, NULL), 0);
  expect_shifted(words, what);
  device_free(words);
}

Test(kernels_grid, meets) { device_for_each_build("grid", run_cooperative); }

/* A grid that does not meet races, and one that was not launched cooperatively has nothing to meet
 * at: cooperative groups trap. */
static void expect_fault(CUfunction function, int cooperative, const char *kind, const char *what) {
  static const unsigned zeros[2 * COUNT];
  CUdeviceptr words = device_copy(zeros, sizeof zeros);
  int rounds = ROUNDS;
  void *args[] = {&words, &rounds};
  const CUresult launched =
      cooperative ? cuLaunchCooperativeKernel(function, CTAS, 1, 1, THREADS, 1, 1, 0, NULL, args)
                  : cuLaunchKernel(function, CTAS, 1, 1, THREADS, 1, 1, 0, NULL, args, NULL);
  cr_assert_eq(launched, CUDA_SUCCESS, "%s: %d", what, launched);
  cr_assert_neq(cuCtxSynchronize(), CUDA_SUCCESS, "%s", what);
  gpusim_fault fault;
  gpusim_last_fault(&fault);
  cr_assert_str_eq(fault.kind, kind, "%s: %s", what, fault.detail);
  gpusim_clear_fault();
  device_free(words);
}

static void run_wrong(CUmodule module, const char *what) {
  expect_fault(device_function(module, "shift_at_once"), 1, "race", what);
  expect_fault(device_function(module, "shift_around"), 0, "trap", what);
}

Test(kernels_grid, does_not_meet) { device_for_each_build("grid", run_wrong); }

/* As many CTAs as fit at once may meet, and one more may not. */
static void run_largest(CUmodule module, const char *what) {
  CUfunction function = device_function(module, "shift_around");
  CUdeviceptr words = 0;
  int per_sm, sms, rounds = 0;
  void *args[] = {&words, &rounds};
  cr_assert_eq(cuOccupancyMaxActiveBlocksPerMultiprocessor(&per_sm, function, 1024, 0), 0);
  cr_assert_eq(cuDeviceGetAttribute(&sms, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0), 0);
  const unsigned most = (unsigned)(per_sm * sms);
  cr_expect_eq(cuLaunchCooperativeKernel(function, most + 1, 1, 1, 1024, 1, 1, 0, NULL, args),
               CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, "%s", what);
  cr_expect_eq(cuLaunchCooperativeKernel(function, most, 1, 1, 1024, 1, 1, 0, NULL, NULL),
               CUDA_ERROR_INVALID_VALUE, "%s: no parameters", what);
  cr_expect_eq(cuLaunchCooperativeKernel(NULL, 1, 1, 1, 32, 1, 1, 0, NULL, args),
               CUDA_ERROR_INVALID_HANDLE);
  cr_expect_eq(cuLaunchCooperativeKernel(function, 0, 1, 1, 32, 1, 1, 0, NULL, args),
               CUDA_ERROR_INVALID_VALUE);
  cr_expect_eq(cuLaunchCooperativeKernel(function, most, 1, 1, 1024, 1, 1, 0, NULL, args), 0);
  cr_expect_eq(cuCtxSynchronize(), CUDA_SUCCESS);
}

Test(kernels_grid, largest) { device_for_each_setting(GPUSIM_KERNELS "/grid.O3.ptx", run_largest); }
