/* The kernels' vector functions applied to arrays; count is a multiple of 16. */
#ifndef TESSERA_TESTS_VECTOR_MATH_H
#define TESSERA_TESTS_VECTOR_MATH_H

#include <stddef.h>

typedef void vector_function(const float *x, float *y, size_t count);

vector_function exp_avx2, tanh_avx2, gelu_avx2, exp_avx512, tanh_avx512, gelu_avx512;

#endif
