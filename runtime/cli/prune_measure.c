#include "runtime/cli/prune_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/weights.h"

/* Sparsities around the common one are measured; between them the error is taken as linear. */
enum { MEASURED = 6, BETWEEN = 4, LEVELS = (MEASURED - 1) * BETWEEN + 1, SEQUENCES = 64 };
static const double STEP = 0.1, BELOW = 0.3, MOST = 0.98;

typedef struct measure_work {
  const tsr__prune_rule *rule;
  const tsr__calibrated_run *run;
  tsr_effect *effect;
  double levels[MEASURED];
  double *errors; /* [layers, MEASURED] */
  float **values; /* [layers]: the original matrices, which the model uses again after a layer */
} measure_work;

static int64_t rows_of(const tsr__prune_layer *layer) { return tsr__matrix_rows(layer->tensor); }
static int64_t cols_of(const tsr__prune_layer *layer) { return tsr__matrix_cols(layer->tensor); }

/* The model gets a copy. */
static tsr_status set_weight(const tsr__calibrated_place *place, const float *values) {
  size_t bytes = (size_t)rows_of(place->layer) * (size_t)cols_of(place->layer) * sizeof *values;
  float *copy;
  TSR_TRY(tsr__aligned(bytes, 1, place->layer->tensor->name, &copy));
  memcpy(copy, values, bytes);
  return tsr__calibrated_set_weight(place, copy);
}

static tsr_status prune_copy(const measure_work *work, const tsr__prune_layer *layer,
                             const tsr_statistics *statistics, double sparsity, float *copy,
                             tsr_mask *mask) {
  tsr_prune_options options = {work->rule->method, work->rule->pattern, sparsity,
                               work->run->threads, 0};
  return tsr_prune_matrix(&options, statistics, copy, rows_of(layer), cols_of(layer), mask, NULL);
}

static tsr_status measure_levels(measure_work *work, const tsr__calibrated_place *place,
                                 const tsr_statistics *statistics, float *copy, tsr_mask *mask) {
  const tsr__prune_layer *layer = place->layer;
  size_t at = (size_t)(layer - work->run->layers);
  size_t elements = (size_t)rows_of(layer) * (size_t)cols_of(layer);
  for (int level = 0; level < MEASURED; level++) {
    memcpy(copy, work->values[at], elements * sizeof *copy);
    TSR_TRY(prune_copy(work, layer, statistics, work->levels[level], copy, mask));
    TSR_TRY(set_weight(place, copy));
    TSR_TRY(tsr_effect_measure(work->effect, place->model, &work->errors[at * MEASURED + level]));
  }
  return TSR_OK;
}

static tsr_status measure(void *user, const tsr__calibrated_place *place,
                          const tsr_statistics *statistics) {
  measure_work *work = user;
  const tsr__prune_layer *layer = place->layer;
  size_t elements = (size_t)rows_of(layer) * (size_t)cols_of(layer);
  float **values = &work->values[layer - work->run->layers], *copy = NULL;
  tsr_mask *mask = NULL;
  tsr_status status;
  if (!work->effect)
    TSR_TRY(tsr_effect_create(place->model, work->run->calibration, SEQUENCES, work->run->threads,
                              &work->effect));
  TSR_TRY(tsr__aligned(elements, sizeof **values, layer->tensor->name, values));
  TSR_TRY(tsr__prune_layer_matrix(layer, *values));
  TSR_TRY_GOTO(status, tsr__aligned(elements, sizeof *copy, layer->tensor->name, &copy), done);
  TSR_TRY_GOTO(status, tsr__aligned(elements, 1, layer->tensor->name, &mask), done);
  status = measure_levels(work, place, statistics, copy, mask);
  if (status == TSR_OK) status = set_weight(place, *values);
done:
  free(copy);
  free(mask);
  return status;
}

/* Fine levels between the measured ones; more sparsity cannot do less harm than less. */
static void fill_choices(const measure_work *work, double elements, double *errors,
                         tsr_budget_choice *choices) {
  for (int level = 1; level < MEASURED; level++)
    errors[level] = fmax(errors[level], errors[level - 1]);
  for (int i = 0; i < LEVELS; i++) {
    int from = i / BETWEEN < MEASURED - 1 ? i / BETWEEN : MEASURED - 2;
    double part = (double)(i - from * BETWEEN) / BETWEEN;
    double sparsity = work->levels[from] + part * (work->levels[from + 1] - work->levels[from]);
    choices[i].cost = (1 - sparsity) * elements;
    choices[i].error = errors[from] + part * (errors[from + 1] - errors[from]);
  }
}

static tsr_status choose(measure_work *work, tsr_budget_choice *choices, size_t *chosen,
                         double *sparsities) {
  double all = 0, kept = 0;
  for (size_t i = 0; i < work->run->count; i++) {
    const tsr__prune_layer *layer = &work->run->layers[i];
    double elements = (double)rows_of(layer) * (double)cols_of(layer);
    fill_choices(work, elements, work->errors + i * MEASURED, choices + i * LEVELS);
    all += elements;
  }
  kept = (1 - work->rule->sparsity) * all;
  TSR_TRY(tsr_budget_choose(choices, work->run->count, LEVELS, kept, chosen));
  for (size_t i = 0; i < work->run->count; i++) {
    const tsr__prune_layer *layer = &work->run->layers[i];
    double elements = (double)rows_of(layer) * (double)cols_of(layer);
    sparsities[i] = 1 - choices[i * LEVELS + chosen[i]].cost / elements;
  }
  return TSR_OK;
}

static void set_levels(measure_work *work) {
  double least = tsr_pattern_fixed_sparsity(&work->rule->pattern);
  for (int i = 0; i < MEASURED; i++) {
    double level = work->rule->sparsity - BELOW + STEP * i;
    work->levels[i] = fmin(fmax(level, least), fmax(MOST, work->rule->sparsity));
  }
}

static tsr_status work_through(measure_work *work, double *sparsities) {
  size_t count = work->run->count, *chosen = NULL;
  tsr_budget_choice *choices = NULL;
  tsr_status status;
  TSR_TRY(tsr__calloc(count * MEASURED, sizeof *work->errors, "a budget", &work->errors));
  TSR_TRY(tsr__calloc(count, sizeof *work->values, "a budget", &work->values));
  tsr__calibrated_run look = *work->run;
  look.statistics = tsr_prune_method_needs(work->rule->method);
  if (look.statistics == TSR_STATISTICS_NONE) look.statistics = TSR_STATISTICS_NORMS;
  look.what = "measuring layers";
  look.visit = measure;
  look.user = work;
  TSR_TRY(tsr__run_calibrated(&look));
  TSR_TRY_GOTO(status, tsr__calloc(count * LEVELS, sizeof *choices, "a budget", &choices), done);
  TSR_TRY_GOTO(status, tsr__calloc(count, sizeof *chosen, "a budget", &chosen), done);
  status = choose(work, choices, chosen, sparsities);
done:
  free(choices);
  free(chosen);
  return status;
}

tsr_status tsr__budget_measure(const tsr__prune_rule *rule, const tsr__calibrated_run *run,
                               double *sparsities) {
  measure_work work = {.rule = rule, .run = run};
  set_levels(&work);
  tsr_status status = work_through(&work, sparsities);
  for (size_t i = 0; work.values && i < run->count; i++) free(work.values[i]);
  free(work.values);
  free(work.errors);
  tsr_effect_destroy(work.effect);
  return status;
}
