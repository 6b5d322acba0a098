/* Models of images on the GPU. Slots hold 16-bit elements, NHWC, pixels tsr__cuda_row apart. */
#include "runtime/base/status.h"
#include "runtime/cuda/model.h"
#include "runtime/cuda/model_parts.h"
#include "runtime/cuda/nvtx.h"

static tsr_status read_nhwc(const tsr__cuda_execution *e, const tsr_image_batch *batch) {
  const tsr__cuda_model *m = e->model;
  int64_t ld = tsr__cuda_row(batch->channels);
  tsr_cuda_convert_args args = {.x = batch->pixels,
                                .y = tsr__cuda_slot(e, m->model->image_slot),
                                .ldx = batch->channels,
                                .ldy = ld,
                                .n = (int32_t)(batch->images * batch->height * batch->width),
                                .width = (int32_t)batch->channels,
                                .padded = (int32_t)ld};
  tsr_cuda_launch launch = tsr__cuda_convert_launch(&args);
  return tsr__cuda_launch(m->cuda, &m->from_f32, &launch, &args, e->io.stream, "pixels");
}

static tsr_status read_nchw(const tsr__cuda_execution *e, const tsr_image_batch *batch) {
  const tsr__cuda_model *m = e->model;
  int64_t ld = tsr__cuda_row(batch->channels), pixels = batch->height * batch->width;
  tsr_cuda_nchw_args args = {.x = batch->pixels,
                             .y = tsr__cuda_slot(e, m->model->image_slot),
                             .ldy = ld,
                             .n = (int32_t)(batch->images * pixels),
                             .image_pixels = (int32_t)pixels,
                             .channels = (int32_t)batch->channels,
                             .padded = (int32_t)ld};
  tsr_cuda_launch launch = tsr__cuda_nchw_launch(&args);
  return tsr__cuda_launch(m->cuda, &m->from_nchw, &launch, &args, e->io.stream, "pixels");
}

static tsr_status run(const tsr__cuda_execution *e, const tsr_image_batch *batch,
                      const tsr_image_output *output) {
  TSR_TRY(batch->layout == TSR_IMAGE_NHWC ? read_nhwc(e, batch) : read_nchw(e, batch));
  TSR_TRY(tsr__cuda_run_layers(e));
  return tsr__cuda_hand_out(e, e->model->model->logits_slot, e->io.sequences, output->logits,
                            "logits");
}

/* Probabilities go to the caller at once. */
tsr_status tsr__cuda_model_compute_images(const tsr__cuda_model *m, const tsr_image_batch *batch,
                                          const tsr_image_output *output, void *workspace) {
  int32_t images = (int32_t)batch->images;
  tsr__cuda_execution e = {.model = m,
                           .workspace = workspace,
                           .io = {.tokens = images, .sequences = images, .stream = output->stream},
                           .result_slot = m->model->probabilities_slot,
                           .result = output->probabilities};
  tsr__nvtx_push(m->model->info.name);
  tsr_status status = run(&e, batch, output);
  tsr__nvtx_pop();
  return status;
}

tsr_status tsr__cuda_model_execute_images(const tsr__cuda_model *m, const tsr_image_batch *batch,
                                          const tsr_image_output *output, void *workspace) {
  TSR_TRY(tsr__cuda_enter(m->cuda));
  tsr_status status = tsr__cuda_model_compute_images(m, batch, output, workspace);
  tsr__cuda_leave(m->cuda);
  return status;
}
