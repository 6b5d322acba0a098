/* Models of images on the GPU. Slots hold 16-bit elements, NHWC, pixels tsr__cuda_row apart. */
#include "runtime/base/status.h"
#include "runtime/cuda/linear.h"
#include "runtime/cuda/model.h"
#include "runtime/cuda/model_parts.h"
#include "runtime/cuda/nvtx.h"
#include "runtime/plan/linear_plan.h"

typedef struct execution {
  const tsr__cuda_model *model;
  const tsr_image_output *output;
  char *workspace;
  int32_t images;
} execution;

static char *slot_at(const execution *e, int32_t slot) {
  return slot == TSR__NO_SLOT ? NULL : e->workspace + e->model->slot_offsets[slot];
}

static int64_t vector_ld(const execution *e, int32_t slot) {
  return tsr__cuda_row(e->model->model->slots[slot].width);
}

/* ---- pixels in ---- */

static tsr_status read_nhwc(const execution *e, const tsr_image_batch *batch) {
  const tsr__cuda_model *m = e->model;
  int64_t ld = tsr__cuda_row(batch->channels);
  tsr_cuda_convert_args args = {.x = batch->pixels,
                                .y = slot_at(e, m->model->image_slot),
                                .ldx = batch->channels,
                                .ldy = ld,
                                .n = (int32_t)(batch->images * batch->height * batch->width),
                                .width = (int32_t)batch->channels,
                                .padded = (int32_t)ld};
  tsr_cuda_launch launch = tsr__cuda_convert_launch(&args);
  return tsr__cuda_launch(m->cuda, &m->from_f32, &launch, &args, e->output->stream, "pixels");
}

static tsr_status read_nchw(const execution *e, const tsr_image_batch *batch) {
  const tsr__cuda_model *m = e->model;
  int64_t ld = tsr__cuda_row(batch->channels), pixels = batch->height * batch->width;
  tsr_cuda_nchw_args args = {.x = batch->pixels,
                             .y = slot_at(e, m->model->image_slot),
                             .ldy = ld,
                             .n = (int32_t)(batch->images * pixels),
                             .image_pixels = (int32_t)pixels,
                             .channels = (int32_t)batch->channels,
                             .padded = (int32_t)ld};
  tsr_cuda_launch launch = tsr__cuda_nchw_launch(&args);
  return tsr__cuda_launch(m->cuda, &m->from_nchw, &launch, &args, e->output->stream, "pixels");
}

/* ---- layers ---- */

static tsr_status run_linear(const execution *e, size_t index) {
  const tsr__layer *layer = &e->model->model->layers[index];
  tsr__layer_images images;
  tsr__cuda_linear_io io = {.tokens = e->images,
                            .x = slot_at(e, layer->input),
                            .residual = slot_at(e, layer->residual),
                            .y = slot_at(e, layer->output),
                            .scratch = e->workspace + e->model->scratch_at,
                            .stream = e->output->stream};
  if (tsr__layer_images_of(layer, &images)) {
    io.tokens = (int32_t)(e->images * images.out_pixels);
    io.ldx = tsr__cuda_row(images.in_channels);
    io.ldy = io.ldr = tsr__cuda_row(images.out_channels);
  } else {
    io.ldx = vector_ld(e, layer->input);
    io.ldy = io.ldr = vector_ld(e, layer->output);
  }
  return tsr__cuda_linear_multiply(e->model->linear[index]->cuda, &io);
}

/* Probabilities go to the caller at once. */
static tsr_status run_layer(const execution *e, size_t index) {
  const tsr__cuda_model *m = e->model;
  const tsr__layer *layer = &m->model->layers[index];
  if (m->linear[index]) return run_linear(e, index);
  int last = layer->output == m->model->probabilities_slot;
  if (last && !e->output->probabilities) return TSR_OK;
  tsr__cuda_layer_io io = {.x = slot_at(e, layer->input),
                           .ldx = vector_ld(e, layer->input),
                           .y = last ? (void *)e->output->probabilities : slot_at(e, layer->output),
                           .sequences = e->images,
                           .stream = e->output->stream};
  return m->layers[index].ops->run(m->cuda, &m->layers[index], &io);
}

static tsr_status run_layers(const execution *e) {
  const tsr_model *model = e->model->model;
  for (size_t i = 0; i < model->layer_count; i++) {
    tsr__nvtx_push(model->layers[i].name);
    tsr_status status = run_layer(e, i);
    tsr__nvtx_pop();
    TSR_TRY(status);
  }
  return TSR_OK;
}

static tsr_status hand_out_logits(const execution *e) {
  const tsr__cuda_model *m = e->model;
  int32_t classes = (int32_t)m->model->info.classes;
  if (!e->output->logits) return TSR_OK;
  tsr_cuda_convert_args args = {.x = slot_at(e, m->model->logits_slot),
                                .y = e->output->logits,
                                .ldx = vector_ld(e, m->model->logits_slot),
                                .ldy = classes,
                                .n = e->images,
                                .width = classes,
                                .padded = classes};
  tsr_cuda_launch launch = tsr__cuda_convert_launch(&args);
  return tsr__cuda_launch(m->cuda, &m->to_f32, &launch, &args, e->output->stream, "logits");
}

static tsr_status run(const execution *e, const tsr_image_batch *batch) {
  TSR_TRY(batch->layout == TSR_IMAGE_NHWC ? read_nhwc(e, batch) : read_nchw(e, batch));
  TSR_TRY(run_layers(e));
  return hand_out_logits(e);
}

tsr_status tsr__cuda_model_compute_images(const tsr__cuda_model *m, const tsr_image_batch *batch,
                                          const tsr_image_output *output, void *workspace) {
  execution e = {
      .model = m, .output = output, .workspace = workspace, .images = (int32_t)batch->images};
  tsr__nvtx_push(m->model->info.name);
  tsr_status status = run(&e, batch);
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
