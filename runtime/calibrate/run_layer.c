/* One layer on one side of a calibration. It is planned only now, so that it computes with what the
 * visit has left. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/run.h"

float *tsr__calibrate_slot(const tsr__calibrate_run *run, const tsr__calibrate_side *side,
                           int32_t slot) {
  return slot == TSR__NO_SLOT ? NULL : (float *)(side->memory + run->slots[slot]);
}

static tsr_status want_scratch(tsr__calibrate_run *run, size_t bytes) {
  if (bytes <= run->scratch_bytes) return TSR_OK;
  free(run->scratch);
  run->scratch_bytes = 0;
  TSR_TRY(tsr__aligned(bytes, 1, "the calibration's workspace", &run->scratch));
  run->scratch_bytes = bytes;
  return TSR_OK;
}

tsr_status tsr__calibrate_rows(const tsr__calibrate_run *run, const tsr__layer *layer,
                               int64_t *rows) {
  *rows = run->own.model->slots[layer->input].per_sequence ? run->sequences : run->tokens;
  if (layer->kind != TSR_LAYER_CONV2D) return TSR_OK;
  const tsr_conv_shape *s = &layer->as.conv2d.shape;
  int64_t pixels = tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1);
  TSR_CHECK(tsr__mul_i64(*rows, pixels, rows), TSR_UNSUPPORTED_SHAPE,
            "%s: %lld images of %lld output pixels", layer->name, (long long)*rows,
            (long long)pixels);
  return TSR_OK;
}

/* What the layer reads and writes. */
static tsr_linear_io io_of(const tsr__calibrate_run *run, const tsr__calibrate_side *side,
                           const tsr__layer *layer, int64_t rows) {
  const tsr__slot *slots = side->model->slots;
  tsr_linear_io io = {.tokens = rows,
                      .x = tsr__calibrate_slot(run, side, layer->input),
                      .ldx = slots[layer->input].width,
                      .residual = tsr__calibrate_slot(run, side, layer->residual),
                      .ldr = layer->residual == TSR__NO_SLOT ? 0 : slots[layer->residual].width,
                      .y = tsr__calibrate_slot(run, side, layer->output) + layer->output_column,
                      .ldy = slots[layer->output].width};
  if (layer->kind == TSR_LAYER_CONV2D) { /* pixels lie without gaps, whatever the slot's width */
    io.ldx = layer->as.conv2d.shape.channels;
    io.ldr = io.ldy = layer->as.conv2d.linear.weight.rows;
  }
  return io;
}

tsr_status tsr__calibrate_execute(tsr__calibrate_run *run, const tsr_linear *linear,
                                  const tsr_linear_io *io) {
  tsr_plan_options options = {.backend = TSR_BACKEND_CPU,
                              .max_tokens = io->tokens,
                              .threads = run->options->threads,
                              .hardware = &run->hardware};
  tsr_linear_plan *plan;
  TSR_TRY(tsr_linear_plan_create(linear, &options, &plan));
  tsr_status status = want_scratch(run, tsr_linear_plan_workspace_bytes(plan));
  if (status == TSR_OK) status = tsr_linear_execute(plan, io, run->scratch, run->scratch_bytes);
  tsr_linear_plan_destroy(plan);
  return status;
}

static tsr_status run_planned(tsr__calibrate_run *run, const tsr__calibrate_side *side,
                              tsr__layer *layer) {
  int64_t rows;
  TSR_TRY(tsr__calibrate_rows(run, layer, &rows));
  tsr_linear_io io = io_of(run, side, layer, rows);
  return tsr__calibrate_execute(run, tsr__layer_linear(layer), &io);
}

static tsr_status run_other(tsr__calibrate_run *run, const tsr__calibrate_side *side,
                            const tsr__layer *layer) {
  const tsr__layer_ops *ops = tsr__layer_ops_of(layer->kind);
  if (ops->check) TSR_TRY(ops->check(layer, run->batch));
  TSR_TRY(want_scratch(run, ops->workspace_bytes ? ops->workspace_bytes(layer, &run->limits) : 0));
  tsr__layer_io io = {.batch = run->batch,
                      .images = run->sequences,
                      .x = tsr__calibrate_slot(run, side, layer->input),
                      .y = tsr__calibrate_slot(run, side, layer->output),
                      .workspace = run->scratch,
                      .limits = &run->limits};
  ops->run(layer, &io);
  return TSR_OK;
}

tsr_status tsr__calibrate_layer(tsr__calibrate_run *run, const tsr__calibrate_side *side,
                                size_t index) {
  tsr__layer *layer = &side->model->layers[index];
  return tsr__layer_is_planned(layer) ? run_planned(run, side, layer) : run_other(run, side, layer);
}

/* ---- moments of the output ---- */

/* Two passes: what is left of a nearly constant output is not lost in rounding. */
static void find_moments(const float *y, int64_t rows, int64_t width, int32_t threads,
                         double *means, double *variances) {
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t c = 0; c < width; c++) {
    double sum = 0, squares = 0;
    for (int64_t r = 0; r < rows; r++) sum += (double)y[r * width + c];
    means[c] = sum / (double)rows;
    for (int64_t r = 0; r < rows; r++) {
      double away = (double)y[r * width + c] - means[c];
      squares += away * away;
    }
    variances[c] = squares / (double)rows;
  }
}

tsr_status tsr__calibrate_plain(tsr__calibrate_run *run, const tsr__calibrate_side *side,
                                size_t index, int64_t *rows, float **y) {
  tsr__layer *layer = &side->model->layers[index];
  tsr_linear plain = *tsr__layer_linear(layer);
  int64_t width = plain.weight.rows, count;
  plain.activation = TSR_ACTIVATION_NONE;
  TSR_TRY(tsr__calibrate_rows(run, layer, rows));
  TSR_CHECK(tsr__mul_i64(*rows, width, &count), TSR_UNSUPPORTED_SHAPE,
            "%s: an output of %lld x %lld", layer->name, (long long)*rows, (long long)width);
  TSR_TRY(tsr__aligned((size_t)count, sizeof **y, "a layer's output", y));
  tsr_linear_io io = io_of(run, side, layer, *rows);
  io.residual = NULL;
  io.ldr = 0;
  io.y = *y;
  io.ldy = width;
  tsr_status status = tsr__calibrate_execute(run, &plain, &io);
  if (status == TSR_OK) return TSR_OK;
  free(*y);
  *y = NULL;
  return status;
}

tsr_status tsr__calibrate_moments(tsr__calibrate_run *run, const tsr__calibrate_side *side,
                                  size_t index, double *means, double *variances) {
  int64_t rows, width = tsr__layer_linear(&side->model->layers[index])->weight.rows;
  float *y;
  TSR_TRY(tsr__calibrate_plain(run, side, index, &rows, &y));
  find_moments(y, rows, width, run->options->threads, means, variances);
  free(y);
  return TSR_OK;
}
