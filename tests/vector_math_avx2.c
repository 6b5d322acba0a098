#include "kernels/cpu/math_avx2.h"
#include "tests/vector_math.h"

void exp_avx2(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i += 8)
    _mm256_storeu_ps(y + i, tsr__exp_ps256(_mm256_loadu_ps(x + i)));
}

void tanh_avx2(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i += 8)
    _mm256_storeu_ps(y + i, tsr__tanh_ps256(_mm256_loadu_ps(x + i)));
}

void gelu_avx2(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i += 8)
    _mm256_storeu_ps(y + i, tsr__gelu_ps256(_mm256_loadu_ps(x + i)));
}
