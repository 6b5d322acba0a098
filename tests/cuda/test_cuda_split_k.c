/* The sum over parts of k, with every epilogue. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda/layer_launch.h"
#include "tests/cuda/cuda_matrix.h"
#include "tests/layer_reference.h"
#include "tests/reference.h"

static const struct {
  int32_t m, n, splits, pad;
} sizes[] = {{1, 1, 2, 0}, {7, 3, 3, 1}, {8, 5, 2, 0}, {9, 1, 8, 3}, {264, 17, 4, 8}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void check(CUmodule module, tsr_dtype dtype, int size, int activation, const char *what) {
  int32_t m = sizes[size].m, n = sizes[size].n, splits = sizes[size].splits;
  int64_t ld = m + sizes[size].pad, count = (int64_t)m * n;
  float *parts = reference_random((size_t)(splits * count), 51, 2.0f);
  float *bias = reference_random((size_t)m, 52, 1.0f);
  float *residual = reference_random((size_t)count, 53, 1.0f), *y = malloc((size_t)count * 4);
  int has_residual = (size + activation) % 2, has_bias = activation % 3 != 0;
  if (count > 4) parts[4] = NAN;
  cuda_round(residual, (size_t)count, dtype);
  cuda_matrix partial = cuda_matrix_upload(parts, TSR_DTYPE_F32, splits * n, m, m, 0);
  cuda_matrix b = cuda_matrix_upload(bias, TSR_DTYPE_F32, 1, m, m, 1);
  cuda_matrix added = cuda_matrix_upload(residual, dtype, n, m, ld, 0);
  cuda_matrix out = cuda_matrix_room(dtype, n, m, ld, 0);
  tsr_cuda_spmm_args args = {.c = out.data,
                             .ldc = ld,
                             .bias = has_bias ? b.data : NULL,
                             .residual = has_residual ? added.data : NULL,
                             .ldr = ld,
                             .partial = partial.data,
                             .m = m,
                             .n = n,
                             .splits = splits,
                             .activation = activation};
  char name[64];
  snprintf(name, sizeof name, "tsr_%s_split_k__sm80", cuda_type_name(dtype));
  cuda_launch(module, name, tsr__cuda_split_k_launch(&args), &args);
  cuda_matrix_read(&out, y);
  for (int64_t i = 0; i < count; i++) {
    double sum = has_bias ? (double)bias[i % m] : 0.0;
    for (int32_t s = 0; s < splits; s++) sum += (double)parts[s * count + i];
    double e = tsr_test_activate((tsr_activation)activation, sum);
    if (has_residual) e += (double)residual[i];
    /* splits + 2 additions of numbers up to 2 splits + 2, and an activation of a few ulps. */
    double limit = cuda_epsilon(dtype) * fabs(e) + (splits + 2) * (2 * splits + 2) * 0x1p-23;
    cuda_expect_close(what, i / m, i % m, (double)y[i], e, limit);
  }
  const cuda_matrix all[] = {partial, b, added, out};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) cuda_matrix_free(&all[i]);
  free(parts);
  free(bias);
  free(residual);
  free(y);
}

static void run(CUmodule module, const char *what) {
  for (int size = 0; size < SIZES; size++)
    for (int activation = 0; activation < TSR_ACTIVATION_COUNT; activation++) {
      check(module, TSR_DTYPE_F16, size, activation, what);
      check(module, TSR_DTYPE_BF16, size, activation, what);
    }
}

Test(cuda_split_k, sums_and_epilogues) {
  device_for_each_setting(TESSERA_IMAGES "/split_k.fatbin", run);
}
