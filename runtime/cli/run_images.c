/* Images in, classes out. Files are read one after the other and computed in batches. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/run.h"
#include "runtime/cli/run_result.h"
#include "runtime/cuda/host.h"
#include "runtime/model/model.h"

typedef struct image_job {
  const tsr__run *run;
  const tsr__run_options *options; /* the run's */
  const tsr_model_info *info;
  tsr_model_plan *plan;
  tsr__run_result result;
  const char **classes; /* [info->classes]: the model's, or numbers */
  char (*numbers)[24];  /* for classes without a name */
  float *pixels;        /* [batch, height, width, channels] */
  float *values;        /* [batch, classes]: probabilities or logits */
  tsr__cuda_host *gpu;  /* of a plan for the GPU, which uses no workspace of the host */
  void *workspace;
  size_t workspace_bytes;
} image_job;

static tsr_status name_classes(image_job *job) {
  size_t count = (size_t)job->info->classes;
  TSR_TRY(tsr__calloc(count, sizeof *job->classes, "the classes", &job->classes));
  TSR_TRY(tsr__calloc(count, sizeof *job->numbers, "the classes", &job->numbers));
  for (size_t i = 0; i < count; i++) {
    const char *name = tsr_model_class_name(job->run->opened.model, (int64_t)i);
    snprintf(job->numbers[i], sizeof job->numbers[i], "%zu", i);
    job->classes[i] = name ? name : job->numbers[i];
  }
  return TSR_OK;
}

static tsr_status open_plan(image_job *job) {
  const tsr_model_info *info = job->info;
  tsr_model_plan_options options = {.linear = tsr__run_plan_options(job->run),
                                    .max_batch = job->options->batch};
  TSR_TRY(tsr_model_plan_take(job->run->opened.model, &options, &job->plan));
  size_t image = (size_t)(info->image_height * info->image_width * info->image_channels);
  size_t batch = (size_t)job->options->batch;
  TSR_TRY(tsr__aligned(batch, image * sizeof *job->pixels, "the images", &job->pixels));
  TSR_TRY(tsr__aligned(batch, (size_t)info->classes * sizeof *job->values, "the classes",
                       &job->values));
  if (options.linear.backend == TSR_BACKEND_CUDA)
    return tsr__cuda_host_create(job->plan, &job->gpu);
  job->workspace_bytes = tsr_model_plan_workspace_bytes(job->plan);
  return tsr__aligned(job->workspace_bytes, 1, "the workspace", &job->workspace);
}

static tsr_status open_result(image_job *job) {
  const tsr__run_options *o = job->options;
  job->result = (tsr__run_result){
      .format = (tsr__run_format)o->format,
      .key = "images",
      .model = o->model,
      .width = job->info->classes,
      .classes = job->classes,
      .class_key = o->logits ? "logits" : "probabilities",
      .top = o->top,
  };
  return tsr__run_result_open(o->output, &job->result);
}

/* "shoe.png", or of a file of several images "t10k.idx[3]". */
static tsr_status write_row(image_job *job, const tsr__images *images, const char *path,
                            int64_t index, const float *values) {
  char label[4096];
  if (images->count == 1)
    snprintf(label, sizeof label, "%s", path);
  else
    snprintf(label, sizeof label, "%s[%lld]", path, (long long)index);
  return tsr__run_result_row(&job->result, values, label);
}

static tsr_status classify_batch(image_job *job, const tsr__images *images, const char *path,
                                 int64_t first, int64_t count) {
  const tsr_model_info *info = job->info;
  tsr__image_input input = tsr__model_image_input(info);
  TSR_TRY(tsr__images_to_input(images, path, first, count, &input, job->pixels));
  tsr_image_batch batch = {count,       info->image_height, info->image_width, info->image_channels,
                           job->pixels, TSR_IMAGE_NHWC};
  tsr_image_output output = {0};
  *(job->options->logits ? &output.logits : &output.probabilities) = job->values;
  TSR_TRY(job->gpu ? tsr__cuda_host_execute_images(job->gpu, &batch, &output)
                   : tsr_model_execute_images(job->plan, &batch, &output, job->workspace,
                                              job->workspace_bytes));
  for (int64_t i = 0; i < count; i++)
    TSR_TRY(write_row(job, images, path, first + i, job->values + i * info->classes));
  return TSR_OK;
}

static tsr_status classify_file(image_job *job, const char *path) {
  tsr__images images;
  TSR_TRY(tsr__images_read(path, &images));
  tsr_status status = TSR_OK;
  int64_t batch = job->options->batch;
  for (int64_t i = 0; i < images.count && status == TSR_OK; i += batch)
    status =
        classify_batch(job, &images, path, i, images.count - i < batch ? images.count - i : batch);
  tsr__images_release(&images);
  return status;
}

static tsr_status work(image_job *job) {
  TSR_TRY(name_classes(job));
  TSR_TRY(open_result(job));
  TSR_TRY(open_plan(job));
  for (size_t i = 0; i < job->options->images.count; i++)
    TSR_TRY(classify_file(job, job->options->images.items[i]));
  return tsr__run_result_commit(&job->result);
}

tsr_status tsr__run_images(const tsr__run *run) {
  image_job job = {
      .run = run, .options = run->options, .info = tsr_model_get_info(run->opened.model)};
  tsr_status status = work(&job);
  tsr__run_result_close(&job.result);
  tsr__cuda_host_destroy(job.gpu);
  tsr_model_plan_destroy(job.plan);
  free(job.classes);
  free(job.numbers);
  free(job.pixels);
  free(job.values);
  free(job.workspace);
  return status;
}
