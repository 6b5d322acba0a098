#include "runtime/execute/model.h"

#include <math.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/execute/run.h"
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
  TSR_CHECK(plan->model->image_slot == TSR__NO_SLOT, TSR_INVALID_ARGUMENT,
            "%s takes images: tsr_model_execute_images", plan->model->info.name);
  TSR_TRY(check_batch(plan, batch));
  TSR_TRY(tsr__run_check_workspace(plan, workspace, workspace_bytes));
  return check_layers(plan->model, batch);
}

/* To length 1; a vector of zeros stays one. */
static void normalise(float *x, int64_t width) {
  double squares = 0;
  for (int64_t i = 0; i < width; i++) squares += (double)x[i] * (double)x[i];
  double factor = squares > 0 ? 1 / sqrt(squares) : 1;
  for (int64_t i = 0; i < width; i++) x[i] = (float)(x[i] * factor);
}

static void hand_out(const tsr__run *run, const tsr_output *output) {
  const tsr_model *model = run->plan->model;
  const tsr_batch *batch = run->batch;
  if (output->hidden) {
    size_t floats = (size_t)(batch->offsets[batch->sequences] * model->info.hidden);
    memcpy(output->hidden, tsr__run_slot(run, model->hidden_slot), floats * sizeof(float));
  }
  if (!output->embedding) return;
  size_t floats = (size_t)(batch->sequences * model->info.hidden);
  memcpy(output->embedding, tsr__run_slot(run, model->pooled_slot), floats * sizeof(float));
  for (int64_t s = 0; output->normalise && s < batch->sequences; s++)
    normalise(output->embedding + s * model->info.hidden, model->info.hidden);
}

tsr_status tsr_model_execute(const tsr_model_plan *plan, const tsr_batch *batch,
                             const tsr_output *output, void *workspace, size_t workspace_bytes) {
  TSR_CHECK(plan && batch && output, TSR_INVALID_ARGUMENT, "tsr_model_execute: NULL argument");
  TSR_TRY(tsr__model_execute_check(plan, batch, workspace, workspace_bytes));
  if (plan->cuda) return tsr__cuda_model_execute(plan->cuda, batch, output, workspace);
  tsr__run run = {.plan = plan,
                  .batch = batch,
                  .tokens = batch->offsets[batch->sequences],
                  .sequences = batch->sequences,
                  .workspace = workspace};
  TSR_TRY(tsr__run_layers(&run));
  hand_out(&run, output);
  return TSR_OK;
}
