/* AVX2+FMA vector mathematics: exp, tanh and GELU, inlined into the kernels of this instruction
 * set. The polynomials are minimax fits; tests/test_math.c holds them against libm in double. NaN
 * gives NaN. */
#ifndef TESSERA_KERNELS_CPU_MATH_AVX2_H
#define TESSERA_KERNELS_CPU_MATH_AVX2_H

#include <immintrin.h>

/* Adding it rounds a float of magnitude below 2^22 to an integer, left in the low mantissa bits. */
#define TSR__ROUND_AVX2 12582912.0f

/* 2^n for an integer n of -126..127. */
static inline __m256 tsr__pow2_ps256(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

/* e^x within 2 ulp; denormal results, 0 and +inf where float says so. */
static inline __m256 tsr__exp_ps256(__m256 x) {
  const __m256 magic = _mm256_set1_ps(TSR__ROUND_AVX2);
  /* Beyond these the result is inf or 0 anyway; the second operand is the one that lets NaN by. */
  x = _mm256_max_ps(_mm256_set1_ps(-104.0f), x);
  x = _mm256_min_ps(_mm256_set1_ps(89.0f), x);
  __m256 rounded = _mm256_fmadd_ps(x, _mm256_set1_ps(1.44269504f), magic);
  __m256 n = _mm256_sub_ps(rounded, magic);
  /* ln 2 in two parts, the first so short that its product with n is exact. */
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693145752f), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(1.42860677e-6f), r);
  __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(0.00829030573f), r, _mm256_set1_ps(0.0418979749f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.166676372f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.499991506f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.999999702f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  /* n is -150..128: one factor could not hold all of it. */
  __m256i whole = _mm256_sub_epi32(_mm256_castps_si256(rounded), _mm256_castps_si256(magic));
  __m256i half = _mm256_srai_epi32(whole, 1);
  p = _mm256_mul_ps(p, tsr__pow2_ps256(half));
  return _mm256_mul_ps(p, tsr__pow2_ps256(_mm256_sub_epi32(whole, half)));
}

/* 2^x for x <= 0 within 2 ulp, but at least 2^-126. */
static inline __m256 tsr__exp2_below_ps256(__m256 x) {
  const __m256 magic = _mm256_set1_ps(TSR__ROUND_AVX2);
  x = _mm256_max_ps(_mm256_set1_ps(-126.0f), x);
  __m256 rounded = _mm256_add_ps(x, magic);
  __m256 f = _mm256_sub_ps(x, _mm256_sub_ps(rounded, magic));
  __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(0.00132646994f), f, _mm256_set1_ps(0.00967153441f));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.0555073395f));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.240222424f));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.693147004f));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(1.0f));
  __m256i whole = _mm256_sub_epi32(_mm256_castps_si256(rounded), _mm256_castps_si256(magic));
  return _mm256_mul_ps(p, tsr__pow2_ps256(whole));
}

/* tanh x within 3 ulp. */
static inline __m256 tsr__tanh_ps256(__m256 x) {
  const __m256 one = _mm256_set1_ps(1.0f), sign = _mm256_set1_ps(-0.0f);
  __m256 a = _mm256_andnot_ps(sign, x);
  /* Large: 1 - 2 / (e^2a + 1), whose subtraction would cancel near 0. */
  __m256 e = tsr__exp_ps256(_mm256_add_ps(a, a));
  __m256 large = _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2.0f), _mm256_add_ps(e, one)));
  __m256 t = _mm256_mul_ps(a, a);
  __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(0.0172414929f), t, _mm256_set1_ps(-0.0530454963f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(0.13325879f));
  p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-0.333331436f));
  __m256 small = _mm256_fmadd_ps(_mm256_mul_ps(p, t), a, a);
  __m256 is_small = _mm256_cmp_ps(a, _mm256_set1_ps(0.5f), _CMP_LT_OQ);
  return _mm256_or_ps(_mm256_blendv_ps(large, small, is_small), _mm256_and_ps(sign, x));
}

/* x (1 + erf(x / sqrt 2)) / 2 = max(x, 0) - g(|x|) with g(a) = a (1 - Phi(a)), a bump that has died
 * at 5.27. Entry [i][j] is the coefficient of f^i in the interval of width 0.75 around node j. */
static const float tsr__gelu_table256[7][8] = {
    {0.0f, 0.16997093f, 0.099461548f, 0.0269865729f, 0.00391128706f, 0.000313873577f,
     1.41245055e-05f, 0.0f},
    {0.376470566f, -0.000372503477f, -0.0958293229f, -0.0439229459f, -0.00872292649f,
     -0.000882961962f, -4.78613911e-05f, -5.20349713e-05f},
    {-0.226167455f, -0.122058719f, 0.00974117592f, 0.0273615904f, 0.00857390836f, 0.00115123065f,
     7.70324914e-05f, -0.00116665475f},
    {-1.32410951e-05f, 0.0552362166f, 0.0238362662f, -0.00550867757f, -0.00465047266f,
     -0.00090919144f, -7.76946181e-05f, -0.00991286058f},
    {0.0214435365f, 0.00142718665f, -0.0115741622f, -0.00237208698f, 0.00130622275f,
     0.000472431188f, 5.4824879e-05f, -0.0380198285f},
    {-0.000196689696f, -0.00535111176f, 0.000614508113f, 0.00169101648f, 8.30359113e-06f,
     -0.00015846976f, -2.94827369e-05f, -0.0673190132f},
    {-0.00159840588f, 0.000416869239f, 0.000874184538f, -0.00030538463f, -0.000140078308f,
     2.67713494e-05f, 1.09738812e-05f, -0.0447265841f},
};

/* Absolute error at most 1.5e-7 max(1, |x|); 21 instructions. */
static inline __m256 tsr__gelu_ps256(__m256 x) {
  const __m256 magic = _mm256_set1_ps(TSR__ROUND_AVX2);
  __m256 a = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
  a = _mm256_min_ps(_mm256_mul_ps(a, _mm256_set1_ps(1.328125f)), _mm256_set1_ps(7.0f));
  __m256 rounded = _mm256_add_ps(a, magic);
  __m256i node = _mm256_castps_si256(rounded);
  __m256 f = _mm256_sub_ps(a, _mm256_sub_ps(rounded, magic));
  __m256 g = _mm256_permutevar8x32_ps(_mm256_loadu_ps(tsr__gelu_table256[6]), node);
  for (int i = 5; i >= 0; i--)
    g = _mm256_fmadd_ps(g, f,
                        _mm256_permutevar8x32_ps(_mm256_loadu_ps(tsr__gelu_table256[i]), node));
  return _mm256_sub_ps(_mm256_max_ps(_mm256_setzero_ps(), x), g);
}

#endif
