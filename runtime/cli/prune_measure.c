#include "runtime/cli/prune_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/prune_latency.h"
#include "runtime/cli/weights.h"
#include "runtime/model/model.h"

/* Sparsities all over are measured: some matrices want to stay dense, others are hardly missed.
 * Between them errors and costs are taken as linear. */
enum { MEASURED = 7, BETWEEN = 4, LEVELS = (MEASURED - 1) * BETWEEN + 1, SEQUENCES = 64 };
static const double AROUND = 0.5, MOST = 0.98;

/* Layers that are timed one by one have their weights in the cache, so that the sum of their times
 * tells how to share, and the whole model, timed so many times at most, how far to go. */
enum { TRIALS = 8 };
static const double NEAR = 0.01;

typedef struct measure_work {
  const tsr__prune_rule *rule;
  const tsr__calibrated_run *run;
  tsr_effect *effect;
  double levels[MEASURED];
  double *errors;             /* [layers, MEASURED] */
  double *costs;              /* like errors: elements that are kept, or milliseconds */
  tsr_budget_choice *choices; /* [layers, LEVELS] */
  size_t *chosen;             /* [layers] */
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

/* What a layer is tried with. */
typedef struct layer_trial {
  float *weights; /* [rows, cols] */
  tsr_mask *mask;
  float *bias,
      *moved;    /* [rows]: the layer's, and with what makes up for means; NULL: it has none */
  double *shift; /* [rows] */
} layer_trial;

static tsr_status trial_open(const tsr__calibrated_place *place, layer_trial *t) {
  const char *name = place->layer->tensor->name;
  const float *bias = tsr_model_linear(place->model, place->index)->bias;
  size_t rows = (size_t)rows_of(place->layer), elements = rows * (size_t)cols_of(place->layer);
  TSR_TRY(tsr__aligned(elements, sizeof *t->weights, name, &t->weights));
  TSR_TRY(tsr__aligned(elements, 1, name, &t->mask));
  TSR_TRY(tsr__aligned(rows, sizeof *t->shift, name, &t->shift));
  if (!bias) return TSR_OK;
  TSR_TRY(tsr__aligned(rows, sizeof *t->bias, name, &t->bias));
  TSR_TRY(tsr__aligned(rows, sizeof *t->moved, name, &t->moved));
  memcpy(t->bias, bias, rows * sizeof *bias);
  return TSR_OK;
}

static void trial_close(layer_trial *t) {
  free(t->weights);
  free(t->mask);
  free(t->bias);
  free(t->moved);
  free(t->shift);
}

/* The model gets the layer as the trial has it. */
static tsr_status prune_trial(const measure_work *work, const tsr__calibrated_place *place,
                              const tsr_statistics *statistics, double sparsity, layer_trial *t) {
  const tsr__prune_layer *layer = place->layer;
  int64_t rows = rows_of(layer), cols = cols_of(layer);
  tsr_prune_options options = {.method = work->rule->method,
                               .pattern = work->rule->pattern,
                               .sparsity = sparsity,
                               .threads = work->run->threads,
                               .shift = t->bias ? t->shift : NULL,
                               .sensitivities = layer->sensitivities};
  memset(t->shift, 0, (size_t)rows * sizeof *t->shift);
  TSR_TRY(tsr_prune_matrix(&options, statistics, t->weights, rows, cols, t->mask, NULL));
  TSR_TRY(set_weight(place, t->weights));
  for (int64_t r = 0; t->bias && r < rows; r++)
    t->moved[r] = (float)((double)t->bias[r] + t->shift[r]);
  return t->bias ? tsr__model_set_bias(place->model, place->index, t->moved) : TSR_OK;
}

static tsr_status measure_levels(measure_work *work, const tsr__calibrated_place *place,
                                 const tsr_statistics *statistics, layer_trial *t) {
  const tsr__prune_layer *layer = place->layer;
  size_t at = (size_t)(layer - work->run->layers);
  size_t elements = (size_t)rows_of(layer) * (size_t)cols_of(layer);
  for (int level = 0; level < MEASURED; level++) {
    if (work->levels[level] <= 0) continue;
    memcpy(t->weights, work->values[at], elements * sizeof *t->weights);
    TSR_TRY(prune_trial(work, place, statistics, work->levels[level], t));
    TSR_TRY(tsr_effect_measure(work->effect, place->model, &work->errors[at * MEASURED + level]));
  }
  return TSR_OK;
}

/* Before anything that takes long. */
static tsr_status begin(measure_work *work, const tsr_model *model) {
  const tsr__prune_target *target = work->rule->target;
  int64_t positions = tsr_model_get_info(model)->max_positions;
  TSR_CHECK(!target || target->tokens <= positions, TSR_INVALID_ARGUMENT,
            "--target-tokens: %lld, the model has %lld positions", (long long)target->tokens,
            (long long)positions);
  return tsr_effect_create(model, work->run->calibration, SEQUENCES, work->run->threads,
                           &work->effect);
}

static tsr_status measure(void *user, const tsr__calibrated_place *place,
                          const tsr_statistics *statistics) {
  measure_work *work = user;
  const tsr__prune_layer *layer = place->layer;
  size_t elements = (size_t)rows_of(layer) * (size_t)cols_of(layer);
  float **values = &work->values[layer - work->run->layers];
  layer_trial t = {.weights = NULL};
  if (!work->effect) TSR_TRY(begin(work, place->model));
  TSR_TRY(tsr__aligned(elements, sizeof **values, layer->tensor->name, values));
  TSR_TRY(tsr__prune_layer_matrix(layer, *values));
  tsr_status status = trial_open(place, &t);
  if (status == TSR_OK) status = measure_levels(work, place, statistics, &t);
  if (status == TSR_OK) status = set_weight(place, *values);
  if (status == TSR_OK && t.bias) status = tsr__model_set_bias(place->model, place->index, t.bias);
  trial_close(&t);
  return status;
}

static double between(const double *at_levels, int i) {
  int from = i / BETWEEN < MEASURED - 1 ? i / BETWEEN : MEASURED - 2;
  double part = (double)(i - from * BETWEEN) / BETWEEN;
  return at_levels[from] + part * (at_levels[from + 1] - at_levels[from]);
}

/* Fine levels between the measured ones; more sparsity cannot do less harm than less. */
static void fill_choices(measure_work *work) {
  for (size_t layer = 0; layer < work->run->count; layer++) {
    double *errors = work->errors + layer * MEASURED;
    for (int level = 1; level < MEASURED; level++)
      errors[level] = fmax(errors[level], errors[level - 1]);
    for (int i = 0; i < LEVELS; i++)
      work->choices[layer * LEVELS + (size_t)i] =
          (tsr_budget_choice){between(work->costs + layer * MEASURED, i), between(errors, i)};
  }
}

static tsr_status choose(measure_work *work, double max_cost, double *sparsities) {
  size_t count = work->run->count;
  TSR_TRY(tsr_budget_choose(work->choices, count, LEVELS, max_cost, work->chosen));
  for (size_t i = 0; i < count; i++) sparsities[i] = between(work->levels, (int)work->chosen[i]);
  return TSR_OK;
}

static tsr_status choose_by_sparsity(measure_work *work, double *sparsities) {
  double all = 0;
  for (size_t i = 0; i < work->run->count; i++) {
    const tsr__prune_layer *layer = &work->run->layers[i];
    double elements = (double)rows_of(layer) * (double)cols_of(layer);
    for (int level = 0; level < MEASURED; level++)
      work->costs[i * MEASURED + (size_t)level] = (1 - work->levels[level]) * elements;
    all += elements;
  }
  fill_choices(work);
  return choose(work, (1 - work->rule->sparsity) * all, sparsities);
}

/* ---- a target ---- */

/* The sum over the layers of the cost of one of the measured levels. */
static double cost_at(const measure_work *work, int level) {
  double sum = 0;
  for (size_t i = 0; i < work->run->count; i++) sum += work->costs[i * MEASURED + (size_t)level];
  return sum;
}

/* What is sought: the model's time, relative to its dense self or in milliseconds. */
static double wanted(const tsr__prune_target *target) {
  return isnan(target->ms) ? 1 / target->speedup : target->ms;
}

static double time_of(const tsr__prune_target *target, const tsr__model_latency *latency) {
  return isnan(target->ms) ? 1 / latency->speedup : latency->ms;
}

/* A sum of layers' times and the model's time that goes with it. */
typedef struct end {
  double cost, time;
} end;

/* The model at the greatest sparsity everywhere, and dense. */
static tsr_status look_at_the_ends(const measure_work *work, tsr__latency *latency, double *trial,
                                   end *fast, end *slow) {
  const tsr__prune_target *target = work->rule->target;
  tsr__model_latency most;
  for (size_t i = 0; i < work->run->count; i++) trial[i] = work->levels[MEASURED - 1];
  TSR_TRY(tsr__latency_model(latency, trial, &most));
  double rounding = 1 + 2 * (double)work->run->count / 4096; /* the knapsack rounds costs up */
  *fast = (end){rounding * cost_at(work, MEASURED - 1), time_of(target, &most)};
  *slow = (end){rounding * cost_at(work, 0), isnan(target->ms) ? 1 : most.dense_ms};
  TSR_CHECK(fast->time <= wanted(target), TSR_UNSUPPORTED,
            "the target cannot be reached: with %g %% of every layer pruned the model takes %.4g "
            "ms, %.3gx dense, for %lld tokens in %d threads",
            100 * work->levels[MEASURED - 1], most.ms, most.speedup, (long long)target->tokens,
            (int)target->threads);
  return TSR_OK;
}

/* Times are nearly linear in the sum of layers' times: the straight line between two ends, one of
 * which each trial replaces. Where the slow end will do, how fast the other one is does not count:
 * on a busy machine it may come out slower. */
static double cost_between(const end *fast, const end *slow, double time) {
  if (time >= slow->time) return slow->cost;
  double part = (time - fast->time) / (slow->time - fast->time);
  return fast->cost + fmin(fmax(part, 0), 1) * (slow->cost - fast->cost);
}

/* trial: [layers]; sparsities: [layers], the nearest of the trials. */
static tsr_status approach(measure_work *work, tsr__latency *latency, double *trial,
                           double *sparsities) {
  tsr__prune_target *target = work->rule->target;
  double goal = wanted(target), nearest = INFINITY;
  end fast, slow;
  TSR_TRY(look_at_the_ends(work, latency, trial, &fast, &slow));
  for (int i = 0; i < TRIALS && nearest > NEAR; i++) {
    tsr__model_latency now;
    double cost = cost_between(&fast, &slow, goal);
    TSR_TRY(choose(work, cost, trial));
    TSR_TRY(tsr__latency_model(latency, trial, &now));
    double time = time_of(target, &now);
    *(time <= goal ? &fast : &slow) = (end){cost, time};
    if (fabs(time / goal - 1) >= nearest) continue;
    nearest = fabs(time / goal - 1);
    memcpy(sparsities, trial, work->run->count * sizeof *trial);
    target->got_ms = now.ms;
    target->got_speedup = now.speedup;
    if (time <= goal && cost >= slow.cost) break; /* the dense model does, too */
  }
  return TSR_OK;
}

static tsr_status choose_by_target(measure_work *work, double *sparsities) {
  tsr__latency *latency;
  double *trial = NULL;
  TSR_TRY(tsr__latency_open(work->rule, work->run, work->values, &latency));
  tsr_status status = tsr__calloc(work->run->count, sizeof *trial, "a budget", &trial);
  if (status == TSR_OK) status = tsr__latency_layers(latency, work->levels, MEASURED, work->costs);
  if (status == TSR_OK) {
    fill_choices(work);
    status = approach(work, latency, trial, sparsities);
  }
  free(trial);
  tsr__latency_close(latency);
  return status;
}

static void set_levels(measure_work *work) {
  double wanted = work->rule->sparsity, least = tsr_pattern_fixed_sparsity(&work->rule->pattern);
  double most = fmax(MOST, wanted);
  if (!work->rule->target) {
    least = fmax(least, wanted - AROUND);
    most = fmin(most, wanted + AROUND);
  }
  for (int i = 0; i < MEASURED; i++) work->levels[i] = least + (most - least) * i / (MEASURED - 1);
}

static tsr_status work_through(measure_work *work, double *sparsities) {
  size_t count = work->run->count;
  TSR_TRY(tsr__calloc(count * MEASURED, sizeof *work->errors, "a budget", &work->errors));
  TSR_TRY(tsr__calloc(count * MEASURED, sizeof *work->costs, "a budget", &work->costs));
  TSR_TRY(tsr__calloc(count, sizeof *work->values, "a budget", &work->values));
  TSR_TRY(tsr__calloc(count * LEVELS, sizeof *work->choices, "a budget", &work->choices));
  TSR_TRY(tsr__calloc(count, sizeof *work->chosen, "a budget", &work->chosen));
  tsr__calibrated_run look = *work->run;
  look.statistics = tsr_prune_method_needs(work->rule->method);
  if (look.statistics == TSR_STATISTICS_NONE) look.statistics = TSR_STATISTICS_NORMS;
  look.what = "measuring layers";
  look.visit = measure;
  look.user = work;
  TSR_TRY(tsr__run_calibrated(&look));
  return work->rule->target ? choose_by_target(work, sparsities)
                            : choose_by_sparsity(work, sparsities);
}

tsr_status tsr__budget_measure(const tsr__prune_rule *rule, const tsr__calibrated_run *run,
                               double *sparsities) {
  measure_work work = {.rule = rule, .run = run};
  set_levels(&work);
  tsr_status status = work_through(&work, sparsities);
  for (size_t i = 0; work.values && i < run->count; i++) free(work.values[i]);
  free(work.values);
  free(work.errors);
  free(work.costs);
  free(work.choices);
  free(work.chosen);
  tsr_effect_destroy(work.effect);
  return status;
}
