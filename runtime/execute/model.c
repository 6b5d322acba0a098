#include "runtime/execute/model.h"

#include <math.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/model_plan.h"
#include "tessera/execute.h"

static tsr_status check_batch(const tsr_model_plan *plan, const tsr_batch *batch) {
  const tsr__layer_limits *limits = &plan->limits;
  TSR_CHECK(batch->offsets && batch->ids, TSR_INVALID_ARGUMENT,
            "tsr_model_execute: offsets or ids is NULL");
  TSR_CHECK(batch->sequences >= 1 && batch->sequences <= limits->max_batch, TSR_INVALID_ARGUMENT,
            "the batch has %lld sequences, planned for 1 to %lld", (long long)batch->sequences,
            (long long)limits->max_batch);
  TSR_CHECK(batch->offsets[0] == 0, TSR_INVALID_ARGUMENT, "the first offset is %lld, not 0",
            (long long)batch->offsets[0]);
  for (int64_t s = 0; s < batch->sequences; s++) {
    int64_t first = batch->offsets[s], end = batch->offsets[s + 1];
    TSR_CHECK(end > first, TSR_INVALID_ARGUMENT, "sequence %lld is empty: offsets %lld, %lld",
              (long long)s, (long long)first, (long long)end);
    TSR_CHECK(end <= limits->max_tokens, TSR_INVALID_ARGUMENT,
              "sequence %lld ends at token %lld, planned for %lld in all", (long long)s,
              (long long)end, (long long)limits->max_tokens);
    TSR_CHECK(end - first <= limits->max_seq, TSR_INVALID_ARGUMENT,
              "sequence %lld has %lld tokens, planned for %lld", (long long)s,
              (long long)(end - first), (long long)limits->max_seq);
  }
  return TSR_OK;
}

static tsr_status check_layers(const tsr_model *model, const tsr_batch *batch) {
  for (size_t i = 0; i < model->layer_count; i++) {
    const tsr__layer_ops *ops = tsr__layer_ops_of(model->layers[i].kind);
    if (ops->check) TSR_TRY(ops->check(&model->layers[i], batch));
  }
  return TSR_OK;
}

tsr_status tsr__model_execute_check(const tsr_model_plan *plan, const tsr_batch *batch,
                                    const void *workspace, size_t workspace_bytes) {
  TSR_TRY(check_batch(plan, batch));
  TSR_CHECK(workspace && workspace_bytes >= plan->workspace_bytes, TSR_INVALID_ARGUMENT,
            "the workspace has %zu bytes, %zu are needed", workspace ? workspace_bytes : 0,
            plan->workspace_bytes);
  TSR_CHECK((uintptr_t)workspace % TSR__CACHE_LINE == 0, TSR_INVALID_ARGUMENT,
            "the workspace is not aligned to %d bytes", TSR__CACHE_LINE);
  return check_layers(plan->model, batch);
}

static float *slot_at(const tsr_model_plan *plan, void *workspace, int32_t slot) {
  return slot == TSR__NO_SLOT ? NULL : (float *)((char *)workspace + plan->slot_offsets[slot]);
}

static tsr_status run_linear(const tsr_model_plan *plan, size_t index, const tsr_batch *batch,
                             void *workspace) {
  const tsr__layer *layer = &plan->model->layers[index];
  const tsr__slot *slots = plan->model->slots;
  tsr_linear_io io = {.tokens = batch->offsets[batch->sequences],
                      .x = slot_at(plan, workspace, layer->input),
                      .ldx = slots[layer->input].width,
                      .y = slot_at(plan, workspace, layer->output) + layer->output_column,
                      .ldy = slots[layer->output].width};
  if (layer->residual != TSR__NO_SLOT) {
    io.residual = slot_at(plan, workspace, layer->residual);
    io.ldr = slots[layer->residual].width;
  }
  return tsr_linear_execute(plan->linear[index], &io, (char *)workspace + plan->slot_bytes,
                            plan->workspace_bytes - plan->slot_bytes);
}

static tsr_status run_layer(const tsr_model_plan *plan, size_t index, const tsr_batch *batch,
                            void *workspace) {
  if (plan->linear[index]) return run_linear(plan, index, batch, workspace);
  const tsr__layer *layer = &plan->model->layers[index];
  tsr__layer_io io = {.batch = batch,
                      .x = slot_at(plan, workspace, layer->input),
                      .y = slot_at(plan, workspace, layer->output),
                      .workspace = (char *)workspace + plan->slot_bytes,
                      .limits = &plan->limits};
  tsr__layer_ops_of(layer->kind)->run(layer, &io);
  return TSR_OK;
}

/* To length 1; a vector of zeros stays one. */
static void normalise(float *x, int64_t width) {
  double squares = 0;
  for (int64_t i = 0; i < width; i++) squares += (double)x[i] * (double)x[i];
  double factor = squares > 0 ? 1 / sqrt(squares) : 1;
  for (int64_t i = 0; i < width; i++) x[i] = (float)(x[i] * factor);
}

static void hand_out(const tsr_model_plan *plan, const tsr_batch *batch, const tsr_output *output,
                     void *workspace) {
  const tsr_model *model = plan->model;
  if (output->hidden) {
    size_t floats = (size_t)(batch->offsets[batch->sequences] * model->info.hidden);
    memcpy(output->hidden, slot_at(plan, workspace, model->hidden_slot), floats * sizeof(float));
  }
  if (!output->embedding) return;
  size_t floats = (size_t)(batch->sequences * model->info.hidden);
  memcpy(output->embedding, slot_at(plan, workspace, model->pooled_slot), floats * sizeof(float));
  for (int64_t s = 0; output->normalise && s < batch->sequences; s++)
    normalise(output->embedding + s * model->info.hidden, model->info.hidden);
}

tsr_status tsr_model_execute(const tsr_model_plan *plan, const tsr_batch *batch,
                             const tsr_output *output, void *workspace, size_t workspace_bytes) {
  TSR_CHECK(plan && batch && output, TSR_INVALID_ARGUMENT, "tsr_model_execute: NULL argument");
  TSR_TRY(tsr__model_execute_check(plan, batch, workspace, workspace_bytes));
  if (plan->cuda) return tsr__cuda_model_execute(plan->cuda, batch, output, workspace);
  for (size_t i = 0; i < plan->model->layer_count; i++)
    TSR_TRY(run_layer(plan, i, batch, workspace));
  hand_out(plan, batch, output, workspace);
  return TSR_OK;
}
