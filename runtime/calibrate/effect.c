/* How far a changed model's embeddings have moved. A layer's own output error misleads: what
 * matters is what is left of it at the model's end. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/calibration.h"

struct tsr_effect {
  tsr_calibration *sample;
  int64_t width;
  int32_t threads;
  float *reference, *now; /* [sequences, width] */
};

/* What an execution needs, and no longer than that: plans hold copies of the weights. */
static tsr_status run_plan(const tsr_effect *e, const tsr_model_plan *plan, float *embeddings) {
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  void *workspace;
  TSR_TRY(tsr__aligned(bytes, 1, "the model's workspace", &workspace));
  tsr_output output = {.embedding = embeddings, .normalise = 1};
  tsr_status status =
      tsr_model_execute(plan, tsr_calibration_batch(e->sample), &output, workspace, bytes);
  free(workspace);
  return status;
}

static tsr_status embed(const tsr_effect *e, const tsr_model *model, float *embeddings) {
  const tsr_batch *batch = tsr_calibration_batch(e->sample);
  int64_t longest = 0;
  for (int64_t s = 0; s < batch->sequences; s++)
    if (batch->offsets[s + 1] - batch->offsets[s] > longest)
      longest = batch->offsets[s + 1] - batch->offsets[s];
  tsr_model_plan_options options = {.linear = {.backend = TSR_BACKEND_CPU,
                                               .max_tokens = batch->offsets[batch->sequences],
                                               .threads = e->threads},
                                    .max_batch = batch->sequences,
                                    .max_seq = longest};
  tsr_model_plan *plan;
  TSR_TRY(tsr_model_plan_create(model, &options, &plan));
  tsr_status status = run_plan(e, plan, embeddings);
  tsr_model_plan_destroy(plan);
  return status;
}

static tsr_status fill(tsr_effect *e, const tsr_model *model, const tsr_calibration *calibration,
                       int64_t sequences) {
  TSR_TRY(tsr__calibration_take(calibration, sequences, &e->sample));
  e->width = tsr_model_get_info(model)->hidden;
  size_t count = (size_t)(tsr_calibration_batch(e->sample)->sequences * e->width);
  TSR_TRY(tsr__aligned(count, sizeof(float), "embeddings", &e->reference));
  TSR_TRY(tsr__aligned(count, sizeof(float), "embeddings", &e->now));
  return embed(e, model, e->reference);
}

tsr_status tsr_effect_create(const tsr_model *model, const tsr_calibration *calibration,
                             int64_t sequences, int32_t threads, tsr_effect **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_effect_create: out is NULL");
  *out = NULL;
  TSR_CHECK(model && calibration && sequences >= 1 && threads >= 1, TSR_INVALID_ARGUMENT,
            "tsr_effect_create: NULL argument, %lld sequences or %d threads", (long long)sequences,
            (int)threads);
  TSR_CHECK(tsr_calibration_batch(calibration) && !tsr_calibration_states(calibration, NULL),
            TSR_UNSUPPORTED, "tsr_effect_create: embeddings need a calibration of text");
  tsr_effect *effect;
  TSR_TRY(tsr__calloc(1, sizeof *effect, "embeddings", &effect));
  effect->threads = threads;
  tsr_status status = fill(effect, model, calibration, sequences);
  if (status == TSR_OK)
    *out = effect;
  else
    tsr_effect_destroy(effect);
  return status;
}

void tsr_effect_destroy(tsr_effect *effect) {
  if (!effect) return;
  tsr_calibration_destroy(effect->sample);
  free(effect->reference);
  free(effect->now);
  free(effect);
}

tsr_status tsr_effect_measure(const tsr_effect *effect, const tsr_model *model, double *error) {
  TSR_CHECK(effect && model && error, TSR_INVALID_ARGUMENT, "tsr_effect_measure: NULL argument");
  TSR_CHECK(tsr_model_get_info(model)->hidden == effect->width, TSR_INVALID_ARGUMENT,
            "tsr_effect_measure: embeddings of %lld, not %lld",
            (long long)tsr_model_get_info(model)->hidden, (long long)effect->width);
  TSR_TRY(embed(effect, model, effect->now));
  int64_t sequences = tsr_calibration_batch(effect->sample)->sequences;
  double sum = 0;
  for (int64_t i = 0; i < sequences * effect->width; i++)
    sum += (double)effect->reference[i] * (double)effect->now[i];
  double away = 1 - sum / (double)sequences;
  *error = away > 0 ? away : 0;
  return TSR_OK;
}
