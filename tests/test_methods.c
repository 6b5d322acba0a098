/* Pruning methods against naive ones, and what holds for all of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/prune_case.h"

Test(methods, statistics_are_sums_of_squares) {
  prune_case c;
  prune_case_init(&c, 1, 70, 33, TSR_STATISTICS_NORMS);
  cr_assert_eq(tsr_statistics_rows(c.statistics), 33);
  cr_assert_eq(tsr_statistics_features(c.statistics), 70);
  /* One output row, whose weights are all 1: Wanda's order is that of the norms. */
  for (int64_t f = 0; f < c.cols; f++) c.weights[f] = 1;
  prune_case_run(&c, TSR_METHOD_WANDA, "irregular", 0.5, 1);
  for (int64_t i = 0; i < c.cols; i++)
    for (int64_t j = 0; j < c.cols; j++)
      if (c.mask[i] && !c.mask[j])
        cr_assert_geq(c.gram[i * c.cols + i], c.gram[j * c.cols + j] * (1 - 1e-6));
  prune_case_release(&c);
}

Test(methods, statistics_refuse_bad_arguments) {
  tsr_statistics *s;
  float x[4] = {1, 2, 3, INFINITY};
  cr_assert_eq(tsr_statistics_create(2, TSR_STATISTICS_NORMS, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_statistics_create(0, TSR_STATISTICS_NORMS, &s), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_statistics_create(2, TSR_STATISTICS_NONE, &s), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_statistics_create(2, (tsr_statistics_kind)9, &s), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_statistics_create(2, TSR_STATISTICS_NORMS, &s), TSR_OK);
  cr_assert_eq(tsr_statistics_add(NULL, x, 1, 2, 1), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_statistics_add(s, NULL, 1, 2, 1), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_statistics_add(s, x, -1, 2, 1), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_statistics_add(s, x, 1, 1, 1), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_statistics_add(s, x, 1, 2, 0), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_statistics_add(s, x, 2, 2, 1), TSR_INVALID_ARGUMENT);
  cr_assert_not_null(strstr(tsr_last_error(), "row 1, feature 1"), "%s", tsr_last_error());
  cr_assert_eq(tsr_statistics_rows(s), 0);
  cr_assert_eq(tsr_statistics_add(s, NULL, 0, 2, 1), TSR_OK);
  tsr_statistics_destroy(s);
  tsr_statistics_destroy(NULL);
  cr_assert_eq(tsr_statistics_rows(NULL), 0);
  cr_assert_eq(tsr_statistics_features(NULL), 0);
}

/* Wanda as published: in every row the weights with the least abs(w) x norm go. */
Test(methods, wanda_prunes_each_row_by_weight_times_norm) {
  prune_case c;
  prune_case_init(&c, 9, 40, 64, TSR_STATISTICS_NORMS);
  prune_case_run(&c, TSR_METHOD_WANDA, "irregular", 0.6, 2);
  for (int64_t r = 0; r < c.rows; r++)
    for (int64_t i = 0; i < c.cols; i++) {
      int64_t better = 0;
      double own = fabs((double)c.weights[r * c.cols + i]) * sqrt(c.gram[i * c.cols + i]);
      for (int64_t j = 0; j < c.cols; j++)
        better += fabs((double)c.weights[r * c.cols + j]) * sqrt(c.gram[j * c.cols + j]) > own;
      cr_assert_eq(c.mask[r * c.cols + i], better < 16, "row %d, column %d", (int)r, (int)i);
    }
  prune_case_release(&c);
}

static void check_result(const prune_case *c, const char *text, double sparsity) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK);
  if (sparsity < 0) sparsity = tsr_pattern_fixed_sparsity(&pattern);
  cr_assert_eq(tsr_mask_verify(&pattern, sparsity, c->mask, c->rows, c->cols), TSR_OK, "%s: %s",
               text, tsr_last_error());
  int64_t bad = 0;
  for (int64_t i = 0; i < c->rows * c->cols; i++)
    bad += !isfinite(c->pruned[i]) || (!c->mask[i] && (c->pruned[i] != 0 || signbit(c->pruned[i])));
  cr_assert_eq(bad, 0, "%s", text);
}

/* Sizes that are multiples of nothing leave units at the edges. */
Test(methods, every_method_obeys_every_pattern) {
  static const int64_t sizes[][2] = {{48, 64}, {37, 75}};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    prune_case c;
    prune_case_init(&c, sizes[s][0], sizes[s][1], 200, TSR_STATISTICS_NORMS);
    for (int m = 0; m < TSR_METHOD_COUNT; m++) {
      if (tsr_prune_method_needs((tsr_prune_method)m) > TSR_STATISTICS_NORMS) continue;
      for (const prune_pattern *p = prune_patterns; p->text; p++) {
        prune_case_run(&c, (tsr_prune_method)m, p->text, p->sparsity, 2);
        check_result(&c, p->text, p->sparsity);
      }
    }
    prune_case_release(&c);
  }
}

Test(methods, wanda_loses_less_output_than_magnitude) {
  prune_case c;
  prune_case_init(&c, 48, 64, 300, TSR_STATISTICS_NORMS);
  for (const prune_pattern *p = prune_patterns; p->text; p++) {
    prune_case_run(&c, TSR_METHOD_MAGNITUDE_L2, p->text, p->sparsity, 1);
    double magnitude = prune_case_error(&c);
    prune_case_run(&c, TSR_METHOD_WANDA, p->text, p->sparsity, 1);
    cr_assert_leq(prune_case_error(&c), magnitude, "%s", p->text);
  }
  prune_case_release(&c);
}

Test(methods, bad_arguments_of_prune_matrix_are_refused) {
  prune_case c;
  prune_case_init(&c, 4, 8, 16, TSR_STATISTICS_NORMS);
  tsr_prune_options good = {.method = TSR_METHOD_WANDA, .sparsity = 0.5, .threads = 1}, bad;
  cr_assert_eq(tsr_pattern_parse("irregular", &good.pattern), TSR_OK);
#define REFUSED(options, statistics, weights, rows, cols, mask)                        \
  cr_assert_eq(tsr_prune_matrix(options, statistics, weights, rows, cols, mask, NULL), \
               TSR_INVALID_ARGUMENT)
  REFUSED(NULL, c.statistics, c.weights, 4, 8, c.mask);
  REFUSED(&good, NULL, c.weights, 4, 8, c.mask);
  REFUSED(&good, c.statistics, NULL, 4, 8, c.mask);
  REFUSED(&good, c.statistics, c.weights, 4, 8, NULL);
  REFUSED(&good, c.statistics, c.weights, -1, 8, c.mask);
  REFUSED(&good, c.statistics, c.weights, INT64_MAX, 8, c.mask);
  REFUSED(&good, c.statistics, c.weights, 8, 4, c.mask);
  cr_assert_not_null(strstr(tsr_last_error(), "8 features for 4 columns"), "%s", tsr_last_error());
  bad = good, bad.method = TSR_METHOD_COUNT;
  REFUSED(&bad, c.statistics, c.weights, 4, 8, c.mask);
  bad = good, bad.threads = 0;
  REFUSED(&bad, c.statistics, c.weights, 4, 8, c.mask);
  bad = good, bad.sparsity = 1.5;
  REFUSED(&bad, c.statistics, c.weights, 4, 8, c.mask);
  bad = good, bad.pattern.kind = TSR_PATTERN_COUNT;
  REFUSED(&bad, c.statistics, c.weights, 4, 8, c.mask);
  c.weights[13] = NAN;
  REFUSED(&good, c.statistics, c.weights, 4, 8, c.mask);
  cr_assert_not_null(strstr(tsr_last_error(), "row 1, column 5"), "%s", tsr_last_error());
  tsr_statistics *empty;
  c.weights[13] = 0;
  cr_assert_eq(tsr_statistics_create(8, TSR_STATISTICS_NORMS, &empty), TSR_OK);
  REFUSED(&good, empty, c.weights, 4, 8, c.mask);
  tsr_statistics_destroy(empty);
  cr_assert_eq(tsr_prune_matrix(&good, NULL, NULL, 0, 8, NULL, NULL), TSR_OK);
  cr_assert_eq(tsr_prune_scores(TSR_METHOD_WANDA, c.weights, 4, 8, c.pruned), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_method_needs(TSR_METHOD_COUNT), TSR_STATISTICS_NONE);
  prune_case_release(&c);
}

/* Of two rows that are alike, the one whose output matters more keeps its blocks; every weight that
 * is kept is what it was. */
Test(methods, rows_that_matter_less_lose_more) {
  static const float sensitivities[4] = {1, 1, 9, 9};
  prune_case c;
  tsr_mask mask[4 * 8];
  float weights[4 * 8];
  prune_case_init(&c, 4, 8, 64, TSR_STATISTICS_NORMS);
  for (int i = 0; i < 32; i++) c.weights[i] = weights[i] = (float)(1 + i % 16);
  tsr_prune_options options = {
      .method = TSR_METHOD_WANDA, .sparsity = 0.5, .threads = 2, .sensitivities = sensitivities};
  cr_assert_eq(tsr_pattern_parse("block:2x2", &options.pattern), TSR_OK);
  cr_assert_eq(tsr_prune_matrix(&options, c.statistics, weights, 4, 8, mask, NULL), TSR_OK, "%s",
               tsr_last_error());
  double scores[8];
  for (int block = 0; block < 8; block++) {
    scores[block] = 0;
    for (int i = 0; i < 4; i++) {
      int row = block / 4 * 2 + i / 2, col = block % 4 * 2 + i % 2;
      double w = (double)c.weights[row * 8 + col], weight = (double)sensitivities[row] / 5 + 0.02;
      scores[block] += weight * w * w * c.gram[col * c.cols + col];
    }
  }
  for (int block = 0; block < 8; block++) {
    int better = 0;
    for (int other = 0; other < 8; other++) better += scores[other] > scores[block];
    int at = block / 4 * 16 + block % 4 * 2;
    cr_assert_eq(mask[at], better < 4, "block %d", block);
    cr_assert_eq(weights[at], better < 4 ? c.weights[at] : 0);
  }
  float bad[4] = {1, 1, -1, 1};
  options.sensitivities = bad;
  cr_assert_eq(tsr_prune_matrix(&options, c.statistics, weights, 4, 8, mask, NULL),
               TSR_INVALID_ARGUMENT);
  prune_case_release(&c);
}
