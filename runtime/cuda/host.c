#include "runtime/cuda/host.h"

#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cuda/replay.h"
#include "runtime/execute/model.h"
#include "runtime/plan/model_plan.h"

struct tsr__cuda_host {
  tsr__cuda *cuda;
  const tsr_model_plan *plan;
  tsr__cuda_replay *replay;
  /* Device memory; the last three of models of images. */
  void *workspace, *hidden, *embedding, *pixels, *logits, *probabilities;
};

static size_t row_bytes(const tsr_model_plan *plan) {
  return (size_t)plan->model->info.hidden * sizeof(float);
}

static size_t image_bytes(const tsr_model_plan *plan) {
  const tsr_model_info *info = &plan->model->info;
  return (size_t)(info->image_height * info->image_width * info->image_channels) * sizeof(float);
}

static size_t class_bytes(const tsr_model_plan *plan) {
  return (size_t)plan->model->info.classes * sizeof(float);
}

static tsr_status allocate_images(tsr__cuda_host *host) {
  const tsr_model_plan *plan = host->plan;
  size_t batch = (size_t)plan->limits.max_batch;
  TSR_TRY(tsr__cuda_alloc(host->cuda, batch * image_bytes(plan), "pixels", &host->pixels));
  TSR_TRY(tsr__cuda_alloc(host->cuda, batch * class_bytes(plan), "logits", &host->logits));
  return tsr__cuda_alloc(host->cuda, batch * class_bytes(plan), "probabilities",
                         &host->probabilities);
}

static tsr_status allocate(tsr__cuda_host *host) {
  const tsr_model_plan *plan = host->plan;
  TSR_TRY(
      tsr__cuda_alloc(host->cuda, plan->workspace_bytes, "the GPU's workspace", &host->workspace));
  if (plan->model->image_slot != TSR__NO_SLOT) return allocate_images(host);
  TSR_TRY(tsr__cuda_alloc(host->cuda, (size_t)plan->limits.max_tokens * row_bytes(plan),
                          "hidden states", &host->hidden));
  return tsr__cuda_alloc(host->cuda, (size_t)plan->limits.max_batch * row_bytes(plan), "embeddings",
                         &host->embedding);
}

tsr_status tsr__cuda_host_create(const tsr_model_plan *plan, tsr__cuda_host **out) {
  tsr__cuda_host *host;
  TSR_TRY(tsr__calloc(1, sizeof *host, "a plan", &host));
  host->plan = plan;
  host->cuda = tsr__cuda_model_context(plan->cuda);
  tsr_status status = tsr__cuda_enter(host->cuda);
  if (status == TSR_OK) {
    status = allocate(host);
    tsr__cuda_leave(host->cuda);
  }
  if (status == TSR_OK) status = tsr__cuda_replay_create(plan->cuda, &host->replay);
  if (status == TSR_OK)
    *out = host;
  else
    tsr__cuda_host_destroy(host);
  return status;
}

void tsr__cuda_host_destroy(tsr__cuda_host *host) {
  if (!host) return;
  tsr__cuda_replay_destroy(host->replay);
  if (tsr__cuda_enter(host->cuda) == TSR_OK) {
    tsr__cuda_free(host->cuda, host->workspace);
    tsr__cuda_free(host->cuda, host->hidden);
    tsr__cuda_free(host->cuda, host->embedding);
    tsr__cuda_free(host->cuda, host->pixels);
    tsr__cuda_free(host->cuda, host->logits);
    tsr__cuda_free(host->cuda, host->probabilities);
    tsr__cuda_leave(host->cuda);
  }
  free(host);
}

const tsr__cuda_replay *tsr__cuda_host_replay(const tsr__cuda_host *host) { return host->replay; }

static tsr_status run(const tsr__cuda_host *host, const tsr_batch *batch,
                      const tsr_output *output) {
  const tsr_model_plan *plan = host->plan;
  tsr_output device = {.hidden = output->hidden ? host->hidden : NULL,
                       .embedding = output->embedding ? host->embedding : NULL,
                       .normalise = output->normalise};
  TSR_TRY(tsr__model_execute_check(plan, batch, host->workspace, plan->workspace_bytes));
  TSR_TRY(tsr__cuda_replay_execute(host->replay, batch, &device, host->workspace));
  if (output->hidden)
    TSR_TRY(tsr__cuda_read(host->cuda, output->hidden, host->hidden,
                           (size_t)batch->offsets[batch->sequences] * row_bytes(plan),
                           "hidden states"));
  if (output->embedding)
    TSR_TRY(tsr__cuda_read(host->cuda, output->embedding, host->embedding,
                           (size_t)batch->sequences * row_bytes(plan), "embeddings"));
  return TSR_OK;
}

tsr_status tsr__cuda_host_execute(tsr__cuda_host *host, const tsr_batch *batch,
                                  const tsr_output *output) {
  TSR_TRY(tsr__cuda_enter(host->cuda));
  tsr_status status = run(host, batch, output);
  tsr__cuda_leave(host->cuda);
  return status;
}

static tsr_status run_images(const tsr__cuda_host *host, const tsr_image_batch *batch,
                             const tsr_image_output *output) {
  const tsr_model_plan *plan = host->plan;
  size_t images = (size_t)batch->images;
  tsr_image_batch device_batch = *batch;
  tsr_image_output device = {.logits = output->logits ? host->logits : NULL,
                             .probabilities = output->probabilities ? host->probabilities : NULL};
  TSR_TRY(tsr__image_execute_check(plan, batch, host->workspace, plan->workspace_bytes));
  TSR_TRY(tsr__cuda_write(host->cuda, host->pixels, batch->pixels, images * image_bytes(plan),
                          "pixels"));
  device_batch.pixels = host->pixels;
  TSR_TRY(tsr__cuda_replay_execute_images(host->replay, &device_batch, &device, host->workspace));
  if (output->logits)
    TSR_TRY(tsr__cuda_read(host->cuda, output->logits, host->logits, images * class_bytes(plan),
                           "logits"));
  if (output->probabilities)
    TSR_TRY(tsr__cuda_read(host->cuda, output->probabilities, host->probabilities,
                           images * class_bytes(plan), "probabilities"));
  return TSR_OK;
}

tsr_status tsr__cuda_host_execute_images(tsr__cuda_host *host, const tsr_image_batch *batch,
                                         const tsr_image_output *output) {
  TSR_TRY(tsr__cuda_enter(host->cuda));
  tsr_status status = run_images(host, batch, output);
  tsr__cuda_leave(host->cuda);
  return status;
}
