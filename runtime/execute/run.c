#include "runtime/execute/run.h"

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

tsr_status tsr__run_check_workspace(const tsr_model_plan *plan, const void *workspace,
                                    size_t bytes) {
  TSR_CHECK(workspace && bytes >= plan->workspace_bytes, TSR_INVALID_ARGUMENT,
            "the workspace has %zu bytes, %zu are needed", workspace ? bytes : 0,
            plan->workspace_bytes);
  TSR_CHECK((uintptr_t)workspace % TSR__CACHE_LINE == 0, TSR_INVALID_ARGUMENT,
            "the workspace is not aligned to %d bytes", TSR__CACHE_LINE);
  return TSR_OK;
}

float *tsr__run_slot(const tsr__run *run, int32_t slot) {
  return slot == TSR__NO_SLOT ? NULL
                              : (float *)((char *)run->workspace + run->plan->slot_offsets[slot]);
}

static const float *input_at(const tsr__run *run, const tsr__layer *layer) {
  int32_t slot = layer->input;
  if (slot == run->plan->model->image_slot && run->pixels) return run->pixels;
  return tsr__run_slot(run, slot);
}

static void *scratch_of(const tsr__run *run) {
  return (char *)run->workspace + run->plan->slot_bytes;
}

static tsr_status run_linear(const tsr__run *run, size_t index) {
  const tsr_model_plan *plan = run->plan;
  const tsr__layer *layer = &plan->model->layers[index];
  const tsr__slot *slots = plan->model->slots;
  tsr_linear_io io = {.tokens = slots[layer->input].per_sequence ? run->sequences : run->tokens,
                      .x = input_at(run, layer),
                      .ldx = slots[layer->input].width,
                      .y = tsr__run_slot(run, layer->output) + layer->output_column,
                      .ldy = slots[layer->output].width,
                      .residual = tsr__run_slot(run, layer->residual)};
  if (io.residual) io.ldr = slots[layer->residual].width;
  return tsr_linear_execute(plan->linear[index], &io, scratch_of(run),
                            plan->workspace_bytes - plan->slot_bytes);
}

/* Pixels lie without gaps, whatever the slot's width. */
static tsr_status run_conv(const tsr__run *run, size_t index) {
  const tsr_model_plan *plan = run->plan;
  const tsr__layer *layer = &plan->model->layers[index];
  const tsr_conv_shape *s = &layer->as.conv2d.shape;
  int64_t pixels = tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1);
  int64_t filters = layer->as.conv2d.linear.weight.rows;
  tsr_linear_io io = {.tokens = run->sequences * pixels,
                      .x = input_at(run, layer),
                      .ldx = s->channels,
                      .y = tsr__run_slot(run, layer->output),
                      .ldy = filters,
                      .residual = tsr__run_slot(run, layer->residual),
                      .ldr = filters};
  return tsr_linear_execute(plan->linear[index], &io, scratch_of(run),
                            plan->workspace_bytes - plan->slot_bytes);
}

static tsr_status run_layer(const tsr__run *run, size_t index) {
  const tsr_model_plan *plan = run->plan;
  const tsr__layer *layer = &plan->model->layers[index];
  if (plan->linear[index])
    return layer->kind == TSR_LAYER_CONV2D ? run_conv(run, index) : run_linear(run, index);
  tsr__layer_io io = {.batch = run->batch,
                      .images = run->sequences,
                      .x = input_at(run, layer),
                      .y = tsr__run_slot(run, layer->output),
                      .workspace = scratch_of(run),
                      .limits = &plan->limits};
  tsr__layer_ops_of(layer->kind)->run(layer, &io);
  return TSR_OK;
}

tsr_status tsr__run_layers(const tsr__run *run) {
  for (size_t i = 0; i < run->plan->model->layer_count; i++) TSR_TRY(run_layer(run, i));
  return TSR_OK;
}
