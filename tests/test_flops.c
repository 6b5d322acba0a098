#include <criterion/criterion.h>

#include "bench/flops.h"

/* 2 x 3 times 3 x 4: each of the 8 results takes 3 multiplications and 3 additions. */
Test(flops, counts_by_hand) {
  cr_assert_float_eq(tsr__flops_dense(2, 3, 4), 48, 0);
  cr_assert_float_eq(tsr__flops_dense(0, 3, 4), 0, 0);
  cr_assert_float_eq(tsr__flops_stored(6, 4), 48, 0);
  cr_assert_float_eq(tsr__flops_stored(1, 4), 8, 0);
}

Test(flops, large_products_do_not_overflow) {
  cr_assert_float_eq(tsr__flops_dense(1 << 20, 1 << 20, 1 << 20), 2.0 * 0x1p60, 0);
  cr_assert_float_eq(tsr__flops_stored((int64_t)1 << 40, 1 << 20), 2.0 * 0x1p60, 0);
}

Test(flops, rates) {
  cr_assert_float_eq(tsr__gflops(3e9, 1000), 3, 1e-12);
  cr_assert_float_eq(tsr__gflops(1e6, 1), 1, 1e-12);
  cr_assert_float_eq(tsr__gflops(1e6, 0), 0, 0);
  cr_assert_float_eq(tsr__speedup_density(8, 0.125), 1, 1e-12);
}
