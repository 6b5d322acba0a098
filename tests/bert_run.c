#include "tests/bert_run.h"

#include <stdlib.h>

tsr_status bert_plan(const tsr_model *model, int64_t tokens, int64_t sequences, int64_t max_seq,
                     const tsr_hardware *hardware, int32_t threads, tsr_model_plan **out) {
  tsr_model_plan_options options = {
      .linear = {.max_tokens = tokens, .threads = threads, .hardware = hardware},
      .max_batch = sequences,
      .max_seq = max_seq};
  return tsr_model_plan_create(model, &options, out);
}

void *bert_workspace(const tsr_model_plan *plan) {
  return aligned_alloc(64, (tsr_model_plan_workspace_bytes(plan) + 63) / 64 * 64);
}

tsr_status bert_run(const tsr_model *model, const tsr_batch *batch, const tsr_output *output,
                    const tsr_hardware *hardware, int32_t threads) {
  int64_t longest = 1;
  for (int64_t s = 0; s < batch->sequences; s++) {
    int64_t length = batch->offsets[s + 1] - batch->offsets[s];
    if (length > longest) longest = length;
  }
  tsr_model_plan *plan;
  tsr_status status = bert_plan(model, batch->offsets[batch->sequences], batch->sequences, longest,
                                hardware, threads, &plan);
  if (status != TSR_OK) return status;
  void *workspace = bert_workspace(plan);
  status = tsr_model_execute(plan, batch, output, workspace, tsr_model_plan_workspace_bytes(plan));
  free(workspace);
  tsr_model_plan_destroy(plan);
  return status;
}
