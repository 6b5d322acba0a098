/* One sparsity of all layers together, for methods that prune layer by layer: how much each layer
 * loses is what would go of it if all weights competed by what they do to the model's output, to
 * first order: w^2 times the variance of what the weight is multiplied with, times how much an
 * error of its row matters. Where that is not known, an error counts as a share of the layer's. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/prune_budget.h"
#include "runtime/cli/weights.h"

typedef struct global_work {
  const tsr__prune_rule *rule;
  const tsr__calibrated_run *run;
  float **powers, **scores; /* [layers] */
  tsr_project_item *items;  /* [layers] */
} global_work;

static int64_t elements_of(const tsr_project_item *item) { return item->rows * item->cols; }

static tsr_status score(const global_work *work, size_t i) {
  const tsr__prune_layer *layer = &work->run->layers[i];
  tsr_project_item *item = &work->items[i];
  item->rows = tsr__matrix_rows(layer->tensor);
  item->cols = tsr__matrix_cols(layer->tensor);
  size_t elements = (size_t)elements_of(item);
  TSR_TRY(tsr__aligned(elements, sizeof(float), layer->tensor->name, &work->scores[i]));
  TSR_TRY(tsr__aligned(elements, sizeof(tsr_mask), layer->tensor->name, &item->mask));
  float *scores = work->scores[i];
  item->scores = scores;
  TSR_TRY(tsr__prune_layer_matrix(layer, scores));
  double sum = 0;
  for (int64_t j = 0; j < elements_of(item); j++) {
    float sensitivity = layer->sensitivities ? layer->sensitivities[j / item->cols] : 1;
    scores[j] *= scores[j] * work->powers[i][j % item->cols] * sensitivity;
    sum += (double)scores[j];
  }
  for (int64_t j = 0; sum > 0 && !layer->sensitivities && j < elements_of(item); j++)
    scores[j] = (float)((double)scores[j] / sum);
  return TSR_OK;
}

static double share_pruned(const tsr_project_item *item) {
  int64_t pruned = 0;
  for (int64_t j = 0; j < elements_of(item); j++) pruned += !item->mask[j];
  return (double)pruned / (double)elements_of(item);
}

static tsr_status share(const global_work *work) {
  size_t count = work->run->count;
  TSR_TRY(tsr__calibrated_powers(work->run, work->powers));
  for (size_t i = 0; i < count; i++) TSR_TRY(score(work, i));
  TSR_TRY(tsr_project_global(&work->rule->pattern, work->rule->sparsity, work->items, count));
  for (size_t i = 0; i < count; i++) work->run->layers[i].sparsity = share_pruned(&work->items[i]);
  return TSR_OK;
}

static tsr_status allocate(global_work *work) {
  size_t count = work->run->count;
  TSR_TRY(tsr__calloc(count, sizeof *work->powers, "a budget", &work->powers));
  TSR_TRY(tsr__calloc(count, sizeof *work->scores, "a budget", &work->scores));
  return tsr__calloc(count, sizeof *work->items, "a budget", &work->items);
}

tsr_status tsr__budget_global(const tsr__prune_rule *rule, const tsr__calibrated_run *run) {
  global_work work = {.rule = rule, .run = run};
  tsr_status status = allocate(&work);
  if (status == TSR_OK) status = share(&work);
  for (size_t i = 0; work.items && i < run->count; i++) {
    free(work.powers[i]);
    free(work.scores[i]);
    free(work.items[i].mask);
  }
  free(work.powers);
  free(work.scores);
  free(work.items);
  return status;
}
