#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/vector_math.h"

enum { COUNT = 1 << 16 };

typedef struct function {
  const char *name;
  vector_function *run[2]; /* AVX2, AVX-512 */
  double (*exact)(double x);
} function;

static double exact_gelu(double x) { return 0.5 * x * erfc(-x / sqrt(2)); }

static const function functions[] = {
    {"exp", {exp_avx2, exp_avx512}, exp},
    {"tanh", {tanh_avx2, tanh_avx512}, tanh},
    {"gelu", {gelu_avx2, gelu_avx512}, exact_gelu},
};

static int machine_has(int isa) {
  if (isa == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

/* The distance of y from the exact value, in units of the last place of a float of its size. */
static double ulps(float y, double exact) {
  if ((double)y == exact || (isinf(y) && exact > 3.4028235e38)) return 0;
  int exponent;
  frexp(exact, &exponent);
  double unit = ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
  return fabs((double)y - exact) / unit;
}

static void grid(double from, double to, float *x) {
  for (int i = 0; i < COUNT; i++) x[i] = (float)(from + (to - from) * i / (COUNT - 1));
}

static void check_ulps(const function *f, double from, double to, double limit) {
  float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
  grid(from, to, x);
  for (int isa = 0; isa < 2; isa++) {
    if (!machine_has(isa)) continue;
    f->run[isa](x, y, COUNT);
    for (int i = 0; i < COUNT; i++)
      cr_assert_leq(ulps(y[i], f->exact(x[i])), limit, "%s, isa %d: f(%.9g) = %.9g, exact %.12g",
                    f->name, isa, x[i], y[i], f->exact(x[i]));
  }
  free(x);
  free(y);
}

Test(vector_math, exp_is_within_two_ulp) {
  check_ulps(&functions[0], -1, 1, 2);
  check_ulps(&functions[0], -87, 88.7, 2);
  check_ulps(&functions[0], -1e-6, 1e-6, 2);
}

Test(vector_math, exp_reaches_denormals_zero_and_infinity) {
  check_ulps(&functions[0], -110, -86, 2);
  check_ulps(&functions[0], 88.8, 200, 0);
}

Test(vector_math, tanh_is_within_three_ulp) {
  check_ulps(&functions[1], -12, 12, 3);
  check_ulps(&functions[1], -0.6, 0.6, 3);
  check_ulps(&functions[1], -1e-30, 1e-30, 1);
  check_ulps(&functions[1], 12, 1000, 1);
}

Test(vector_math, gelu_is_within_its_absolute_bound) {
  const double ranges[][2] = {{-1, 1}, {-8, 8}, {-1e-3, 1e-3}, {4.9, 5.6}, {-5.6, -4.9}, {8, 1e6}};
  float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
  for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
    grid(ranges[r][0], ranges[r][1], x);
    for (int isa = 0; isa < 2; isa++) {
      if (!machine_has(isa)) continue;
      functions[2].run[isa](x, y, COUNT);
      for (int i = 0; i < COUNT; i++)
        cr_assert_leq(fabs((double)y[i] - exact_gelu(x[i])), 1.5e-7 * fmax(1, fabs((double)x[i])),
                      "isa %d: gelu(%.9g) = %.9g, exact %.12g", isa, x[i], y[i], exact_gelu(x[i]));
    }
  }
  free(x);
  free(y);
}

Test(vector_math, special_values_keep_their_meaning) {
  static const float specials[4] = {INFINITY, -INFINITY, 0.0f, -0.0f};
  static const float expected[3][4] = {
      {INFINITY, 0, 1, 1}, {1, -1, 0.0f, -0.0f}, {INFINITY, 0, 0, 0}};
  for (int f = 0; f < 3; f++)
    for (int isa = 0; isa < 2; isa++) {
      if (!machine_has(isa)) continue;
      float x[16], y[16];
      for (int i = 0; i < 16; i++) x[i] = i < 4 ? specials[i] : i % 2 ? NAN : 1.0f;
      functions[f].run[isa](x, y, 16);
      for (int i = 0; i < 4; i++)
        cr_assert(y[i] == expected[f][i], "%s, isa %d: f(%g) = %g", functions[f].name, isa, x[i],
                  y[i]);
      for (int i = 4; i < 16; i++)
        cr_assert_eq(isnan(y[i]) != 0, i % 2, "%s, isa %d, lane %d", functions[f].name, isa, i);
    }
}

Test(vector_math, tanh_keeps_the_sign_of_zero) {
  for (int isa = 0; isa < 2; isa++) {
    if (!machine_has(isa)) continue;
    float x[16] = {-0.0f}, y[16];
    functions[1].run[isa](x, y, 16);
    cr_assert(signbit(y[0]) && !signbit(y[1]));
  }
}
