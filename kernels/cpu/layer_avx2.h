/* The operations of layer_avx512.h, for AVX2 with FMA. */
#ifndef TESSERA_KERNELS_CPU_LAYER_AVX2_H
#define TESSERA_KERNELS_CPU_LAYER_AVX2_H

#include "kernels/cpu/math_avx2.h"
#include "kernels/cpu/vec_avx2.h"

enum { TSR__QUERIES = 6 }; /* x 2 vectors of accumulators: 12 of the 16 registers */

TSR__INLINE tsr__vec vec_sub(tsr__vec a, tsr__vec b) { return _mm256_sub_ps(a, b); }
TSR__INLINE tsr__vec vec_mul(tsr__vec a, tsr__vec b) { return _mm256_mul_ps(a, b); }
TSR__INLINE tsr__vec vec_max(tsr__vec a, tsr__vec b) { return _mm256_max_ps(a, b); }
TSR__INLINE tsr__vec vec_max_nan(tsr__vec a, tsr__vec b) {
  return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
TSR__INLINE tsr__vec vec_fmsub(tsr__vec a, tsr__vec b, tsr__vec c) {
  return _mm256_fmsub_ps(a, b, c);
}
TSR__INLINE tsr__vec vec_exp2_below(tsr__vec x) { return tsr__exp2_below_ps256(x); }

TSR__INLINE tsr__vec vec_keep(tsr__vec_mask mask, tsr__vec v, float x) {
  return _mm256_blendv_ps(_mm256_set1_ps(x), v, _mm256_castsi256_ps(mask));
}

TSR__INLINE float vec_sum(tsr__vec v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
TSR__INLINE float vec_largest(tsr__vec v) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

#endif
