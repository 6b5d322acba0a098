#include "runtime/base/status.h"
#include "runtime/cuda/linear.h"
#include "runtime/cuda/model.h"
#include "runtime/cuda/model_parts.h"
#include "runtime/cuda/nvtx.h"
#include "runtime/plan/linear_plan.h"

char *tsr__cuda_slot(const tsr__cuda_execution *e, int32_t slot) {
  return slot == TSR__NO_SLOT ? NULL : e->workspace + e->model->slot_offsets[slot];
}

/* Of tokens and vectors; a layer of images knows its pixels. */
static int64_t slot_ld(const tsr__cuda_execution *e, int32_t slot) {
  return slot == TSR__NO_SLOT ? 0 : tsr__cuda_row(e->model->model->slots[slot].width);
}

static tsr_status run_linear(const tsr__cuda_execution *e, size_t index) {
  const tsr__layer *layer = &e->model->model->layers[index];
  tsr__layer_images images;
  tsr__cuda_linear_io io = {
      .tokens = e->io.tokens,
      .x = tsr__cuda_slot(e, layer->input),
      .ldx = slot_ld(e, layer->input),
      .residual = tsr__cuda_slot(e, layer->residual),
      .ldr = slot_ld(e, layer->residual),
      .y = tsr__cuda_slot(e, layer->output) + layer->output_column * (int64_t)sizeof(uint16_t),
      .ldy = slot_ld(e, layer->output),
      .scratch = e->workspace + e->model->scratch_at,
      .stream = e->io.stream};
  if (tsr__layer_images_of(layer, &images)) {
    io.tokens = (int32_t)(e->io.sequences * images.out_pixels);
    io.ldx = tsr__cuda_row(images.in_channels);
    io.ldy = io.ldr = tsr__cuda_row(images.out_channels);
  }
  return tsr__cuda_linear_multiply(e->model->linear[index]->cuda, &io);
}

static tsr_status run_layer(const tsr__cuda_execution *e, size_t index) {
  const tsr__cuda_model *m = e->model;
  const tsr__layer *layer = &m->model->layers[index];
  if (m->linear[index]) return run_linear(e, index);
  int is_result = layer->output == e->result_slot;
  if (is_result && !e->result) return TSR_OK;
  tsr__cuda_layer_io io = e->io;
  io.x = tsr__cuda_slot(e, layer->input);
  io.ldx = slot_ld(e, layer->input);
  io.y = is_result ? (void *)e->result : tsr__cuda_slot(e, layer->output);
  io.ldy = slot_ld(e, layer->output);
  return m->layers[index].ops->run(m->cuda, &m->layers[index], &io);
}

tsr_status tsr__cuda_run_layers(const tsr__cuda_execution *e) {
  const tsr_model *model = e->model->model;
  for (size_t i = 0; i < model->layer_count; i++) {
    tsr__nvtx_push(model->layers[i].name);
    tsr_status status = run_layer(e, i);
    tsr__nvtx_pop();
    TSR_TRY(status);
  }
  return TSR_OK;
}

tsr_status tsr__cuda_hand_out(const tsr__cuda_execution *e, int32_t slot, int32_t rows, float *to,
                              const char *what) {
  const tsr__cuda_model *m = e->model;
  if (!to) return TSR_OK;
  int32_t width = (int32_t)m->model->slots[slot].width;
  tsr_cuda_convert_args args = {.x = tsr__cuda_slot(e, slot),
                                .y = to,
                                .ldx = slot_ld(e, slot),
                                .ldy = width,
                                .n = rows,
                                .width = width,
                                .padded = width};
  tsr_cuda_launch launch = tsr__cuda_convert_launch(&args);
  return tsr__cuda_launch(m->cuda, &m->to_f32, &launch, &args, e->io.stream, what);
}
