/* Matrices in device memory, for tests of kernels. */
#ifndef TESSERA_TESTS_CUDA_MATRIX_H
#define TESSERA_TESTS_CUDA_MATRIX_H

#include "kernels/cuda/kernel.h"
#include "tests/gpusim/cases/device_case.h"

/* Row r is `cols` elements at data + r * ld; NaN lies between the rows. */
typedef struct cuda_matrix {
  tsr_dtype dtype; /* F32, F16 or BF16 */
  int64_t rows, cols, ld;
  CUdeviceptr memory;
  void *data; /* device; `shift` elements into the memory */
  int64_t shift;
} cuda_matrix;

/* values: [rows, cols], rounded to dtype. */
cuda_matrix cuda_matrix_upload(const float *values, tsr_dtype dtype, int64_t rows, int64_t cols,
                               int64_t ld, int64_t shift);
/* Filled with a pattern. */
cuda_matrix cuda_matrix_room(tsr_dtype dtype, int64_t rows, int64_t cols, int64_t ld,
                             int64_t shift);
/* out: [rows, cols]. Fails the test if what lies between the rows of a room was written. */
void cuda_matrix_read(const cuda_matrix *m, float *out);
void cuda_matrix_free(const cuda_matrix *m);

/* int32_t array in device memory; *memory is to be freed. */
const int32_t *cuda_integers(const int32_t *values, size_t count, CUdeviceptr *memory);

/* values[i] = what dtype makes of it. */
void cuda_round(float *values, size_t count, tsr_dtype dtype);

/* The largest relative error of rounding to dtype. */
double cuda_epsilon(tsr_dtype dtype);
const char *cuda_type_name(tsr_dtype dtype); /* "f16" */

/* Fails the test, naming `what`, unless |actual - expected| <= limit; NaN equals NaN. */
void cuda_expect_close(const char *what, int64_t row, int64_t col, double actual, double expected,
                       double limit);

/* Launches NAME of the module and waits. */
void cuda_launch(CUmodule module, const char *name, tsr_cuda_launch launch, void *args);

#endif
