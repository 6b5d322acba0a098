/* Budgets: rules against their definitions, the knapsack against trying everything. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/alloc_failures.h"
#include "tests/random.h"

static tsr_pattern parsed(const char *text) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK);
  return pattern;
}

enum { LAYERS = 4 };
static const tsr_budget_layer layers[LAYERS] = {
    {384, 384, 0.02}, {1536, 384, 0.06}, {384, 1536, 0.01}, {10, 20, 0.03}};

static double total(const double *sparsities) {
  double zeros = 0, all = 0;
  for (int i = 0; i < LAYERS; i++) {
    double elements = (double)(layers[i].rows * layers[i].cols);
    zeros += sparsities[i] * elements;
    all += elements;
  }
  return zeros / all;
}

Test(budget, erk_densities_are_proportional_to_the_sides) {
  tsr_pattern pattern = parsed("irregular");
  double s[LAYERS];
  cr_assert_eq(tsr_budget_erk(&pattern, 0.7, layers, LAYERS, s), TSR_OK, "%s", tsr_last_error());
  cr_assert_float_eq(total(s), 0.7, 1e-9);
  /* (384 + 384) / 384^2 to (1536 + 384) / (1536 x 384): 1.6 times as dense. */
  cr_assert_float_eq((1 - s[0]) / (1 - s[1]), 1.6, 1e-9);
  cr_assert_float_eq(s[1], s[2], 1e-12);
  cr_assert_eq(s[3], 0); /* so small that its density would be over 1 */
}

Test(budget, owl_keeps_more_where_there_are_outliers) {
  tsr_pattern pattern = parsed("block:16x16");
  double s[LAYERS];
  cr_assert_eq(tsr_budget_owl(&pattern, 0.7, 0.08, layers, LAYERS, s), TSR_OK);
  cr_assert_float_eq(total(s), 0.7, 1e-9);
  cr_assert_float_eq(s[2] - s[1], 0.16, 1e-9);
  /* Linear in the outliers: 0.02 lies a fifth of the way from 0.01 to 0.06. */
  cr_assert_float_eq(s[2] - s[0], 0.16 / 5, 1e-9);
  cr_assert_eq(tsr_budget_owl(&pattern, 0.7, 0, layers, LAYERS, s), TSR_OK);
  for (int i = 0; i < LAYERS; i++) cr_assert_float_eq(s[i], 0.7, 1e-9);
}

Test(budget, ends_and_least_sparsities_are_kept) {
  tsr_pattern irregular = parsed("irregular"), two_level = parsed("block:16x16+2:4");
  double s[LAYERS];
  for (int end = 0; end < 2; end++) {
    cr_assert_eq(tsr_budget_erk(&irregular, end, layers, LAYERS, s), TSR_OK);
    for (int i = 0; i < LAYERS; i++) cr_assert_float_eq(s[i], end, 1e-9);
    cr_assert_eq(tsr_budget_owl(&irregular, end, 0.08, layers, LAYERS, s), TSR_OK);
    for (int i = 0; i < LAYERS; i++) cr_assert_float_eq(s[i], end, 1e-9);
  }
  cr_assert_eq(tsr_budget_erk(&two_level, 0.6, layers, LAYERS, s), TSR_OK);
  cr_assert_float_eq(total(s), 0.6, 1e-9);
  for (int i = 0; i < LAYERS; i++) cr_assert_geq(s[i], 0.5);
}

Test(budget, outliers_are_counted) {
  tsr_statistics *statistics;
  float x[3] = {1, 2, 0}, weights[6] = {1, 1, 9, 1, -10, 9};
  double share;
  cr_assert_eq(tsr_statistics_create(3, TSR_STATISTICS_NORMS, &statistics), TSR_OK);
  cr_assert_eq(tsr_statistics_add(statistics, x, 1, 3, 1), TSR_OK);
  /* Scores 1 2 0 1 20 0, mean 4. */
  cr_assert_eq(tsr_prune_outliers(statistics, weights, 2, 3, 4.9, &share), TSR_OK);
  cr_assert_float_eq(share, 1.0 / 6, 1e-12);
  cr_assert_eq(tsr_prune_outliers(statistics, weights, 2, 3, 5, &share), TSR_OK);
  cr_assert_eq(share, 0);
  cr_assert_eq(tsr_prune_outliers(NULL, weights, 2, 3, 5, &share), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_outliers(statistics, NULL, 2, 3, 5, &share), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_outliers(statistics, weights, 3, 2, 5, &share), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_outliers(statistics, weights, 2, 3, NAN, &share), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_outliers(statistics, weights, 2, 3, 5, NULL), TSR_INVALID_ARGUMENT);
  tsr_statistics_destroy(statistics);
}

/* Costs are multiples of a step here, so the best choice is found exactly. */
Test(budget, choice_is_the_best_of_all) {
  enum { ITEMS = 5, LEVELS = 4, WAYS = 4 * 4 * 4 * 4 * 4 };
  random_state random = random_seed(7);
  for (int round = 0; round < 200; round++) {
    tsr_budget_choice choices[ITEMS * LEVELS];
    size_t chosen[ITEMS];
    double best = INFINITY, error = 0, cost = 0;
    for (int i = 0; i < ITEMS * LEVELS; i++)
      choices[i] = (tsr_budget_choice){(double)random_below(&random, 2000), random_unit(&random)};
    for (int way = 0; way < WAYS; way++) {
      double way_cost = 0, way_error = 0;
      for (int i = 0, rest = way; i < ITEMS; i++, rest /= LEVELS) {
        way_cost += choices[i * LEVELS + rest % LEVELS].cost;
        way_error += choices[i * LEVELS + rest % LEVELS].error;
      }
      if (way_cost <= 4096) best = fmin(best, way_error);
    }
    tsr_status status = tsr_budget_choose(choices, ITEMS, LEVELS, 4096, chosen);
    cr_assert_eq(status, isfinite(best) ? TSR_OK : TSR_NOT_FOUND);
    for (int i = 0; status == TSR_OK && i < ITEMS; i++) {
      cost += choices[(size_t)i * LEVELS + chosen[i]].cost;
      error += choices[(size_t)i * LEVELS + chosen[i]].error;
    }
    cr_assert_leq(cost, 4096);
    if (status == TSR_OK) cr_assert_float_eq(error, best, 1e-12);
  }
}

/* Times are no multiples of a step: rounding up may cost one step a layer, and no more. */
Test(budget, choice_among_times_is_the_best_but_for_a_step_a_layer) {
  enum { ITEMS = 4, LEVELS = 6, WAYS = 6 * 6 * 6 * 6 };
  random_state random = random_seed(8);
  for (int round = 0; round < 200; round++) {
    tsr_budget_choice choices[ITEMS * LEVELS];
    size_t chosen[ITEMS];
    double tighter = INFINITY, best = INFINITY, cost = 0, error = 0;
    for (int i = 0; i < ITEMS; i++) {
      double dense_ms = 0.2 + random_unit(&random), harm = random_unit(&random);
      for (int level = 0; level < LEVELS; level++)
        choices[i * LEVELS + level] = (tsr_budget_choice){
            dense_ms * (1.05 - 0.19 * level), harm * level * level + 0.1 * random_unit(&random)};
    }
    for (int way = 0; way < WAYS; way++) {
      double ms = 0, sum = 0;
      for (int i = 0, rest = way; i < ITEMS; i++, rest /= LEVELS) {
        ms += choices[i * LEVELS + rest % LEVELS].cost;
        sum += choices[i * LEVELS + rest % LEVELS].error;
      }
      if (ms <= 1.5) best = fmin(best, sum);
      if (ms <= 1.5 * (1 - ITEMS / 4096.0)) tighter = fmin(tighter, sum);
    }
    tsr_status status = tsr_budget_choose(choices, ITEMS, LEVELS, 1.5, chosen);
    if (isfinite(tighter)) cr_assert_eq(status, TSR_OK);
    for (int i = 0; status == TSR_OK && i < ITEMS; i++) {
      cost += choices[(size_t)i * LEVELS + chosen[i]].cost;
      error += choices[(size_t)i * LEVELS + chosen[i]].error;
    }
    cr_assert_leq(cost, 1.5);
    if (status == TSR_OK) cr_assert(error >= best - 1e-12 && error <= tighter + 1e-12);
  }
}

Test(budget, bad_arguments_are_refused) {
  tsr_pattern good = parsed("irregular"), fixed = parsed("2:4"), bad = good;
  double s[LAYERS];
  tsr_budget_layer empty = {0, 4, 0};
#define REFUSED(call) cr_assert_eq(call, TSR_INVALID_ARGUMENT)
  REFUSED(tsr_budget_erk(NULL, 0.5, layers, LAYERS, s));
  REFUSED(tsr_budget_erk(&good, 0.5, NULL, LAYERS, s));
  REFUSED(tsr_budget_erk(&good, 0.5, layers, 0, s));
  REFUSED(tsr_budget_erk(&good, 0.5, layers, LAYERS, NULL));
  REFUSED(tsr_budget_erk(&fixed, 0.5, layers, LAYERS, s));
  REFUSED(tsr_budget_erk(&good, -0.1, layers, LAYERS, s));
  REFUSED(tsr_budget_erk(&good, 1.1, layers, LAYERS, s));
  REFUSED(tsr_budget_erk(&good, NAN, layers, LAYERS, s));
  REFUSED(tsr_budget_erk(&good, 0.5, &empty, 1, s));
  bad.kind = TSR_PATTERN_COUNT;
  REFUSED(tsr_budget_erk(&bad, 0.5, layers, LAYERS, s));
  REFUSED(tsr_budget_owl(&fixed, 0.5, 0.08, layers, LAYERS, s));
  REFUSED(tsr_budget_owl(&good, 0.5, -0.1, layers, LAYERS, s));
  REFUSED(tsr_budget_owl(&good, 0.5, NAN, layers, LAYERS, s));
  tsr_budget_choice choice = {1, 1}, wrong = {-1, NAN};
  size_t chosen;
  REFUSED(tsr_budget_choose(NULL, 1, 1, 1, &chosen));
  REFUSED(tsr_budget_choose(&choice, 1, 1, 1, NULL));
  REFUSED(tsr_budget_choose(&choice, 0, 1, 1, &chosen));
  REFUSED(tsr_budget_choose(&choice, 1, 0, 1, &chosen));
  REFUSED(tsr_budget_choose(&choice, 1, 1, NAN, &chosen));
  REFUSED(tsr_budget_choose(&wrong, 1, 1, 1, &chosen));
  cr_assert_eq(tsr_budget_choose(&choice, 1, 1, 0.9, &chosen), TSR_NOT_FOUND);
  EXPECT_OUT_OF_MEMORY(tsr_budget_choose(&choice, 1, 1, 1, &chosen));
}
