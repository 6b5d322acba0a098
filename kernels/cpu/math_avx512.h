/* AVX-512 vector mathematics: exp, tanh and GELU, inlined into the kernels of this instruction set.
 * The polynomials are minimax fits; tests/test_math.c holds them against libm in double. NaN gives
 * NaN. */
#ifndef TESSERA_KERNELS_CPU_MATH_AVX512_H
#define TESSERA_KERNELS_CPU_MATH_AVX512_H

#include <immintrin.h>

/* Adding it rounds a float of magnitude below 2^22 to an integer, left in the low mantissa bits. */
#define TSR__ROUND_AVX512 12582912.0f

/* e^x within 2 ulp; denormal results, 0 and +inf where float says so. */
static inline __m512 tsr__exp_ps512(__m512 x) {
  const __m512 magic = _mm512_set1_ps(TSR__ROUND_AVX512);
  /* Beyond these the result is inf or 0 anyway; the second operand is the one that lets NaN by. */
  x = _mm512_max_ps(_mm512_set1_ps(-104.0f), x);
  x = _mm512_min_ps(_mm512_set1_ps(89.0f), x);
  __m512 n = _mm512_sub_ps(_mm512_fmadd_ps(x, _mm512_set1_ps(1.44269504f), magic), magic);
  /* ln 2 in two parts, the first so short that its product with n is exact. */
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693145752f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(1.42860677e-6f), r);
  __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(0.00829030573f), r, _mm512_set1_ps(0.0418979749f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.166676372f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.499991506f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.999999702f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, n);
}

/* 2^x for x <= 0 within 2 ulp; down to 0. */
static inline __m512 tsr__exp2_below_ps512(__m512 x) {
  const __m512 magic = _mm512_set1_ps(TSR__ROUND_AVX512);
  x = _mm512_max_ps(_mm512_set1_ps(-150.0f), x);
  __m512 n = _mm512_sub_ps(_mm512_add_ps(x, magic), magic);
  __m512 f = _mm512_sub_ps(x, n);
  __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(0.00132646994f), f, _mm512_set1_ps(0.00967153441f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.0555073395f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.240222424f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693147004f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, n);
}

/* tanh x within 3 ulp. */
static inline __m512 tsr__tanh_ps512(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0f), sign = _mm512_set1_ps(-0.0f);
  __m512 a = _mm512_andnot_ps(sign, x);
  /* Large: 1 - 2 / (e^2a + 1), whose subtraction would cancel near 0. */
  __m512 e = tsr__exp_ps512(_mm512_add_ps(a, a));
  __m512 large = _mm512_sub_ps(one, _mm512_div_ps(_mm512_set1_ps(2.0f), _mm512_add_ps(e, one)));
  __m512 t = _mm512_mul_ps(a, a);
  __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(0.0172414929f), t, _mm512_set1_ps(-0.0530454963f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.13325879f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.333331436f));
  __m512 small = _mm512_fmadd_ps(_mm512_mul_ps(p, t), a, a);
  __mmask16 is_small = _mm512_cmp_ps_mask(a, _mm512_set1_ps(0.5f), _CMP_LT_OQ);
  return _mm512_or_ps(_mm512_mask_mov_ps(large, is_small, small), _mm512_and_ps(sign, x));
}

/* x (1 + erf(x / sqrt 2)) / 2 = max(x, 0) - g(|x|) with g(a) = a (1 - Phi(a)), a bump that has died
 * at 5.25. Entry [i][j] is the coefficient of f^i in the interval of width 0.35 around node j. */
static const float tsr__gelu_table512[6][16] = {
    {0.0f, 0.1270459f, 0.169361711f, 0.154279426f, 0.113200158f, 0.0702551529f, 0.0376375578f,
     0.0175793227f, 0.0071973335f, 0.00259121298f, 0.000821945025f, 0.000230003556f,
     5.68251417e-05f, 1.24024909e-05f, 2.39229189e-06f, 0.0f},
    {0.174863368f, 0.0811463147f, 0.0082688285f, -0.0329959728f, -0.0450640507f, -0.0388376005f,
     -0.026115831f, -0.0145523893f, -0.00689289579f, -0.00281185703f, -0.000995425275f,
     -0.000307275739f, -8.29748242e-05f, -1.96445599e-05f, -4.08442065e-06f, -4.09579443e-05f},
    {-0.0487937704f, -0.0430922285f, -0.0288602374f, -0.0126528041f, -0.000395244977f,
     0.00559400767f, 0.00648623658f, 0.00486710528f, 0.0028384116f, 0.00136169069f, 0.00055124698f,
     0.000190924344f, 5.70498087e-05f, 1.47879673e-05f, 3.33796174e-06f, -0.000638896658f},
    {-3.59920864e-06f, 0.00362804718f, 0.00546838297f, 0.00498942612f, 0.00305557926f,
     0.00101600098f, -0.000266127317f, -0.000693314883f, -0.000608070113f, -0.000373271119f,
     -0.000180813033f, -7.22465848e-05f, -2.43365139e-05f, -6.99852671e-06f, -1.73193826e-06f,
     -0.00356832426f},
    {0.0010091709f, 0.000734610832f, 0.000159575124f, -0.000353271782f, -0.000544581562f,
     -0.000432785746f, -0.000205278557f, -2.66288371e-05f, 5.11149883e-05f, 5.72726203e-05f,
     3.73657313e-05f, 1.82676904e-05f, 7.18985348e-06f, 2.35151606e-06f, 6.50208335e-07f,
     -0.00813315995f},
    {-2.66125371e-05f, -9.45016654e-05f, -0.000121531906f, -7.47825688e-05f, -3.48109324e-06f,
     4.0824707e-05f, 4.43795616e-05f, 2.56221156e-05f, 6.7982578e-06f, -2.66601683e-06f,
     -4.40748136e-06f, -3.04030641e-06f, -1.4810239e-06f, -5.66774929e-07f, -1.77767546e-07f,
     -0.00649341336f},
};

/* Absolute error at most 1.5e-7 max(1, |x|); 17 instructions. */
static inline __m512 tsr__gelu_ps512(__m512 x) {
  const __m512 magic = _mm512_set1_ps(TSR__ROUND_AVX512);
  enum { SMALLER_MAGNITUDE_POSITIVE = 0x0a };
  __m512 a = _mm512_range_ps(_mm512_mul_ps(x, _mm512_set1_ps(2.859375f)), _mm512_set1_ps(15.0f),
                             SMALLER_MAGNITUDE_POSITIVE);
  __m512 rounded = _mm512_add_ps(a, magic);
  __m512i node = _mm512_castps_si512(rounded);
  __m512 f = _mm512_sub_ps(a, _mm512_sub_ps(rounded, magic));
  __m512 g = _mm512_permutexvar_ps(node, _mm512_loadu_ps(tsr__gelu_table512[5]));
  for (int i = 4; i >= 0; i--)
    g = _mm512_fmadd_ps(g, f, _mm512_permutexvar_ps(node, _mm512_loadu_ps(tsr__gelu_table512[i])));
  return _mm512_sub_ps(_mm512_max_ps(_mm512_setzero_ps(), x), g);
}

#endif
