#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/layer_kernel.h"
#include "tessera/plan.h"
#include "tests/layer_reference.h"

static const int64_t widths[] = {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 128, 200, 384};

/* in_place: y is x. offset moves the values away from 0, where a one-pass variance would fail. */
static void check(int isa, int64_t tokens, int64_t width, float offset, int in_place) {
  size_t count = (size_t)(tokens * width);
  float *x = reference_random(count, (uint64_t)(width + tokens), 1.0f);
  for (size_t i = 0; i < count; i++) x[i] += offset;
  float *gamma = reference_random((size_t)width, 3, 2.0f);
  float *beta = reference_random((size_t)width, 4, 1.0f);
  double *expected = malloc(count * sizeof *expected);
  for (int64_t t = 0; t < tokens; t++)
    reference_layernorm(x + t * width, width, gamma, beta, 1e-3, expected + t * width);
  float *y = in_place ? x : malloc(count * sizeof *y);
  tsr_layernorm_args args = {x, y, tokens, width, gamma, beta, 1e-3f};
  tsr__layer_kernels[isa].layernorm(&args);
  for (size_t i = 0; i < count; i++)
    cr_assert(fabs((double)y[i] - expected[i]) <= 2e-5 * (1 + fabs((double)offset)),
              "%s, %lld x %lld, offset %g: [%zu] is %.9g, not %.9g", tsr_isa_name((tsr_isa)isa),
              (long long)tokens, (long long)width, (double)offset, i, (double)y[i], expected[i]);
  if (!in_place) free(y);
  free(x);
  free(gamma);
  free(beta);
  free(expected);
}

static int usable(int isa) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  return hardware.isa[isa];
}

Test(layernorm, every_isa_agrees_with_the_reference) {
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++)
    for (size_t w = 0; usable(isa) && w < sizeof widths / sizeof widths[0]; w++)
      for (int64_t tokens = 0; tokens <= 3; tokens++) {
        check(isa, tokens, widths[w], 0.0f, 0);
        check(isa, tokens, widths[w], 100.0f, 1);
      }
}

Test(layernorm, nan_and_infinity_spoil_their_own_token_only) {
  static const float specials[] = {NAN, INFINITY, -INFINITY};
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++)
    for (int s = 0; usable(isa) && s < 3; s++) {
      enum { WIDTH = 33 };
      float *x = reference_random(3 * WIDTH, 5, 1.0f), y[3 * WIDTH];
      float gamma[WIDTH], beta[WIDTH];
      for (int i = 0; i < WIDTH; i++) gamma[i] = beta[i] = 1.0f;
      x[WIDTH + 32] = specials[s];
      tsr_layernorm_args args = {x, y, 3, WIDTH, gamma, beta, 1e-12f};
      tsr__layer_kernels[isa].layernorm(&args);
      for (int i = 0; i < WIDTH; i++)
        cr_assert(isfinite(y[i]) && isnan(y[WIDTH + i]) && isfinite(y[2 * WIDTH + i]));
      free(x);
    }
}

/* The other two kernels on rows: exact sums of small integers, one element past the end kept. */
Test(rows, add3_and_mean_are_exact_on_integers) {
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++)
    for (size_t w = 0; usable(isa) && w < sizeof widths / sizeof widths[0]; w++) {
      int64_t width = widths[w];
      float a[4 * 384], b[384], c[384], y[385];
      for (int64_t i = 0; i < 4 * width; i++) a[i] = (float)(i % 101 - 50);
      for (int64_t i = 0; i < width; i++) b[i] = (float)(i % 17), c[i] = (float)(i % 5);
      y[width] = 1234.0f;
      tsr__layer_kernels[isa].add3(a, b, c, y, width);
      for (int64_t i = 0; i < width; i++) cr_assert_eq(y[i], a[i] + b[i] + c[i]);
      tsr__layer_kernels[isa].mean(a, 4, width, y);
      for (int64_t i = 0; i < width; i++)
        cr_assert_eq(y[i], (a[i] + a[width + i] + a[2 * width + i] + a[3 * width + i]) / 4);
      cr_assert_eq(y[width], 1234.0f);
    }
}
