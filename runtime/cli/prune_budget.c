#include "runtime/cli/prune_budget.h"

#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/prune_measure.h"
#include "runtime/cli/weights.h"

/* As OWL was published: outliers are above 5 times the mean, densities within +-0.08. */
static const double OUTLIER_FACTOR = 5, BAND = 0.08;

typedef struct outlier_work {
  tsr__prune_layer *layers;
  tsr_budget_layer *items;
} outlier_work;

static tsr_status count_outliers(void *user, const tsr__calibrated_place *place,
                                 const tsr_statistics *statistics) {
  outlier_work *work = user;
  const tsr__prune_layer *layer = place->layer;
  tsr_budget_layer *item = &work->items[layer - work->layers];
  size_t elements = (size_t)(item->rows * item->cols);
  float *values;
  TSR_TRY(tsr__aligned(elements, sizeof *values, layer->tensor->name, &values));
  tsr_status status = tsr__prune_layer_matrix(layer, values);
  if (status == TSR_OK)
    status = tsr_prune_outliers(statistics, values, item->rows, item->cols, OUTLIER_FACTOR,
                                &item->outliers);
  free(values);
  return status;
}

static tsr_status look_for_outliers(const tsr__calibrated_run *run, tsr_budget_layer *items) {
  outlier_work work = {run->layers, items};
  tsr__calibrated_run look = *run;
  look.statistics = TSR_STATISTICS_NORMS;
  look.what = "looking for outliers";
  look.visit = count_outliers;
  look.user = &work;
  return tsr__run_calibrated(&look);
}

static tsr_status share(tsr__budget budget, const tsr__prune_rule *rule,
                        const tsr__calibrated_run *run, tsr_budget_layer *items,
                        double *sparsities) {
  for (size_t i = 0; i < run->count; i++)
    items[i] = (tsr_budget_layer){tsr__matrix_rows(run->layers[i].tensor),
                                  tsr__matrix_cols(run->layers[i].tensor), 0};
  if (budget == TSR__BUDGET_ERK)
    return tsr_budget_erk(&rule->pattern, rule->sparsity, items, run->count, sparsities);
  if (budget == TSR__BUDGET_MEASURED) {
    /* The rule's sparsity and pattern are checked where the other budgets check theirs. */
    TSR_TRY(tsr_budget_erk(&rule->pattern, rule->sparsity, items, run->count, sparsities));
    return tsr__budget_measure(rule, run, sparsities);
  }
  TSR_TRY(look_for_outliers(run, items));
  return tsr_budget_owl(&rule->pattern, rule->sparsity, BAND, items, run->count, sparsities);
}

tsr_status tsr__budget_share(tsr__budget budget, const tsr__prune_rule *rule,
                             const tsr__calibrated_run *run) {
  for (size_t i = 0; i < run->count; i++) run->layers[i].sparsity = rule->sparsity;
  if (rule->global && tsr_prune_method_needs(rule->method) != TSR_STATISTICS_NONE)
    return tsr__budget_global(rule, run);
  if (budget == TSR__BUDGET_UNIFORM) return TSR_OK;
  tsr_budget_layer *items;
  double *sparsities = NULL;
  tsr_status status;
  TSR_TRY(tsr__calloc(run->count, sizeof *items, "a budget", &items));
  TSR_TRY_GOTO(status, tsr__calloc(run->count, sizeof *sparsities, "a budget", &sparsities), done);
  TSR_TRY_GOTO(status, share(budget, rule, run, items, sparsities), done);
  for (size_t i = 0; i < run->count; i++) run->layers[i].sparsity = sparsities[i];
done:
  free(items);
  free(sparsities);
  return status == TSR_OK ? status : tsr__error_prefix(status, "--budget");
}
