/* One run of the model over the calibration, layer by layer: a layer is planned only when it has
 * been visited, so that it computes with what the visit left. */
#include "tessera/calibrate.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/model_plan.h"

typedef struct calibrate_run {
  tsr_model *model;
  const tsr_batch *batch;
  int64_t tokens;
  const tsr_calibrate_options *options;
  tsr_hardware hardware;
  tsr__layer_limits limits;
  size_t slots[TSR__SLOTS_MAX]; /* offsets in memory */
  char *memory;
  void *scratch;
  size_t scratch_bytes;
  tsr_statistics *statistics; /* of slot `known`, or NULL */
  int32_t known;
} calibrate_run;

static int64_t longest(const tsr_batch *batch) {
  int64_t most = 0;
  for (int64_t s = 0; s < batch->sequences; s++)
    if (batch->offsets[s + 1] - batch->offsets[s] > most)
      most = batch->offsets[s + 1] - batch->offsets[s];
  return most;
}

static tsr_status prepare(calibrate_run *run) {
  TSR_TRY(tsr_hardware_detect(&run->hardware));
  run->limits = (tsr__layer_limits){.max_tokens = run->tokens,
                                    .max_batch = run->batch->sequences,
                                    .max_seq = longest(run->batch),
                                    .threads = run->options->threads,
                                    .kernels = tsr__best_layer_kernels(&run->hardware)};
  TSR_CHECK(run->limits.max_seq <= run->model->info.max_positions, TSR_INVALID_ARGUMENT,
            "tsr_calibrate: a sequence has %lld tokens, the model %lld positions",
            (long long)run->limits.max_seq, (long long)run->model->info.max_positions);
  size_t bytes;
  TSR_TRY(tsr__slots_place(run->model, TSR_BACKEND_CPU, run->tokens, run->batch->sequences,
                           run->slots, &bytes));
  return tsr__aligned(bytes, 1, "the calibration's activations", &run->memory);
}

static float *slot_at(const calibrate_run *run, int32_t slot) {
  return slot == TSR__NO_SLOT ? NULL : (float *)(run->memory + run->slots[slot]);
}

static tsr_status want_scratch(calibrate_run *run, size_t bytes) {
  if (bytes <= run->scratch_bytes) return TSR_OK;
  free(run->scratch);
  run->scratch_bytes = 0;
  TSR_TRY(tsr__aligned(bytes, 1, "the calibration's workspace", &run->scratch));
  run->scratch_bytes = bytes;
  return TSR_OK;
}

static tsr_status execute(calibrate_run *run, const tsr__layer *layer,
                          const tsr_linear_plan *plan) {
  size_t bytes = tsr_linear_plan_workspace_bytes(plan);
  TSR_TRY(want_scratch(run, bytes));
  const tsr__slot *slots = run->model->slots;
  tsr_linear_io io = {.tokens = run->tokens,
                      .x = slot_at(run, layer->input),
                      .ldx = slots[layer->input].width,
                      .residual = slot_at(run, layer->residual),
                      .ldr = layer->residual == TSR__NO_SLOT ? 0 : slots[layer->residual].width,
                      .y = slot_at(run, layer->output) + layer->output_column,
                      .ldy = slots[layer->output].width};
  return tsr_linear_execute(plan, &io, run->scratch, run->scratch_bytes);
}

static tsr_status run_linear(calibrate_run *run, const tsr__layer *layer) {
  tsr_plan_options options = {.backend = TSR_BACKEND_CPU,
                              .max_tokens = run->tokens,
                              .threads = run->options->threads,
                              .hardware = &run->hardware};
  tsr_linear_plan *plan;
  TSR_TRY(tsr_linear_plan_create(&layer->as.linear, &options, &plan));
  tsr_status status = execute(run, layer, plan);
  tsr_linear_plan_destroy(plan);
  return status;
}

static tsr_status run_other(calibrate_run *run, const tsr__layer *layer) {
  const tsr__layer_ops *ops = tsr__layer_ops_of(layer->kind);
  if (ops->check) TSR_TRY(ops->check(layer, run->batch));
  TSR_TRY(want_scratch(run, ops->workspace_bytes ? ops->workspace_bytes(layer, &run->limits) : 0));
  tsr__layer_io io = {.batch = run->batch,
                      .x = slot_at(run, layer->input),
                      .y = slot_at(run, layer->output),
                      .workspace = run->scratch,
                      .limits = &run->limits};
  ops->run(layer, &io);
  return TSR_OK;
}

static void forget(calibrate_run *run) {
  tsr_statistics_destroy(run->statistics);
  run->statistics = NULL;
  run->known = TSR__NO_SLOT;
}

static tsr_status visit(calibrate_run *run, size_t index) {
  const tsr__layer *layer = &run->model->layers[index];
  if (run->known != layer->input) {
    forget(run);
    int64_t width = run->model->slots[layer->input].width;
    TSR_TRY(tsr_statistics_create(width, run->options->statistics, &run->statistics));
    TSR_TRY(tsr_statistics_add(run->statistics, slot_at(run, layer->input), run->tokens, width,
                               run->options->threads));
    run->known = layer->input;
  }
  return run->options->visit(run->options->user, index, run->statistics);
}

static tsr_status run_layer(calibrate_run *run, size_t index) {
  tsr__layer *layer = &run->model->layers[index];
  int linear = layer->kind == TSR_LAYER_LINEAR;
  if (linear && run->options->chosen[index]) {
    tsr_status status = visit(run, index);
    if (status != TSR_OK) return tsr__error_prefix(status, "%s", layer->name);
  }
  if (layer->output == run->known) forget(run);
  return linear ? run_linear(run, layer) : run_other(run, layer);
}

/* What comes after the last layer to be visited need not be computed. */
static size_t layers_to_run(const calibrate_run *run) {
  size_t end = run->model->layer_count;
  while (end && !run->options->chosen[end - 1]) end--;
  return end;
}

static tsr_status check(const tsr_model *model, const tsr_calibration *calibration,
                        const tsr_calibrate_options *options) {
  TSR_CHECK(model && calibration && options && options->chosen && options->visit,
            TSR_INVALID_ARGUMENT, "tsr_calibrate: NULL argument");
  TSR_CHECK(options->threads >= 1, TSR_INVALID_ARGUMENT, "tsr_calibrate: %d threads",
            (int)options->threads);
  for (size_t i = 0; i < model->layer_count; i++)
    TSR_CHECK(!options->chosen[i] || model->layers[i].kind == TSR_LAYER_LINEAR,
              TSR_INVALID_ARGUMENT, "tsr_calibrate: layer '%s' is not linear",
              model->layers[i].name);
  return TSR_OK;
}

tsr_status tsr_calibrate(tsr_model *model, const tsr_calibration *calibration,
                         const tsr_calibrate_options *options) {
  TSR_TRY(check(model, calibration, options));
  const tsr_batch *batch = tsr_calibration_batch(calibration);
  calibrate_run run = {.model = model,
                       .batch = batch,
                       .tokens = batch->offsets[batch->sequences],
                       .options = options,
                       .known = TSR__NO_SLOT};
  tsr_status status = prepare(&run);
  size_t end = layers_to_run(&run);
  for (size_t i = 0; i < end && status == TSR_OK; i++) status = run_layer(&run, i);
  forget(&run);
  free(run.scratch);
  free(run.memory);
  return status;
}
