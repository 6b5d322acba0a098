/* Subjects that classify images. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cuda/host.h"
#include "runtime/evaluate/subject.h"
#include "runtime/model/model.h"
#include "tessera/execute.h"

/* More images at once would cost memory and gain no speed. */
enum { BATCH_IMAGES = 32 };

typedef struct classifier {
  const tsr__subject_options *options;
  const tsr_model_info *info;
  tsr__image_input input;
  tsr_model_plan *plan;
  tsr__cuda_host *gpu;    /* of a plan for the GPU, which uses no workspace of the host */
  float *pixels, *logits; /* of a batch */
  void *workspace;
  size_t workspace_bytes;
} classifier;

static tsr_status build(classifier *c) {
  const tsr_model_info *info = c->info;
  c->input = tsr__model_image_input(info);
  tsr_model_plan_options plan = {.linear = *c->options->linear, .max_batch = BATCH_IMAGES};
  TSR_TRY(tsr_model_plan_create(c->options->model, &plan, &c->plan));
  size_t image = (size_t)(info->image_height * info->image_width * info->image_channels);
  TSR_TRY(tsr__aligned(BATCH_IMAGES, image * sizeof(float), "the images", &c->pixels));
  TSR_TRY(
      tsr__aligned(BATCH_IMAGES, (size_t)info->classes * sizeof(float), "the logits", &c->logits));
  if (plan.linear.backend == TSR_BACKEND_CUDA) return tsr__cuda_host_create(c->plan, &c->gpu);
  c->workspace_bytes = tsr_model_plan_workspace_bytes(c->plan);
  return tsr__aligned(c->workspace_bytes, 1, "the workspace", &c->workspace);
}

static int32_t greatest(const float *logits, int64_t classes) {
  int64_t best = 0;
  for (int64_t i = 1; i < classes; i++)
    if (logits[i] > logits[best]) best = i;
  return (int32_t)best;
}

static tsr_status classify_batch(classifier *c, const tsr__images *images, int64_t first,
                                 int64_t count, int32_t *out) {
  const tsr_model_info *info = c->info;
  TSR_TRY(tsr__images_to_input(images, c->options->name, first, count, &c->input, c->pixels));
  tsr_image_batch batch = {count,     info->image_height, info->image_width, info->image_channels,
                           c->pixels, TSR_IMAGE_NHWC};
  tsr_image_output output = {.logits = c->logits};
  TSR_TRY(c->gpu ? tsr__cuda_host_execute_images(c->gpu, &batch, &output)
                 : tsr_model_execute_images(c->plan, &batch, &output, c->workspace,
                                            c->workspace_bytes));
  for (int64_t i = 0; i < count; i++)
    out[i] = greatest(c->logits + i * info->classes, info->classes);
  return TSR_OK;
}

static tsr_status classify(classifier *c, const tsr__images *images, const char *what,
                           int32_t *out) {
  const tsr__subject_options *o = c->options;
  TSR_TRY(build(c));
  for (int64_t i = 0; i < images->count; i += BATCH_IMAGES) {
    int64_t left = images->count - i, count = left < BATCH_IMAGES ? left : BATCH_IMAGES;
    TSR_TRY(classify_batch(c, images, i, count, out + i));
    if (o->progress) o->progress(o->progress_user, what, i + count, images->count);
  }
  return TSR_OK;
}

tsr_status tsr__subject_classify(tsr__subject *subject, const tsr__images *images, const char *what,
                                 int32_t *out) {
  classifier c = {.options = tsr__subject_of(subject)};
  c.info = tsr_model_get_info(c.options->model);
  TSR_CHECK(c.info->classes, TSR_INVALID_ARGUMENT, "%s classifies no images", c.options->name);
  tsr_status status = classify(&c, images, what, out);
  tsr__cuda_host_destroy(c.gpu);
  tsr_model_plan_destroy(c.plan);
  free(c.pixels);
  free(c.logits);
  free(c.workspace);
  return status == TSR_OK ? status : tsr__error_prefix(status, "%s", c.options->name);
}
