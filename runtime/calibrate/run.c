/* What a run over a calibration begins with and leaves behind. */
#include "runtime/calibrate/run.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

static int64_t longest(const tsr_batch *batch) {
  int64_t most = 0;
  for (int64_t s = 0; s < batch->sequences; s++)
    if (batch->offsets[s + 1] - batch->offsets[s] > most)
      most = batch->offsets[s + 1] - batch->offsets[s];
  return most;
}

static tsr_status prepare(tsr__calibrate_run *run) {
  const tsr_batch *batch = run->batch;
  TSR_TRY(tsr_hardware_detect(&run->hardware));
  run->tokens = batch ? batch->offsets[batch->sequences] : 1;
  run->sequences = batch ? batch->sequences : tsr_calibration_images(run->calibration)->images;
  run->limits = (tsr__layer_limits){.max_tokens = run->tokens,
                                    .max_batch = run->sequences,
                                    .max_seq = batch ? longest(batch) : 1,
                                    .threads = run->options->threads,
                                    .kernels = tsr__best_layer_kernels(&run->hardware)};
  TSR_CHECK(!batch || !batch->ids || run->limits.max_seq <= run->own.model->info.max_positions,
            TSR_INVALID_ARGUMENT,
            "tsr_calibrate: a sequence has %lld tokens, the model %lld positions",
            (long long)run->limits.max_seq, (long long)run->own.model->info.max_positions);
  size_t bytes;
  TSR_TRY(tsr__slots_place(run->own.model, TSR_BACKEND_CPU, run->tokens, run->sequences, run->slots,
                           &bytes));
  TSR_TRY(tsr__aligned(bytes, 1, "the calibration's activations", &run->own.memory));
  if (!run->reference.model) return TSR_OK;
  return tsr__aligned(bytes, 1, "the unpruned model's activations", &run->reference.memory);
}

/* Pixels and hidden states lie where the layers find them. */
static void fill(tsr__calibrate_run *run) {
  const tsr_calibration *c = run->calibration;
  const tsr_model *model = run->own.model;
  if (!c->values) return;
  while (c->width && run->first < model->layer_count &&
         model->layers[run->first].kind != TSR_LAYER_LINEAR)
    run->first++;
  int32_t slot = c->width ? model->hidden_slot : model->image_slot;
  int64_t rows = c->width ? run->tokens : run->sequences;
  size_t bytes = (size_t)(rows * model->slots[slot].width) * sizeof *c->values;
  memcpy(tsr__calibrate_slot(run, &run->own, slot), c->values, bytes);
  if (run->reference.model)
    memcpy(tsr__calibrate_slot(run, &run->reference, slot), c->values, bytes);
}

tsr_status tsr__calibrate_open(tsr__calibrate_run *run) {
  TSR_TRY(prepare(run));
  fill(run);
  return TSR_OK;
}

void tsr__calibrate_close(tsr__calibrate_run *run) {
  free(run->scratch);
  free(run->own.memory);
  free(run->reference.memory);
}
