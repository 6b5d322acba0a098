#include <string.h>

#include "runtime/base/status.h"
#include "runtime/execute/model.h"
#include "runtime/execute/run.h"
#include "tessera/execute.h"

static tsr_status check(const tsr_model_plan *plan, const tsr_image_batch *batch) {
  const tsr_model_info *info = &plan->model->info;
  TSR_CHECK(plan->model->image_slot != TSR__NO_SLOT, TSR_INVALID_ARGUMENT,
            "%s takes text, not images", info->name);
  TSR_CHECK(batch->images >= 1 && batch->images <= plan->limits.max_batch, TSR_INVALID_ARGUMENT,
            "the batch has %lld images, planned for 1 to %lld", (long long)batch->images,
            (long long)plan->limits.max_batch);
  TSR_CHECK(batch->pixels, TSR_INVALID_ARGUMENT, "tsr_model_execute_images: pixels is NULL");
  TSR_CHECK(batch->layout == TSR_IMAGE_NHWC || batch->layout == TSR_IMAGE_NCHW,
            TSR_INVALID_ARGUMENT, "tsr_model_execute_images: layout %d", (int)batch->layout);
  TSR_CHECK(batch->height == info->image_height && batch->width == info->image_width &&
                batch->channels == info->image_channels,
            TSR_UNSUPPORTED_SHAPE, "images of %lld x %lld x %lld, %s takes %lld x %lld x %lld",
            (long long)batch->height, (long long)batch->width, (long long)batch->channels,
            info->name, (long long)info->image_height, (long long)info->image_width,
            (long long)info->image_channels);
  return TSR_OK;
}

tsr_status tsr__image_execute_check(const tsr_model_plan *plan, const tsr_image_batch *batch,
                                    const void *workspace, size_t workspace_bytes) {
  TSR_TRY(check(plan, batch));
  return tsr__run_check_workspace(plan, workspace, workspace_bytes);
}

static void to_nhwc(const tsr_image_batch *batch, float *out) {
  int64_t pixels = batch->height * batch->width, channels = batch->channels;
  for (int64_t i = 0; i < batch->images; i++)
    for (int64_t c = 0; c < channels; c++)
      for (int64_t p = 0; p < pixels; p++)
        out[(i * pixels + p) * channels + c] = batch->pixels[(i * channels + c) * pixels + p];
}

static void hand_out(const tsr__run *run, int32_t slot, float *out) {
  size_t floats = (size_t)(run->sequences * run->plan->model->info.classes);
  if (out) memcpy(out, tsr__run_slot(run, slot), floats * sizeof *out);
}

tsr_status tsr_model_execute_images(const tsr_model_plan *plan, const tsr_image_batch *batch,
                                    const tsr_image_output *output, void *workspace,
                                    size_t workspace_bytes) {
  TSR_CHECK(plan && batch && output, TSR_INVALID_ARGUMENT,
            "tsr_model_execute_images: NULL argument");
  TSR_TRY(tsr__image_execute_check(plan, batch, workspace, workspace_bytes));
  if (plan->cuda) return tsr__cuda_model_execute_images(plan->cuda, batch, output, workspace);
  const tsr_model *model = plan->model;
  tsr__run run = {.plan = plan, .sequences = batch->images, .workspace = workspace};
  if (batch->layout == TSR_IMAGE_NHWC)
    run.pixels = batch->pixels;
  else
    to_nhwc(batch, tsr__run_slot(&run, model->image_slot));
  TSR_TRY(tsr__run_layers(&run));
  hand_out(&run, model->logits_slot, output->logits);
  hand_out(&run, model->probabilities_slot, output->probabilities);
  return TSR_OK;
}
