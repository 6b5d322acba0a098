/* kernels/reduce.cu against plain loops. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "tests/gpusim/cases/device_case.h"

enum { COUNT = 5000 };

static double sum_of(const float *values, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += (double)values[i];
  return sum;
}

/* Sums of multiples of 1/64 are exact in any order. */
static void run_reduce(CUmodule module, const char *what) {
  static float values[COUNT];
  random_steps(1, values, COUNT);
  CUdeviceptr input = device_copy(values, sizeof values), total = device_copy(&(float){0}, 4);
  for (int count = COUNT - 1; count > 0; count /= 7) {
    float sum = 0;
    cuMemcpyHtoD(total, &sum, sizeof sum);
    void *args[] = {&input, &count, &total};
    device_run(device_function(module, "reduce_sum"), (device_grid){.x = 3, .threads_x = 256},
               args);
    device_read(&sum, total, sizeof sum);
    cr_assert_eq((double)sum, sum_of(values, count), "%s: count %d: %g", what, count, (double)sum);
  }
  device_free(input);
  device_free(total);
}

Test(kernels_reduce, sum) { device_for_each_build("reduce", run_reduce); }

static void run_last_block(CUmodule module, const char *what) {
  static float values[COUNT];
  random_steps(2, values, COUNT);
  int count = COUNT;
  const unsigned zero = 0;
  CUdeviceptr input = device_copy(values, sizeof values), partials = device_room(5 * sizeof(float));
  CUdeviceptr tickets = device_copy(&zero, sizeof zero), total = device_room(sizeof(float));
  void *args[] = {&input, &count, &partials, &tickets, &total};
  device_run(device_function(module, "reduce_last_block"), (device_grid){.x = 5, .threads_x = 256},
             args);
  float sum;
  device_read(&sum, total, sizeof sum);
  cr_assert_eq((double)sum, sum_of(values, count), "%s: %g", what, (double)sum);
  device_free(input);
  device_free(partials);
  device_free(tickets);
  device_free(total);
}

Test(kernels_reduce, last_block) { device_for_each_build("reduce", run_last_block); }

static void run_scan(CUmodule module, const char *what) {
  enum { THREADS = 128 };
  static const int counts[] = {1, 31, 32, 33, 100, 128};
  int values[THREADS], sums[THREADS];
  for (int i = 0; i < THREADS; i++) values[i] = i * i - 40 * i;
  CUdeviceptr input = device_copy(values, sizeof values), output = device_room(sizeof sums);
  for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
    int count = counts[c];
    void *args[] = {&input, &count, &output};
    device_run(device_function(module, "scan_inclusive"),
               (device_grid){.x = 1, .threads_x = THREADS, .shared_bytes = THREADS * sizeof(int)},
               args);
    device_read(sums, output, (size_t)count * sizeof(int));
    for (int i = 0, sum = 0; i < count; i++) {
      sum += values[i];
      cr_assert_eq(sums[i], sum, "%s: count %d: [%d] = %d, not %d", what, count, i, sums[i], sum);
    }
  }
  device_free(input);
  device_free(output);
}

Test(kernels_reduce, scan) { device_for_each_build("reduce", run_scan); }

static void run_histogram(CUmodule module, const char *what) {
  static unsigned char values[COUNT];
  unsigned expected[64] = {0}, bins[64] = {0};
  for (int i = 0; i < COUNT; i++) {
    values[i] = (unsigned char)(i * i % 251);
    expected[values[i] & 63]++;
  }
  int count = COUNT;
  CUdeviceptr input = device_copy(values, sizeof values), output = device_copy(bins, sizeof bins);
  void *args[] = {&input, &count, &output};
  device_run(device_function(module, "histogram"), (device_grid){.x = 4, .threads_x = 128}, args);
  device_read(bins, output, sizeof bins);
  for (int i = 0; i < 64; i++)
    cr_assert_eq(bins[i], expected[i], "%s: bin %d: %u, not %u", what, i, bins[i], expected[i]);
  device_free(input);
  device_free(output);
}

Test(kernels_reduce, histogram) { device_for_each_build("reduce", run_histogram); }
