#include "kernels/cpu/math_avx512.h"
#include "tests/vector_math.h"

void exp_avx512(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i += 16)
    _mm512_storeu_ps(y + i, tsr__exp_ps512(_mm512_loadu_ps(x + i)));
}

void tanh_avx512(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i += 16)
    _mm512_storeu_ps(y + i, tsr__tanh_ps512(_mm512_loadu_ps(x + i)));
}

void gelu_avx512(const float *x, float *y, size_t count) {
  for (size_t i = 0; i < count; i += 16)
    _mm512_storeu_ps(y + i, tsr__gelu_ps512(_mm512_loadu_ps(x + i)));
}
