#include <criterion/criterion.h>
#include <math.h>

#include "bench/variant.h"
#include "tessera/tessera.h"

static tsr_pattern parse(const char *text) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK, "%s", tsr_last_error());
  return pattern;
}

/* Open patterns at each sparsity, those that dictate theirs once, 2:4 within blocks from 50 %. */
Test(variants, patterns_times_sparsities) {
  tsr_pattern patterns[] = {parse("block:16x16"), parse("2:4"), parse("block:16x16+2:4"),
                            parse("dense")};
  double sparsities[] = {0.25, 0.75};
  tsr__variants variants;
  cr_assert_eq(tsr__variants_list(patterns, 4, sparsities, 2, 1, &variants), TSR_OK);
  cr_assert_eq(variants.count, 6);
  static const struct {
    tsr_pattern_kind kind;
    double sparsity;
  } expected[] = {{TSR_PATTERN_BLOCK, 0.25},
                  {TSR_PATTERN_BLOCK, 0.75},
                  {TSR_PATTERN_NM, 0.5},
                  {TSR_PATTERN_BLOCK_NM, 0.75},
                  {TSR_PATTERN_DENSE, 0}};
  for (size_t v = 0; v < 5; v++) {
    cr_assert_eq(variants.items[v].pattern.kind, expected[v].kind);
    cr_assert_float_eq(variants.items[v].sparsity, expected[v].sparsity, 1e-12);
    cr_assert_eq(variants.items[v].as_is, 0);
  }
  cr_assert_eq(variants.items[5].as_is, 1);
  tsr__variants_release(&variants);
  tsr__variants_release(NULL);
}

Test(variants, nothing_possible_is_an_error) {
  tsr_pattern pattern = parse("block:16x16+2:4");
  double sparsity = 0.3;
  tsr__variants variants;
  cr_assert_eq(tsr__variants_list(&pattern, 1, &sparsity, 1, 0, &variants), TSR_INVALID_ARGUMENT);
  cr_assert_null(variants.items);
}

/* 2 x 4 with 1 x 2 blocks, half of them pruned: the two with the greatest magnitudes stay. */
Test(variants, packing_keeps_the_greatest_magnitudes) {
  static const float weights[] = {1, -2, 9, 1, /**/ -7, 5, 0.5f, 0.25f};
  static const float kept[] = {0, 0, 9, 1, /**/ -7, 5, 0, 0};
  tsr__variant variant = {.pattern = parse("block:1x2"), .sparsity = 0.5};
  tsr_packed packed;
  cr_assert_eq(tsr__variant_pack(&variant, weights, 2, 4, &packed), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(packed.format, TSR_FORMAT_BCSR);
  cr_assert_eq(packed.nnzb, 2);
  float unpacked[8];
  cr_assert_eq(tsr_unpack_f32(&packed, unpacked, 4), TSR_OK);
  for (int i = 0; i < 8; i++) cr_assert_eq(unpacked[i], kept[i]);
  tsr_packed_release(&packed);
}

Test(variants, a_weight_that_is_no_number_is_refused) {
  static const float weights[] = {1, NAN};
  tsr__variant variant = {.pattern = parse("irregular"), .sparsity = 0.5};
  tsr_packed packed;
  cr_assert_eq(tsr__variant_pack(&variant, weights, 1, 2, &packed), TSR_INVALID_ARGUMENT);
}

/* The first outputs of SplitMix64 for seed 0, from its authors' program. */
Test(random, is_splitmix64) {
  uint64_t state = 0;
  cr_assert_eq(tsr__random_next(&state), 0xe220a8397b1dcdafu);
  cr_assert_eq(tsr__random_next(&state), 0x6e789e6aa1b965f4u);
}

Test(random, floats_fill_the_interval) {
  enum { COUNT = 10000 };
  static float values[COUNT];
  tsr__random_floats(1, values, COUNT);
  double sum = 0, least = 1, greatest = -1;
  for (int i = 0; i < COUNT; i++) {
    double value = (double)values[i];
    cr_assert(value >= -1 && value < 1);
    sum += value;
    least = value < least ? value : least;
    greatest = value > greatest ? value : greatest;
  }
  cr_assert_lt(fabs(sum / COUNT), 0.05);
  cr_assert_lt(least, -0.99);
  cr_assert_gt(greatest, 0.99);
}
