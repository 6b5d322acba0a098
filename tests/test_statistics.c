/* Intervals and rank correlations against published and independent values. */
#include <criterion/criterion.h>
#include <math.h>

#include "runtime/evaluate/statistics.h"
#include "tessera/tessera.h"

#define CHECK(call) cr_assert_eq(call, TSR_OK, "%s", tsr_last_error())

/* Newcombe, Statistics in Medicine 17 (1998), table I, method 3. */
Test(statistics, wilson_intervals_as_published) {
  static const struct {
    int64_t hits, of;
    double low, high;
  } cases[] = {{81, 263, 0.2553, 0.3662},
               {15, 148, 0.0624, 0.1605},
               {0, 20, 0.0000, 0.1611},
               {1, 29, 0.0061, 0.1718}};
  for (int i = 0; i < 4; i++) {
    double low, high;
    tsr__wilson(cases[i].hits, cases[i].of, &low, &high);
    cr_assert_float_eq(low, cases[i].low, 5e-5, "case %d: %g", i, low);
    cr_assert_float_eq(high, cases[i].high, 5e-5, "case %d: %g", i, high);
    tsr__wilson(cases[i].of - cases[i].hits, cases[i].of, &low, &high);
    cr_assert_float_eq(low, 1 - cases[i].high, 5e-5, "case %d: %g", i, low);
    cr_assert_float_eq(high, 1 - cases[i].low, 5e-5, "case %d: %g", i, high);
  }
}

Test(statistics, wilson_of_nothing) {
  double low, high;
  tsr__wilson(0, 0, &low, &high);
  cr_assert_eq(low, 0);
  cr_assert_eq(high, 1);
}

/* The usual example: 1 - 6 sum d^2 / (n (n^2 - 1)) with sum d^2 = 194. */
Test(statistics, spearman_without_ties) {
  static const double iq[] = {106, 100, 86, 101, 99, 103, 97, 113, 112, 110};
  static const double hours[] = {7, 27, 2, 50, 28, 29, 20, 12, 6, 17};
  double rho;
  CHECK(tsr__spearman(iq, hours, 10, &rho));
  cr_assert_float_eq(rho, 1 - 6 * 194.0 / (10 * 99), 1e-12);
}

/* By hand: ranks 1, 2.5, 2.5, 4 and 1, 3, 3, 3; covariance 3, variances 4.5 and 3. */
Test(statistics, spearman_with_ties_by_hand) {
  static const double a[] = {1, 2, 2, 3}, b[] = {0, 5, 5, 5};
  double rho;
  CHECK(tsr__spearman(a, b, 4, &rho));
  cr_assert_float_eq(rho, 3 / sqrt(4.5 * 3), 1e-12);
}

Test(statistics, spearman_with_ties_is_scipys) {
  tsr_checkpoint *golden;
  CHECK(tsr_checkpoint_open(TESSERA_TEST_DATA "/golden/statistics.safetensors", &golden));
  const tsr_tensor *a = tsr_checkpoint_find(golden, "tied_a");
  double rho, expected = *(const double *)tsr_checkpoint_find(golden, "spearman")->data;
  CHECK(tsr__spearman(a->data, tsr_checkpoint_find(golden, "tied_b")->data, (size_t)a->shape[0],
                      &rho));
  cr_assert_float_eq(rho, expected, 1e-12);
  tsr_checkpoint_close(golden);
}

Test(statistics, spearman_of_extremes) {
  static const double up[] = {1, 2, 3, 1e300}, down[] = {5, 4, -3, -INFINITY};
  static const double flat[] = {2, 2, 2, 2}, broken[] = {1, NAN, 2, 3};
  double rho;
  CHECK(tsr__spearman(up, down, 4, &rho));
  cr_assert_float_eq(rho, -1, 1e-12);
  CHECK(tsr__spearman(up, flat, 4, &rho));
  cr_assert_eq(rho, 0);
  CHECK(tsr__spearman(up, up, 0, &rho));
  cr_assert_eq(rho, 0);
  cr_assert_eq(tsr__spearman(up, broken, 4, &rho), TSR_INVALID_ARGUMENT);
}
