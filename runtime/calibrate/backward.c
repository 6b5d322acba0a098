/* One run of a model of text over a calibration, and back: what each layer needs for the way back
 * is kept on the way there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/gradient.h"

typedef struct backward {
  tsr__calibrate_run *run;
  tsr__gradient_visit *visit;
  void *user;
  float **kept;      /* [layers]: a linear layer's slopes, what another one read; or NULL */
  float **gradients; /* [slots] */
  float *taken;      /* the widest output's gradient */
} backward;

static const tsr__layer *layer_of(const backward *b, size_t index) {
  return &b->run->own.model->layers[index];
}

static int64_t rows_of(const backward *b, int32_t slot) {
  return b->run->own.model->slots[slot].per_sequence ? b->run->sequences : b->run->tokens;
}

static int64_t width_of(const backward *b, int32_t slot) {
  return b->run->own.model->slots[slot].width;
}

static tsr_status allocate(backward *b) {
  const tsr_model *model = b->run->own.model;
  int64_t most = 1;
  TSR_TRY(tsr__calloc(model->layer_count, sizeof *b->kept, "gradients", &b->kept));
  TSR_TRY(tsr__calloc((size_t)model->slot_count, sizeof *b->gradients, "gradients", &b->gradients));
  for (int32_t i = 0; i < model->slot_count; i++) {
    int64_t count = rows_of(b, i) * width_of(b, i);
    if (count > most) most = count;
    TSR_TRY(tsr__calloc((size_t)count, sizeof(float), "gradients", &b->gradients[i]));
  }
  return tsr__aligned((size_t)most, sizeof *b->taken, "gradients", &b->taken);
}

static void release(backward *b) {
  const tsr_model *model = b->run->own.model;
  for (size_t i = 0; b->kept && i < model->layer_count; i++) free(b->kept[i]);
  for (int32_t i = 0; b->gradients && i < model->slot_count; i++) free(b->gradients[i]);
  free(b->kept);
  free(b->gradients);
  free(b->taken);
}

/* ---- there ---- */

static tsr_status keep_slopes(backward *b, size_t index) {
  const tsr_linear *linear = &layer_of(b, index)->as.linear;
  int64_t rows;
  if (linear->activation == TSR_ACTIVATION_NONE) return TSR_OK;
  TSR_CHECK(!linear->residual_first, TSR_UNSUPPORTED,
            "%s: gradients do not pass an activation of a sum", layer_of(b, index)->name);
  TSR_TRY(tsr__calibrate_plain(b->run, &b->run->own, index, &rows, &b->kept[index]));
  tsr__activation_slopes(linear->activation, b->kept[index], rows * linear->weight.rows,
                         b->run->options->threads);
  return TSR_OK;
}

static tsr_status keep_input(backward *b, size_t index) {
  int32_t slot = layer_of(b, index)->input;
  size_t count = (size_t)(rows_of(b, slot) * width_of(b, slot));
  TSR_TRY(tsr__aligned(count, sizeof(float), "a layer's input", &b->kept[index]));
  memcpy(b->kept[index], tsr__calibrate_slot(b->run, &b->run->own, slot), count * sizeof(float));
  return TSR_OK;
}

static tsr_status keep(backward *b, size_t index) {
  switch (layer_of(b, index)->kind) {
    case TSR_LAYER_LINEAR:
      return keep_slopes(b, index);
    case TSR_LAYER_LAYERNORM:
    case TSR_LAYER_ATTENTION:
      return keep_input(b, index);
    case TSR_LAYER_EMBEDDING:
    case TSR_LAYER_POOL:
      return TSR_OK;
    default:
      return tsr__error(TSR_UNSUPPORTED, "%s: no gradients of models of images",
                        layer_of(b, index)->name);
  }
}

static tsr_status there(backward *b) {
  for (size_t i = b->run->first; i < b->run->own.model->layer_count; i++) {
    TSR_TRY(keep(b, i));
    TSR_TRY(tsr__calibrate_layer(b->run, &b->run->own, i));
  }
  return TSR_OK;
}

/* ---- and back ---- */

/* directions: [sequences, hidden], of the embeddings e = p / |p|. */
static void begin(backward *b, const float *directions) {
  int32_t slot = b->run->own.model->pooled_slot;
  int64_t width = width_of(b, slot);
  const float *pooled = tsr__calibrate_slot(b->run, &b->run->own, slot);
  for (int64_t s = 0; s < b->run->sequences; s++) {
    const float *p = pooled + s * width, *d = directions + s * width;
    double squares = 0, along = 0;
    for (int64_t c = 0; c < width; c++) {
      squares += (double)p[c] * (double)p[c];
      along += (double)p[c] * (double)d[c];
    }
    for (int64_t c = 0; c < width && squares > 0; c++)
      b->gradients[slot][s * width + c] =
          (float)(((double)d[c] - (double)p[c] * along / squares) / sqrt(squares));
  }
}

/* The layer's output: its slot had no gradient before the layer wrote it. */
static void take(const backward *b, const tsr__layer *layer, int64_t width) {
  int64_t rows = rows_of(b, layer->output), ld = width_of(b, layer->output);
  for (int64_t r = 0; r < rows; r++) {
    float *from = b->gradients[layer->output] + r * ld + layer->output_column;
    memcpy(b->taken + r * width, from, (size_t)width * sizeof *from);
    memset(from, 0, (size_t)width * sizeof *from);
  }
}

static void add_to(float *to, const float *from, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; i++) to[i] += from[i];
}

/* *transposed: [cols, rows], the weight of the way back, to be freed. */
static tsr_status transpose(const tsr_packed *weight, float **transposed) {
  int64_t rows = weight->rows, cols = weight->cols;
  size_t count = (size_t)(rows * cols);
  float *values;
  TSR_TRY(tsr__aligned(count, sizeof *values, "a weight", &values));
  tsr_status status = tsr_unpack_f32(weight, values, cols);
  if (status == TSR_OK)
    status = tsr__aligned(count, sizeof **transposed, "a weight's transpose", transposed);
  for (int64_t r = 0; status == TSR_OK && r < rows; r++)
    for (int64_t c = 0; c < cols; c++) (*transposed)[c * rows + r] = values[r * cols + c];
  free(values);
  return status;
}

/* gx += the transposed weight times gy. */
static tsr_status multiply(const backward *b, const tsr__layer *layer) {
  const tsr_packed *weight = &layer->as.linear.weight;
  int64_t rows = rows_of(b, layer->input), width = width_of(b, layer->input);
  float *values, *gx = b->gradients[layer->input];
  TSR_TRY(transpose(weight, &values));
  tsr_linear back = {.name = layer->name,
                     .weight = {.format = TSR_FORMAT_DENSE,
                                .dtype = TSR_DTYPE_F32,
                                .rows = weight->cols,
                                .cols = weight->rows,
                                .stored = weight->rows * weight->cols,
                                .values = values}};
  tsr_linear_io io = {.tokens = rows,
                      .x = b->taken,
                      .ldx = weight->rows,
                      .residual = gx,
                      .ldr = width,
                      .y = gx,
                      .ldy = width};
  tsr_status status = tsr__calibrate_execute(b->run, &back, &io);
  free(values);
  return status;
}

static tsr_status back_linear(const backward *b, size_t index) {
  const tsr__layer *layer = layer_of(b, index);
  int64_t rows = rows_of(b, layer->output), width = layer->as.linear.weight.rows;
  take(b, layer, width);
  if (layer->residual != TSR__NO_SLOT)
    add_to(b->gradients[layer->residual], b->taken, rows * width);
  for (int64_t i = 0; b->kept[index] && i < rows * width; i++) b->taken[i] *= b->kept[index][i];
  b->visit(b->user, index, b->taken, rows, width);
  return multiply(b, layer);
}

static tsr_status back(const backward *b, size_t index) {
  const tsr__layer *layer = layer_of(b, index);
  if (layer->kind == TSR_LAYER_EMBEDDING) return TSR_OK;
  if (layer->kind == TSR_LAYER_LINEAR) return back_linear(b, index);
  take(b, layer, tsr__layer_ops_of(layer->kind)->output_width(layer));
  tsr__gradient_io io = {.batch = b->run->batch,
                         .rows = rows_of(b, layer->input),
                         .x = b->kept[index],
                         .gy = b->taken,
                         .gx = b->gradients[layer->input],
                         .x_width = width_of(b, layer->input),
                         .threads = b->run->options->threads};
  if (layer->kind == TSR_LAYER_LAYERNORM) return tsr__gradient_layernorm(layer, &io);
  if (layer->kind == TSR_LAYER_ATTENTION) return tsr__gradient_attention(layer, &io);
  return tsr__gradient_pool(layer, &io);
}

static tsr_status there_and_back(backward *b, const float *directions) {
  TSR_TRY(tsr__calibrate_open(b->run));
  TSR_TRY(allocate(b));
  TSR_TRY(there(b));
  begin(b, directions);
  for (size_t i = b->run->own.model->layer_count; i-- > b->run->first;) TSR_TRY(back(b, i));
  return TSR_OK;
}

tsr_status tsr__backward(tsr_model *model, const tsr_calibration *calibration,
                         const float *directions, int32_t threads, tsr__gradient_visit *visit,
                         void *user) {
  TSR_CHECK(model->pooled_slot != TSR__NO_SLOT && tsr_calibration_batch(calibration),
            TSR_UNSUPPORTED, "gradients need a model of text");
  tsr_calibrate_options options = {.threads = threads};
  tsr__calibrate_run run = {.own.model = model,
                            .calibration = calibration,
                            .batch = tsr_calibration_batch(calibration),
                            .options = &options,
                            .known = TSR__NO_SLOT};
  backward b = {.run = &run, .visit = visit, .user = user};
  tsr_status status = there_and_back(&b, directions);
  release(&b);
  tsr__calibrate_close(&run);
  return status;
}
