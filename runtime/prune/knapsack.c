/* The choice among measured ways to prune each layer: a knapsack, by dynamic programming. */
#include <math.h>
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "tessera/prune.h"

enum { STEPS = 4096, LEVELS_MAX = 255 };

typedef struct knapsack {
  const tsr_budget_choice *choices; /* [layers, levels] */
  size_t layers, levels;
  double max_cost;
  double *errors; /* [2, STEPS + 1]: the least for the layers so far that cost at most so much */
  uint8_t *taken; /* [layers, STEPS + 1]: the last of them */
} knapsack;

/* STEPS + 1 = more than there is. */
static size_t steps_of(const knapsack *k, double cost) {
  if (cost <= 0) return 0;
  double steps = ceil(cost / k->max_cost * STEPS);
  return steps <= STEPS ? (size_t)steps : STEPS + 1;
}

static void add_layer(const knapsack *k, size_t layer) {
  const double *before = k->errors + (layer % 2) * (STEPS + 1);
  double *after = k->errors + ((layer + 1) % 2) * (STEPS + 1);
  for (size_t s = 0; s <= STEPS; s++) after[s] = INFINITY;
  for (size_t level = 0; level < k->levels; level++) {
    const tsr_budget_choice *choice = &k->choices[layer * k->levels + level];
    for (size_t s = steps_of(k, choice->cost); s <= STEPS; s++) {
      double error = before[s - steps_of(k, choice->cost)] + choice->error;
      if (error >= after[s]) continue;
      after[s] = error;
      k->taken[layer * (STEPS + 1) + s] = (uint8_t)level;
    }
  }
}

static tsr_status solve(const knapsack *k, size_t *chosen) {
  for (size_t s = 0; s <= STEPS; s++) k->errors[s] = 0;
  for (size_t layer = 0; layer < k->layers; layer++) add_layer(k, layer);
  TSR_CHECK(isfinite(k->errors[(k->layers % 2) * (STEPS + 1) + STEPS]), TSR_NOT_FOUND,
            "budget: even the cheapest choices cost more than %g", k->max_cost);
  size_t left = STEPS;
  for (size_t layer = k->layers; layer-- > 0;) {
    chosen[layer] = k->taken[layer * (STEPS + 1) + left];
    left -= steps_of(k, k->choices[layer * k->levels + chosen[layer]].cost);
  }
  return TSR_OK;
}

tsr_status tsr_budget_choose(const tsr_budget_choice *choices, size_t layers, size_t levels,
                             double max_cost, size_t *chosen) {
  TSR_CHECK(choices && chosen && layers, TSR_INVALID_ARGUMENT, "tsr_budget_choose: NULL argument");
  TSR_CHECK(levels >= 1 && levels <= LEVELS_MAX && isfinite(max_cost) && max_cost >= 0,
            TSR_INVALID_ARGUMENT, "tsr_budget_choose: %zu levels, at most %g", levels, max_cost);
  for (size_t i = 0; i < layers * levels; i++)
    TSR_CHECK(isfinite(choices[i].cost) && choices[i].cost >= 0 && isfinite(choices[i].error) &&
                  choices[i].error >= 0,
              TSR_INVALID_ARGUMENT, "tsr_budget_choose: layer %zu, level %zu: cost %g, error %g",
              i / levels, i % levels, choices[i].cost, choices[i].error);
  knapsack k = {choices, layers, levels, max_cost, NULL, NULL};
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__aligned(2 * (STEPS + 1), sizeof *k.errors, "a budget", &k.errors),
               done);
  TSR_TRY_GOTO(status, tsr__calloc(layers, STEPS + 1, "a budget", &k.taken), done);
  status = solve(&k, chosen);
done:
  free(k.errors);
  free(k.taken);
  return status;
}
