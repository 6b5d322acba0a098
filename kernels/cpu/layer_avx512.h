/* What the layer kernels need beyond vec_avx512.h; layer_avx2.h has the same names. */
#ifndef TESSERA_KERNELS_CPU_LAYER_AVX512_H
#define TESSERA_KERNELS_CPU_LAYER_AVX512_H

#include "kernels/cpu/math_avx512.h"
#include "kernels/cpu/vec_avx512.h"

enum { TSR__QUERIES = 12 }; /* x 2 vectors of accumulators: 24 of the 32 registers */

TSR__INLINE tsr__vec vec_sub(tsr__vec a, tsr__vec b) { return _mm512_sub_ps(a, b); }
TSR__INLINE tsr__vec vec_mul(tsr__vec a, tsr__vec b) { return _mm512_mul_ps(a, b); }
TSR__INLINE tsr__vec vec_max(tsr__vec a, tsr__vec b) { return _mm512_max_ps(a, b); }
/* NaN if either is: the instruction alone returns b if a is NaN. */
TSR__INLINE tsr__vec vec_max_nan(tsr__vec a, tsr__vec b) {
  return _mm512_mask_mov_ps(_mm512_max_ps(a, b), _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
}
TSR__INLINE tsr__vec vec_fmsub(tsr__vec a, tsr__vec b, tsr__vec c) {
  return _mm512_fmsub_ps(a, b, c);
}
TSR__INLINE tsr__vec vec_exp2_below(tsr__vec x) { return tsr__exp2_below_ps512(x); }

/* Lanes outside the mask become x. */
TSR__INLINE tsr__vec vec_keep(tsr__vec_mask mask, tsr__vec v, float x) {
  return _mm512_mask_mov_ps(_mm512_set1_ps(x), mask, v);
}

TSR__INLINE float vec_sum(tsr__vec v) { return _mm512_reduce_add_ps(v); }
TSR__INLINE float vec_largest(tsr__vec v) { return _mm512_reduce_max_ps(v); }

#endif
