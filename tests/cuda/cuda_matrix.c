#include "tests/cuda/cuda_matrix.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/half.h"

enum { PATTERN = 0xab };

static size_t element_bytes(tsr_dtype dtype) { return (size_t)tsr_dtype_bits(dtype) / 8; }

static size_t bytes_of(const cuda_matrix *m) {
  int64_t span = m->rows ? (m->rows - 1) * m->ld + m->cols : 0;
  return (size_t)(m->shift + span) * element_bytes(m->dtype);
}

static cuda_matrix place(const void *bytes, cuda_matrix m) {
  m.memory = device_copy(bytes, bytes_of(&m));
  CUdeviceptr first = m.memory + (CUdeviceptr)m.shift * element_bytes(m.dtype);
  memcpy(&m.data, &first, sizeof first);
  return m;
}

cuda_matrix cuda_matrix_upload(const float *values, tsr_dtype dtype, int64_t rows, int64_t cols,
                               int64_t ld, int64_t shift) {
  cuda_matrix m = {.dtype = dtype, .rows = rows, .cols = cols, .ld = ld, .shift = shift};
  size_t count = bytes_of(&m) / element_bytes(dtype);
  float *spread = malloc(count * sizeof *spread + 1);
  void *encoded = malloc(count * element_bytes(dtype) + 1);
  cr_assert(spread && encoded);
  for (size_t i = 0; i < count; i++) spread[i] = NAN;
  for (int64_t r = 0; r < rows; r++)
    memcpy(spread + shift + r * ld, values + r * cols, (size_t)cols * sizeof *values);
  cr_assert(tsr__from_f32(spread, dtype, encoded, count));
  m = place(encoded, m);
  free(encoded);
  free(spread);
  return m;
}

cuda_matrix cuda_matrix_room(tsr_dtype dtype, int64_t rows, int64_t cols, int64_t ld,
                             int64_t shift) {
  cuda_matrix m = {.dtype = dtype, .rows = rows, .cols = cols, .ld = ld, .shift = shift};
  void *pattern = malloc(bytes_of(&m) + 1);
  cr_assert(pattern);
  memset(pattern, PATTERN, bytes_of(&m));
  m = place(pattern, m);
  free(pattern);
  return m;
}

void cuda_matrix_read(const cuda_matrix *m, float *out) {
  size_t bytes = bytes_of(m), element = element_bytes(m->dtype);
  unsigned char *all = malloc(bytes + 1);
  cr_assert(all);
  device_read(all, m->memory, bytes);
  for (int64_t r = 0; r < m->rows; r++) {
    size_t first = (size_t)(m->shift + r * m->ld) * element,
           end = first + (size_t)m->cols * element;
    cr_assert(tsr__to_f32(all + first, m->dtype, out + r * m->cols, (uint64_t)m->cols));
    for (size_t i = end; r + 1 < m->rows && i < first + (size_t)m->ld * element; i++)
      cr_assert_eq(all[i], PATTERN, "row %d: wrote beyond its end", (int)r);
  }
  free(all);
}

void cuda_matrix_free(const cuda_matrix *m) { device_free(m->memory); }

const int32_t *cuda_integers(const int32_t *values, size_t count, CUdeviceptr *memory) {
  const int32_t *pointer;
  *memory = device_copy(values, count * sizeof *values);
  memcpy(&pointer, memory, sizeof pointer);
  return pointer;
}

void cuda_round(float *values, size_t count, tsr_dtype dtype) {
  uint32_t *encoded = malloc(count * sizeof *encoded + 1);
  cr_assert(encoded && tsr__from_f32(values, dtype, encoded, count) &&
            tsr__to_f32(encoded, dtype, values, count));
  free(encoded);
}

double cuda_epsilon(tsr_dtype dtype) {
  return dtype == TSR_DTYPE_F16 ? 0x1p-11 : dtype == TSR_DTYPE_BF16 ? 0x1p-8 : 0x1p-24;
}

const char *cuda_type_name(tsr_dtype dtype) { return dtype == TSR_DTYPE_F16 ? "f16" : "bf16"; }

void cuda_expect_close(const char *what, int64_t row, int64_t col, double actual, double expected,
                       double limit) {
  int same =
      isnan(expected) ? isnan(actual) : actual == expected || fabs(actual - expected) <= limit;
  cr_assert(same, "%s: row %d, column %d: %.9g, not %.9g (limit %g)", what, (int)row, (int)col,
            actual, expected, limit);
}

void cuda_launch(CUmodule module, const char *name, tsr_cuda_launch launch, void *args) {
  device_run(device_function(module, name),
             (device_grid){.x = launch.grid[0],
                           .y = launch.grid[1],
                           .z = launch.grid[2],
                           .threads_x = launch.threads,
                           .shared_bytes = launch.shared_bytes},
             (void *[]){args});
}
