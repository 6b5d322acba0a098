/* The vector operations of vec_avx512.h, for AVX2 with FMA. */
#ifndef TESSERA_KERNELS_CPU_VEC_AVX2_H
#define TESSERA_KERNELS_CPU_VEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#include "kernels/cpu/math_avx2.h"

#define TSR__ISA_NAME(name) name##_avx2
#define TSR__INLINE static inline __attribute__((always_inline))

typedef __m256 tsr__vec;
typedef __m256i tsr__vec_mask;

enum {
  TSR__LANES = 8,
  /* Accumulators that fit the 16 registers beside two operands and a broadcast. */
  TSR__ACCUMULATORS = 12,
};

TSR__INLINE tsr__vec vec_zero(void) { return _mm256_setzero_ps(); }
TSR__INLINE tsr__vec vec_set1(float x) { return _mm256_set1_ps(x); }
/* p[0], p[1], again and again. */
TSR__INLINE tsr__vec vec_set_pair(const float *p) {
  double pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return _mm256_castpd_ps(_mm256_set1_pd(pair));
}
TSR__INLINE tsr__vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
TSR__INLINE void vec_store(float *p, tsr__vec v) { _mm256_storeu_ps(p, v); }
TSR__INLINE tsr__vec vec_add(tsr__vec a, tsr__vec b) { return _mm256_add_ps(a, b); }
TSR__INLINE tsr__vec vec_fmadd(tsr__vec a, tsr__vec b, tsr__vec c) {
  return _mm256_fmadd_ps(a, b, c);
}

TSR__INLINE void vec_fmadd_pair(const float *p, tsr__vec a, tsr__vec b, tsr__vec sums[2]) {
  tsr__vec x = vec_set_pair(p);
  sums[0] = vec_fmadd(a, x, sums[0]);
  sums[1] = vec_fmadd(b, x, sums[1]);
}

/* The sums of neighbouring lanes: of each four lanes of the result, two are a's and two b's. */
TSR__INLINE tsr__vec vec_add_neighbours(tsr__vec a, tsr__vec b) {
  return vec_add(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xdd));
}

TSR__INLINE tsr__vec_mask vec_mask_first(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
TSR__INLINE tsr__vec vec_load_masked(tsr__vec_mask mask, const float *p) {
  return _mm256_maskload_ps(p, mask);
}
/* A masked store is 42 micro-operations on AMD's CPUs, so whole vectors take a plain one. */
TSR__INLINE void vec_store_masked(tsr__vec_mask mask, float *p, tsr__vec v) {
  if (_mm256_movemask_ps(_mm256_castsi256_ps(mask)) == 0xff)
    _mm256_storeu_ps(p, v);
  else
    _mm256_maskstore_ps(p, mask, v);
}

TSR__INLINE tsr__vec vec_gelu(tsr__vec x) { return tsr__gelu_ps256(x); }
TSR__INLINE tsr__vec vec_tanh(tsr__vec x) { return tsr__tanh_ps256(x); }
TSR__INLINE tsr__vec vec_relu(tsr__vec x) { return _mm256_max_ps(_mm256_setzero_ps(), x); }

/* The elements of p[0 .. 15] that `kept` names, moved together; writes at most 16 floats. */
TSR__INLINE void vec_compress(unsigned kept, const float *p, float *out) {
  for (; kept; kept &= kept - 1) *out++ = p[__builtin_ctz(kept)];
}

/* The inverse: 0 where `kept` has no bit. Writes `count` floats. */
TSR__INLINE void vec_expand(unsigned kept, const float *p, float *out, int count) {
  for (int i = 0; i < count; i++) out[i] = 0.0f;
  for (; kept; kept &= kept - 1) out[__builtin_ctz(kept)] = *p++;
}

/* Lane quad a of the result is p[a * stride .. + 3]. */
TSR__INLINE tsr__vec vec_load_quads(const float *p, int64_t stride) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + stride), 1);
}

/* dst[j][i] = src[i][j], 8 x 8. */
TSR__INLINE void vec_transpose(const float *src, int64_t src_stride, float *dst,
                               int64_t dst_stride) {
#pragma GCC unroll 2
  for (int q = 0; q < 2; q++) {
    const float *s = src + 4 * q;
    tsr__vec a = vec_load_quads(s, 4 * src_stride);
    tsr__vec b = vec_load_quads(s + src_stride, 4 * src_stride);
    tsr__vec c = vec_load_quads(s + 2 * src_stride, 4 * src_stride);
    tsr__vec d = vec_load_quads(s + 3 * src_stride, 4 * src_stride);
    __m256d ab_low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
    __m256d ab_high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
    __m256d cd_low = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
    __m256d cd_high = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
    float *o = dst + 4 * q * dst_stride;
    vec_store(o, _mm256_castpd_ps(_mm256_unpacklo_pd(ab_low, cd_low)));
    vec_store(o + dst_stride, _mm256_castpd_ps(_mm256_unpackhi_pd(ab_low, cd_low)));
    vec_store(o + 2 * dst_stride, _mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high)));
    vec_store(o + 3 * dst_stride, _mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high)));
  }
}

#endif
