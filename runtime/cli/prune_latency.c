#include "runtime/cli/prune_latency.h"

#include <stdlib.h>
#include <string.h>

#include "bench/model_runs.h"
#include "bench/variant.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/weights.h"

enum { ROUNDS = 10 };
static const double LAYER_SECONDS = 0.1, MODEL_SECONDS = 0.6;

struct tsr__latency {
  const tsr__prune_rule *rule;
  const tsr__calibrated_run *run;
  float *const *values;
  tsr_hardware hardware;
  tsr_tuning *tuning;
  tsr_model *model;
  tsr__model_input input;
  tsr__model_run dense;
};

static tsr__variant variant_at(const tsr__latency *l, double sparsity) {
  return (tsr__variant){.pattern = l->rule->pattern, .sparsity = sparsity};
}

static tsr_status pack(const tsr__latency *l, size_t layer, const tsr__variant *variant,
                       tsr_packed *out) {
  const tsr_tensor *tensor = l->run->layers[layer].tensor;
  return tsr__variant_pack(variant, l->values[layer], tsr__matrix_rows(tensor),
                           tsr__matrix_cols(tensor), out);
}

static tsr_plan_options plan_options(const tsr__latency *l) {
  return (tsr_plan_options){.backend = TSR_BACKEND_CPU,
                            .max_tokens = l->input.seq,
                            .threads = l->rule->target->threads,
                            .hardware = &l->hardware,
                            .tuning = l->tuning};
}

/* ---- a layer at several sparsities ---- */

typedef struct layer_run {
  tsr_linear linear;
  tsr_linear_plan *plan;
  tsr_linear_io io;
  void *workspace;
} layer_run;

static tsr_status execute_layer(void *user) {
  const layer_run *run = user;
  return tsr_linear_execute(run->plan, &run->io, run->workspace,
                            tsr_linear_plan_workspace_bytes(run->plan));
}

static void close_layer(layer_run *run) {
  tsr_linear_plan_destroy(run->plan);
  tsr_packed_release(&run->linear.weight);
  free(run->workspace);
}

static tsr_status open_layer(const tsr__latency *l, size_t layer, double sparsity, float *x,
                             float *y, layer_run *out) {
  tsr__variant variant = variant_at(l, sparsity);
  tsr_plan_options options = plan_options(l);
  out->linear.name = l->run->layers[layer].tensor->name;
  TSR_TRY(pack(l, layer, &variant, &out->linear.weight));
  TSR_TRY(tsr_linear_plan_create(&out->linear, &options, &out->plan));
  out->io = (tsr_linear_io){.tokens = l->input.seq,
                            .x = x,
                            .ldx = out->linear.weight.cols,
                            .y = y,
                            .ldy = out->linear.weight.rows};
  return tsr__aligned(tsr_linear_plan_workspace_bytes(out->plan), 1, "a workspace",
                      &out->workspace);
}

static tsr_status medians(const tsr__race_result *result, double *ms) {
  for (size_t i = 0; i < result->count; i++) {
    tsr__timing timing;
    TSR_TRY(tsr__race_timing(result, i, &timing));
    ms[i] = timing.median_ms;
  }
  return TSR_OK;
}

static tsr_status race_layers(const tsr__contestant *contestants, size_t count, double *ms) {
  tsr__race_options options = {.min_rounds = ROUNDS, .min_seconds = LAYER_SECONDS};
  tsr__race_result result;
  TSR_TRY(tsr__race(contestants, count, &options, &result));
  tsr_status status = medians(&result, ms);
  tsr__race_release(&result);
  return status;
}

static tsr_status time_layer(const tsr__latency *l, size_t layer, const double *levels,
                             size_t count, double *ms) {
  const tsr_tensor *tensor = l->run->layers[layer].tensor;
  size_t read = (size_t)(l->input.seq * tsr__matrix_cols(tensor));
  size_t written = (size_t)(l->input.seq * tsr__matrix_rows(tensor));
  layer_run *runs = NULL;
  tsr__contestant *contestants = NULL;
  float *x = NULL, *y = NULL;
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__calloc(count, sizeof *runs, "a race", &runs), done);
  TSR_TRY_GOTO(status, tsr__calloc(count, sizeof *contestants, "a race", &contestants), done);
  TSR_TRY_GOTO(status, tsr__aligned(read, sizeof *x, "activations", &x), done);
  TSR_TRY_GOTO(status, tsr__aligned(written, sizeof *y, "activations", &y), done);
  tsr__random_floats(1, x, read);
  for (size_t i = 0; i < count; i++) {
    TSR_TRY_GOTO(status, open_layer(l, layer, levels[i], x, y, &runs[i]), done);
    contestants[i] = (tsr__contestant){"tessera", execute_layer, &runs[i], NULL, 0};
  }
  status = race_layers(contestants, count, ms);
done:
  for (size_t i = 0; runs && i < count; i++) close_layer(&runs[i]);
  free(runs);
  free(contestants);
  free(x);
  free(y);
  return status;
}

/* The first layer of the same shape. */
static size_t twin(const tsr__latency *l, size_t layer) {
  const tsr_tensor *tensor = l->run->layers[layer].tensor;
  size_t i = 0;
  while (tsr__matrix_rows(l->run->layers[i].tensor) != tsr__matrix_rows(tensor) ||
         tsr__matrix_cols(l->run->layers[i].tensor) != tsr__matrix_cols(tensor))
    i++;
  return i;
}

tsr_status tsr__latency_layers(const tsr__latency *latency, const double *levels, size_t count,
                               double *ms) {
  for (size_t layer = 0; layer < latency->run->count; layer++) {
    size_t first = twin(latency, layer);
    if (first == layer)
      TSR_TRY(time_layer(latency, layer, levels, count, ms + layer * count));
    else
      memcpy(ms + layer * count, ms + first * count, count * sizeof *ms);
  }
  return TSR_OK;
}

/* ---- the model ---- */

/* sparsities: NULL = dense. */
static tsr_status plan_model(tsr__latency *l, const double *sparsities, tsr__model_run *out) {
  for (size_t i = 0; i < l->run->count; i++) {
    tsr__variant variant = {.pattern = {.kind = TSR_PATTERN_DENSE}};
    if (sparsities) variant = variant_at(l, sparsities[i]);
    size_t index;
    tsr_packed weight;
    TSR_TRY(tsr__calibrated_find(l->model, l->run->layers[i].tensor->name, &index));
    TSR_TRY(pack(l, i, &variant, &weight));
    TSR_TRY(tsr_model_set_weight(l->model, index, &weight));
  }
  tsr_model_plan_options options = {
      .linear = plan_options(l), .max_batch = 1, .max_seq = l->input.seq};
  TSR_TRY(tsr_model_plan_create(l->model, &options, &out->plan));
  out->input = &l->input;
  out->embedding = l->input.embedding;
  out->workspace_bytes = tsr_model_plan_workspace_bytes(out->plan);
  return tsr__aligned(out->workspace_bytes, 1, "a workspace", &out->workspace);
}

static tsr_status race_models(const tsr__contestant both[2], tsr__model_latency *out) {
  tsr__race_options options = {.min_rounds = ROUNDS, .min_seconds = MODEL_SECONDS};
  tsr__race_result result;
  double ms[2] = {0, 0};
  TSR_TRY(tsr__race(both, 2, &options, &result));
  tsr_status status = medians(&result, ms);
  if (status == TSR_OK) status = tsr__race_speedup(&result, 1, 0, &out->speedup);
  tsr__race_release(&result);
  if (status != TSR_OK) return status;
  out->dense_ms = ms[0];
  out->ms = ms[1];
  return TSR_OK;
}

tsr_status tsr__latency_model(tsr__latency *latency, const double *sparsities,
                              tsr__model_latency *out) {
  tsr__model_run pruned = {0};
  tsr_status status = plan_model(latency, sparsities, &pruned);
  if (status == TSR_OK) {
    const tsr__contestant both[] = {{"dense", tsr__model_run_execute, &latency->dense, NULL, 0},
                                    {"pruned", tsr__model_run_execute, &pruned, NULL, 0}};
    status = race_models(both, out);
  }
  tsr__model_run_release(&pruned);
  return status;
}

static tsr_status fill(tsr__latency *l) {
  char path[TSR__PATH_MAX];
  TSR_TRY(tsr_hardware_detect(&l->hardware));
  TSR_TRY(tsr__cli_load_tuning(&l->hardware, path, &l->tuning));
  TSR_TRY(tsr_model_load(l->run->checkpoint, &l->model));
  TSR_TRY(
      tsr__model_input_create(tsr_model_get_info(l->model), 1, l->rule->target->tokens, &l->input));
  return plan_model(l, NULL, &l->dense);
}

tsr_status tsr__latency_open(const tsr__prune_rule *rule, const tsr__calibrated_run *run,
                             float *const *values, tsr__latency **out) {
  tsr__latency *l;
  TSR_TRY(tsr__calloc(1, sizeof *l, "latencies", &l));
  l->rule = rule;
  l->run = run;
  l->values = values;
  tsr_status status = fill(l);
  if (status == TSR_OK)
    *out = l;
  else
    tsr__latency_close(l);
  return status;
}

void tsr__latency_close(tsr__latency *latency) {
  if (!latency) return;
  tsr__model_run_release(&latency->dense);
  tsr__model_input_release(&latency->input);
  tsr_model_destroy(latency->model);
  tsr_tuning_destroy(latency->tuning);
  free(latency);
}
