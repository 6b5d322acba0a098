/* One run of the model over the calibration, layer by layer: a layer is planned only when it has
 * been visited, so that it computes with what the visit left. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/calibration.h"
#include "runtime/calibrate/conv_rows.h"
#include "runtime/plan/model_plan.h"

typedef struct calibrate_run {
  tsr_model *model;
  const tsr_calibration *calibration;
  const tsr_batch *batch; /* of a model of images: NULL */
  int64_t tokens, sequences;
  const tsr_calibrate_options *options;
  size_t first; /* layer that is run: states are what the first linear one reads */
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
  const tsr_batch *batch = run->batch;
  TSR_TRY(tsr_hardware_detect(&run->hardware));
  run->tokens = batch ? batch->offsets[batch->sequences] : 1;
  run->sequences = batch ? batch->sequences : tsr_calibration_images(run->calibration)->images;
  run->limits = (tsr__layer_limits){.max_tokens = run->tokens,
                                    .max_batch = run->sequences,
                                    .max_seq = batch ? longest(batch) : 1,
                                    .threads = run->options->threads,
                                    .kernels = tsr__best_layer_kernels(&run->hardware)};
  TSR_CHECK(!batch || !batch->ids || run->limits.max_seq <= run->model->info.max_positions,
            TSR_INVALID_ARGUMENT,
            "tsr_calibrate: a sequence has %lld tokens, the model %lld positions",
            (long long)run->limits.max_seq, (long long)run->model->info.max_positions);
  size_t bytes;
  TSR_TRY(tsr__slots_place(run->model, TSR_BACKEND_CPU, run->tokens, run->sequences, run->slots,
                           &bytes));
  return tsr__aligned(bytes, 1, "the calibration's activations", &run->memory);
}

static float *slot_at(const calibrate_run *run, int32_t slot) {
  return slot == TSR__NO_SLOT ? NULL : (float *)(run->memory + run->slots[slot]);
}

/* Pixels and hidden states lie where the layers find them. */
static void fill(calibrate_run *run) {
  const tsr_calibration *c = run->calibration;
  const tsr_model *model = run->model;
  if (!c->values) return;
  while (c->width && run->first < model->layer_count &&
         model->layers[run->first].kind != TSR_LAYER_LINEAR)
    run->first++;
  int32_t slot = c->width ? model->hidden_slot : model->image_slot;
  int64_t rows = c->width ? run->tokens : run->sequences;
  memcpy(slot_at(run, slot), c->values,
         (size_t)(rows * model->slots[slot].width) * sizeof *c->values);
}

static tsr_status want_scratch(calibrate_run *run, size_t bytes) {
  if (bytes <= run->scratch_bytes) return TSR_OK;
  free(run->scratch);
  run->scratch_bytes = 0;
  TSR_TRY(tsr__aligned(bytes, 1, "the calibration's workspace", &run->scratch));
  run->scratch_bytes = bytes;
  return TSR_OK;
}

/* Rows of what the layer computes: tokens, or output pixels. */
static tsr_status rows_of(const calibrate_run *run, const tsr__layer *layer, int64_t *rows) {
  *rows = run->model->slots[layer->input].per_sequence ? run->sequences : run->tokens;
  if (layer->kind != TSR_LAYER_CONV2D) return TSR_OK;
  const tsr_conv_shape *s = &layer->as.conv2d.shape;
  int64_t pixels = tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1);
  TSR_CHECK(tsr__mul_i64(*rows, pixels, rows), TSR_UNSUPPORTED_SHAPE,
            "%s: %lld images of %lld output pixels", layer->name, (long long)*rows,
            (long long)pixels);
  return TSR_OK;
}

static tsr_status execute(calibrate_run *run, const tsr__layer *layer, int64_t rows,
                          const tsr_linear_plan *plan) {
  size_t bytes = tsr_linear_plan_workspace_bytes(plan);
  TSR_TRY(want_scratch(run, bytes));
  const tsr__slot *slots = run->model->slots;
  tsr_linear_io io = {.tokens = rows,
                      .x = slot_at(run, layer->input),
                      .ldx = slots[layer->input].width,
                      .residual = slot_at(run, layer->residual),
                      .ldr = layer->residual == TSR__NO_SLOT ? 0 : slots[layer->residual].width,
                      .y = slot_at(run, layer->output) + layer->output_column,
                      .ldy = slots[layer->output].width};
  if (layer->kind == TSR_LAYER_CONV2D) { /* pixels lie without gaps, whatever the slot's width */
    io.ldx = layer->as.conv2d.shape.channels;
    io.ldr = io.ldy = layer->as.conv2d.linear.weight.rows;
  }
  return tsr_linear_execute(plan, &io, run->scratch, run->scratch_bytes);
}

static tsr_status run_planned(calibrate_run *run, tsr__layer *layer) {
  tsr_plan_options options = {
      .backend = TSR_BACKEND_CPU, .threads = run->options->threads, .hardware = &run->hardware};
  tsr_linear_plan *plan;
  TSR_TRY(rows_of(run, layer, &options.max_tokens));
  TSR_TRY(tsr_linear_plan_create(tsr__layer_linear(layer), &options, &plan));
  tsr_status status = execute(run, layer, options.max_tokens, plan);
  tsr_linear_plan_destroy(plan);
  return status;
}

static tsr_status run_other(calibrate_run *run, const tsr__layer *layer) {
  const tsr__layer_ops *ops = tsr__layer_ops_of(layer->kind);
  if (ops->check) TSR_TRY(ops->check(layer, run->batch));
  TSR_TRY(want_scratch(run, ops->workspace_bytes ? ops->workspace_bytes(layer, &run->limits) : 0));
  tsr__layer_io io = {.batch = run->batch,
                      .images = run->sequences,
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

static tsr_status gather_statistics(calibrate_run *run, const tsr__layer *layer) {
  const tsr_calibrate_options *o = run->options;
  const float *x = slot_at(run, layer->input);
  int64_t rows, width = run->model->slots[layer->input].width;
  TSR_TRY(rows_of(run, layer, &rows));
  if (layer->kind == TSR_LAYER_CONV2D) {
    TSR_TRY(tsr_statistics_create(layer->as.conv2d.linear.weight.cols, o->statistics,
                                  &run->statistics));
    return tsr__statistics_add_conv(run->statistics, &layer->as.conv2d.shape, x, run->sequences,
                                    o->threads);
  }
  TSR_TRY(tsr_statistics_create(width, o->statistics, &run->statistics));
  return tsr_statistics_add(run->statistics, x, rows, width, o->threads);
}

/* Convolutions that read the same see it through kernels of their own. */
static tsr_status visit(calibrate_run *run, size_t index) {
  const tsr__layer *layer = &run->model->layers[index];
  int conv = layer->kind == TSR_LAYER_CONV2D;
  if (run->known != layer->input || conv) {
    forget(run);
    TSR_TRY(gather_statistics(run, layer));
    if (!conv) run->known = layer->input;
  }
  return run->options->visit(run->options->user, index, run->statistics);
}

static tsr_status run_layer(calibrate_run *run, size_t index) {
  tsr__layer *layer = &run->model->layers[index];
  if (run->options->chosen[index]) {
    tsr_status status = visit(run, index);
    if (status != TSR_OK) return tsr__error_prefix(status, "%s", layer->name);
  }
  if (layer->output == run->known) forget(run);
  return tsr__layer_is_planned(layer) ? run_planned(run, layer) : run_other(run, layer);
}

/* What comes after the last layer to be visited need not be computed. */
static size_t layers_to_run(const calibrate_run *run) {
  size_t end = run->model->layer_count;
  while (end && !run->options->chosen[end - 1]) end--;
  return end;
}

static tsr_status check_input(const tsr_model *model, const tsr_calibration *calibration) {
  const tsr_image_batch *images = tsr_calibration_images(calibration);
  const tsr_model_info *info = &model->info;
  TSR_CHECK(!images == (model->image_slot == TSR__NO_SLOT), TSR_INVALID_ARGUMENT,
            "tsr_calibrate: %s takes %s", info->name,
            images ? "text, not images" : "images, not text");
  TSR_CHECK(
      !images || (images->height == info->image_height && images->width == info->image_width &&
                  images->channels == info->image_channels),
      TSR_UNSUPPORTED_SHAPE,
      "tsr_calibrate: images of %lld x %lld x %lld, %s takes %lld x %lld x %lld",
      (long long)images->height, (long long)images->width, (long long)images->channels, info->name,
      (long long)info->image_height, (long long)info->image_width, (long long)info->image_channels);
  TSR_CHECK(!calibration->width || calibration->width == info->hidden, TSR_UNSUPPORTED_SHAPE,
            "tsr_calibrate: hidden states of %lld values, %s has %lld",
            (long long)calibration->width, info->name, (long long)info->hidden);
  return TSR_OK;
}

static tsr_status check(const tsr_model *model, const tsr_calibration *calibration,
                        const tsr_calibrate_options *options) {
  TSR_CHECK(model && calibration && options && options->chosen && options->visit,
            TSR_INVALID_ARGUMENT, "tsr_calibrate: NULL argument");
  TSR_CHECK(options->threads >= 1, TSR_INVALID_ARGUMENT, "tsr_calibrate: %d threads",
            (int)options->threads);
  for (size_t i = 0; i < model->layer_count; i++)
    TSR_CHECK(!options->chosen[i] || tsr__layer_is_planned(&model->layers[i]), TSR_INVALID_ARGUMENT,
              "tsr_calibrate: layer '%s' is neither linear nor a convolution of one group",
              model->layers[i].name);
  return check_input(model, calibration);
}

tsr_status tsr_calibrate(tsr_model *model, const tsr_calibration *calibration,
                         const tsr_calibrate_options *options) {
  TSR_TRY(check(model, calibration, options));
  calibrate_run run = {.model = model,
                       .calibration = calibration,
                       .batch = tsr_calibration_batch(calibration),
                       .options = options,
                       .known = TSR__NO_SLOT};
  tsr_status status = prepare(&run);
  if (status == TSR_OK) fill(&run);
  size_t end = layers_to_run(&run);
  for (size_t i = run.first; i < end && status == TSR_OK; i++) status = run_layer(&run, i);
  forget(&run);
  free(run.scratch);
  free(run.memory);
  return status;
}
