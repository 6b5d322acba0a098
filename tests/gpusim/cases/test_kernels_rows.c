/* kernels/rows.cu against plain loops. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "tests/gpusim/cases/device_case.h"

enum { ROWS = 5, COLUMNS = 203 };

/* Sums of COLUMNS terms are good to COLUMNS / 2 ulps, rsqrtf to 2; f32 operations around them to
 * half an ulp each. */
static const double tolerance = 1e-5;

static void assert_close(const double *expected, const float *actual, int count, const char *what) {
  for (int i = 0; i < count; i++)
    cr_assert(fabs(expected[i] - (double)actual[i]) <= tolerance * fmax(1, fabs(expected[i])),
              "%s: [%d] = %.9g, not %.9g", what, i, (double)actual[i], expected[i]);
}

/* The relative error of exp(x) when x is rounded to f32 first. The CUDA programming guide gives
 * __expf, which --use_fast_math makes of expf, a largest error of 2 + floor(|1.173 x|) ulps. */
static double exp_error(double x) {
  const double ulp = 0x1p-23;
  return (2 + floor(fabs(1.173 * x)) + fabs(x) / 2) * ulp;
}

/* values[i] = exp(x[i] - the largest) / sum. The sum of COLUMNS terms has COLUMNS / 2 ulps of its
 * own, the quotient 2 (__fdividef). */
static void assert_softmax(const double *x, const float *values, const char *what) {
  double largest = x[0], sum = 0, sum_error = 0;
  for (int c = 1; c < COLUMNS; c++) largest = fmax(largest, x[c]);
  for (int c = 0; c < COLUMNS; c++) {
    const double term = exp(x[c] - largest);
    sum += term;
    sum_error += term * exp_error(x[c] - largest);
  }
  for (int c = 0; c < COLUMNS; c++) {
    const double expected = exp(x[c] - largest) / sum;
    const double error = exp_error(x[c] - largest) + sum_error / sum + (COLUMNS / 2 + 2) * 0x1p-23;
    cr_assert(fabs(expected - (double)values[c]) <= error * expected, "%s: [%d] = %.9g, not %.9g",
              what, c, (double)values[c], expected);
  }
}

static void run_softmax(CUmodule module, const char *what) {
  float input[ROWS][COLUMNS], output[ROWS][COLUMNS];
  random_floats(3, &input[0][0], ROWS * COLUMNS);
  for (int i = 0; i < ROWS * COLUMNS; i++) (&input[0][0])[i] *= 20;
  int columns = COLUMNS;
  CUdeviceptr in = device_copy(input, sizeof input), out = device_room(sizeof output);
  void *args[] = {&in, &columns, &out};
  device_run(device_function(module, "softmax"), (device_grid){.x = ROWS, .threads_x = 64}, args);
  device_read(output, out, sizeof output);
  for (int r = 0; r < ROWS; r++) {
    double x[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) x[c] = (double)input[r][c];
    assert_softmax(x, output[r], what);
  }
  device_free(in);
  device_free(out);
}

Test(kernels_rows, softmax) { device_for_each_build("rows", run_softmax); }

static void run_layernorm(CUmodule module, const char *what) {
  float input[ROWS][COLUMNS], output[ROWS][COLUMNS], gamma[COLUMNS], beta[COLUMNS];
  double expected[ROWS][COLUMNS];
  float epsilon = 1e-5F;
  random_floats(4, &input[0][0], ROWS * COLUMNS);
  random_floats(5, gamma, COLUMNS);
  random_floats(6, beta, COLUMNS);
  for (int r = 0; r < ROWS; r++) {
    double mean = 0, variance = 0;
    for (int c = 0; c < COLUMNS; c++) mean += (double)input[r][c] / COLUMNS;
    for (int c = 0; c < COLUMNS; c++) variance += pow((double)input[r][c] - mean, 2) / COLUMNS;
    for (int c = 0; c < COLUMNS; c++) {
      double normal = ((double)input[r][c] - mean) / sqrt(variance + (double)epsilon);
      expected[r][c] = normal * (double)gamma[c] + (double)beta[c];
    }
  }
  int columns = COLUMNS;
  CUdeviceptr in = device_copy(input, sizeof input), out = device_room(sizeof output);
  CUdeviceptr scale = device_copy(gamma, sizeof gamma), shift = device_copy(beta, sizeof beta);
  void *args[] = {&in, &scale, &shift, &columns, &epsilon, &out};
  device_run(device_function(module, "layernorm"), (device_grid){.x = ROWS, .threads_x = 96}, args);
  device_read(output, out, sizeof output);
  assert_close(&expected[0][0], &output[0][0], ROWS * COLUMNS, what);
  device_free(in);
  device_free(out);
  device_free(scale);
  device_free(shift);
}

Test(kernels_rows, layernorm) { device_for_each_build("rows", run_layernorm); }

static void run_transpose(CUmodule module, const char *what) {
  static const int sizes[][2] = {{1, 1}, {32, 32}, {33, 31}, {70, 100}};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    int rows = sizes[s][0], columns = sizes[s][1];
    size_t count = (size_t)rows * (size_t)columns;
    float *input = malloc(count * sizeof *input), *output = malloc(count * sizeof *output);
    random_floats(7, input, count);
    CUdeviceptr in = device_copy(input, count * sizeof *input);
    CUdeviceptr out = device_room(count * sizeof *output);
    void *args[] = {&in, &rows, &columns, &out};
    device_run(device_function(module, "transpose"),
               (device_grid){.x = (unsigned)(columns + 31) / 32,
                             .y = (unsigned)(rows + 31) / 32,
                             .threads_x = 32,
                             .threads_y = 8},
               args);
    device_read(output, out, count * sizeof *output);
    for (int r = 0; r < rows; r++)
      for (int c = 0; c < columns; c++)
        cr_assert_eq(output[c * rows + r], input[r * columns + c], "%s: %dx%d at %d, %d", what,
                     rows, columns, r, c);
    device_free(in);
    device_free(out);
    free(input);
    free(output);
  }
}

Test(kernels_rows, transpose) { device_for_each_build("rows", run_transpose); }

static int compare_ints(const void *a, const void *b) {
  int x = *(const int *)a, y = *(const int *)b;
  return (x > y) - (x < y);
}

static void run_sort(CUmodule module, const char *what) {
  enum { WARPS = 7 };
  int values[WARPS][32], sorted[WARPS][32];
  for (int w = 0; w < WARPS; w++) {
    for (int i = 0; i < 32; i++) values[w][i] = sorted[w][i] = (i * 37 + w * 11) % 29 * 1000 - 9000;
    qsort(sorted[w], 32, sizeof(int), compare_ints);
  }
  CUdeviceptr in = device_copy(values, sizeof values);
  void *args[] = {&in};
  device_run(device_function(module, "warp_sort"), (device_grid){.x = WARPS, .threads_x = 32},
             args);
  device_read(values, in, sizeof values);
  for (int i = 0; i < WARPS * 32; i++)
    cr_assert_eq(values[i / 32][i % 32], sorted[i / 32][i % 32], "%s: at %d", what, i);
  device_free(in);
}

Test(kernels_rows, warp_sort) { device_for_each_build("rows", run_sort); }

/* Ackermann's function for m <= 2 in closed form. */
static int ackermann(int m, int n) { return m == 0 ? n + 1 : m == 1 ? n + 2 : 2 * n + 3; }

static void run_recursion(CUmodule module, const char *what) {
  int values[64];
  CUdeviceptr out = device_room(sizeof values);
  void *args[] = {&out};
  device_run(device_function(module, "recursion"), (device_grid){.x = 1, .threads_x = 64}, args);
  device_read(values, out, sizeof values);
  for (int i = 0; i < 64; i++)
    cr_assert_eq(values[i], ackermann(i % 3, i % 5), "%s: thread %d: %d", what, i, values[i]);
  device_free(out);
}

Test(kernels_rows, recursion) { device_for_each_build("rows", run_recursion); }
