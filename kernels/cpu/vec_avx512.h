/* The vector operations that kernel bodies are written in, for AVX-512. vec_avx2.h has the same
 * names for AVX2; a body is compiled once against each. */
#ifndef TESSERA_KERNELS_CPU_VEC_AVX512_H
#define TESSERA_KERNELS_CPU_VEC_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#include "kernels/cpu/math_avx512.h"

#define TSR__ISA_NAME(name) name##_avx512
#define TSR__INLINE static inline __attribute__((always_inline))

typedef __m512 tsr__vec;
typedef __mmask16 tsr__vec_mask;

enum {
  TSR__LANES = 16,
  /* Accumulators that fit the 32 registers beside two operands and a broadcast. */
  TSR__ACCUMULATORS = 28,
};

TSR__INLINE tsr__vec vec_zero(void) { return _mm512_setzero_ps(); }
TSR__INLINE tsr__vec vec_set1(float x) { return _mm512_set1_ps(x); }
/* p[0], p[1], again and again. */
TSR__INLINE tsr__vec vec_set_pair(const float *p) {
  double pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return _mm512_castpd_ps(_mm512_set1_pd(pair));
}
TSR__INLINE tsr__vec vec_load(const float *p) { return _mm512_loadu_ps(p); }
TSR__INLINE void vec_store(float *p, tsr__vec v) { _mm512_storeu_ps(p, v); }
TSR__INLINE tsr__vec vec_add(tsr__vec a, tsr__vec b) { return _mm512_add_ps(a, b); }
TSR__INLINE tsr__vec vec_fmadd(tsr__vec a, tsr__vec b, tsr__vec c) {
  return _mm512_fmadd_ps(a, b, c);
}

/* sums[0] += a * x, sums[1] += b * x, x = p[0], p[1], again and again. Left to order the products
 * of a whole run, gcc 12 mixes those of several columns, for which there are not enough registers:
 * a tenth of the time. */
TSR__INLINE void vec_fmadd_pair(const float *p, tsr__vec a, tsr__vec b, tsr__vec sums[2]) {
  tsr__vec x;
  __asm__ volatile(
      "vbroadcastsd %[pair], %[x]\n\t"
      "vfmadd231ps %[a], %[x], %[first]\n\t"
      "vfmadd231ps %[b], %[x], %[second]"
      : [x] "=&v"(x), [first] "+v"(sums[0]), [second] "+v"(sums[1])
      : [pair] "m"(*(const float(*)[2])p), [a] "v"(a), [b] "v"(b));
}

/* The sums of neighbouring lanes: of each four lanes of the result, two are a's and two b's. */
TSR__INLINE tsr__vec vec_add_neighbours(tsr__vec a, tsr__vec b) {
  return vec_add(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
}

/* Lanes 0..count-1; none if count is negative. */
TSR__INLINE tsr__vec_mask vec_mask_first(int count) {
  int clamped = count < 0 ? 0 : count > TSR__LANES ? TSR__LANES : count;
  return (tsr__vec_mask)((1u << clamped) - 1);
}
TSR__INLINE tsr__vec vec_load_masked(tsr__vec_mask mask, const float *p) {
  return _mm512_maskz_loadu_ps(mask, p);
}
TSR__INLINE void vec_store_masked(tsr__vec_mask mask, float *p, tsr__vec v) {
  _mm512_mask_storeu_ps(p, mask, v);
}

/* max(x, 0) that keeps NaN: the second operand is returned when either is NaN. */
TSR__INLINE tsr__vec vec_gelu(tsr__vec x) { return tsr__gelu_ps512(x); }
TSR__INLINE tsr__vec vec_tanh(tsr__vec x) { return tsr__tanh_ps512(x); }
TSR__INLINE tsr__vec vec_relu(tsr__vec x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }

/* The elements of p[0 .. 15] that `kept` names, moved together; writes a full 16 floats. */
TSR__INLINE void vec_compress(unsigned kept, const float *p, float *out) {
  vec_store(out, _mm512_maskz_compress_ps((__mmask16)kept, vec_load(p)));
}

/* The inverse: 0 where `kept` has no bit. Reads 16 floats at most, writes `count`. */
TSR__INLINE void vec_expand(unsigned kept, const float *p, float *out, int count) {
  vec_store_masked(vec_mask_first(count), out, _mm512_maskz_expandloadu_ps((__mmask16)kept, p));
}

/* Four rows of 128-bit pieces: lane quad a of the result is p[a * stride .. + 3]. */
TSR__INLINE tsr__vec vec_load_quads(const float *p, int64_t stride) {
  tsr__vec v = _mm512_castps128_ps512(_mm_loadu_ps(p));
  v = _mm512_insertf32x4(v, _mm_loadu_ps(p + stride), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 2 * stride), 2);
  return _mm512_insertf32x4(v, _mm_loadu_ps(p + 3 * stride), 3);
}

/* dst[j][i] = src[i][j], 16 x 16. Loading quads of four rows costs half as many uses of the one
 * shuffle port as a transpose between full registers would. */
TSR__INLINE void vec_transpose(const float *src, int64_t src_stride, float *dst,
                               int64_t dst_stride) {
#pragma GCC unroll 4
  for (int q = 0; q < 4; q++) {
    const float *s = src + 4 * q;
    tsr__vec a = vec_load_quads(s, 4 * src_stride);
    tsr__vec b = vec_load_quads(s + src_stride, 4 * src_stride);
    tsr__vec c = vec_load_quads(s + 2 * src_stride, 4 * src_stride);
    tsr__vec d = vec_load_quads(s + 3 * src_stride, 4 * src_stride);
    __m512d ab_low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
    __m512d ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
    __m512d cd_low = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
    __m512d cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
    float *o = dst + 4 * q * dst_stride;
    vec_store(o, _mm512_castpd_ps(_mm512_unpacklo_pd(ab_low, cd_low)));
    vec_store(o + dst_stride, _mm512_castpd_ps(_mm512_unpackhi_pd(ab_low, cd_low)));
    vec_store(o + 2 * dst_stride, _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high)));
    vec_store(o + 3 * dst_stride, _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high)));
  }
}

#endif
