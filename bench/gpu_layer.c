#include "bench/gpu_layer.h"

#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "runtime/plan/linear_plan.h"

/* Rows of the activations: 16-byte aligned. */
static int64_t row_elements(int64_t width) { return (width + 7) / 8 * 8; }

/* x: host, [rows, width]. */
static tsr_status upload_x(tsr__gpu_layer *l, const float *x, int64_t rows, int64_t width) {
  int64_t ld = l->io.ldx;
  uint16_t *rounded;
  TSR_TRY(tsr__calloc((size_t)(rows * ld), sizeof *rounded, "activations", &rounded));
  for (int64_t t = 0; t < rows; t++)
    tsr__from_f32(x + t * width, l->dtype, rounded + t * ld, (uint64_t)width);
  void *device = NULL;
  tsr_status status = tsr__cuda_upload(l->cuda, rounded, (size_t)(rows * ld) * sizeof *rounded,
                                       "activations", &device);
  l->io.x = device;
  free(rounded);
  return status;
}

static tsr_status place(tsr__gpu_layer *l, const tsr_conv_shape *conv, const float *x) {
  int64_t tokens = l->io.tokens, rows = tokens, width = l->k;
  if (conv) {
    int64_t pixels = tsr_conv_output_size(conv, 0) * tsr_conv_output_size(conv, 1);
    rows = tokens / pixels * conv->height * conv->width;
    width = conv->channels;
  }
  l->io.ldx = row_elements(width);
  l->io.ldy = row_elements(l->m);
  size_t outputs = (size_t)(tokens * l->io.ldy) * sizeof(uint16_t);
  TSR_TRY(upload_x(l, x, rows, width));
  TSR_TRY(tsr__cuda_alloc(l->cuda, outputs, "outputs", &l->io.y));
  return tsr__cuda_alloc(l->cuda, tsr__cuda_linear_scratch_bytes(l->plan->cuda), "scratch",
                         &l->io.scratch);
}

tsr_status tsr__gpu_layer_create(const tsr_linear *layer, const tsr_plan_options *options,
                                 const float *x, tsr__gpu_layer *out) {
  *out = (tsr__gpu_layer){.m = layer->weight.rows, .k = layer->weight.cols};
  tsr_status status = tsr_linear_plan_create(layer, options, &out->plan);
  if (status == TSR_OK) status = tsr__cuda_open(&out->cuda);
  if (status == TSR_OK) status = tsr__cuda_enter(out->cuda);
  if (status == TSR_OK) {
    out->dtype = tsr__cuda_linear_dtype(out->plan->cuda);
    out->io.tokens = (int32_t)options->max_tokens;
    status = place(out, layer->conv, x);
    tsr__cuda_leave(out->cuda);
  }
  if (status != TSR_OK) tsr__gpu_layer_release(out);
  return status;
}

/* What was uploaded as constant is freed as what it was made as. */
static void free_x(const tsr__gpu_layer *l) {
  union {
    const void *in;
    void *out;
  } x = {.in = l->io.x};
  tsr__cuda_free(l->cuda, x.out);
}

void tsr__gpu_layer_release(tsr__gpu_layer *layer) {
  if (layer->cuda && tsr__cuda_enter(layer->cuda) == TSR_OK) {
    free_x(layer);
    tsr__cuda_free(layer->cuda, layer->io.y);
    tsr__cuda_free(layer->cuda, layer->io.scratch);
    tsr__cuda_leave(layer->cuda);
  }
  tsr_linear_plan_destroy(layer->plan);
  tsr__cuda_close(layer->cuda);
  *layer = (tsr__gpu_layer){0};
}

tsr_status tsr__gpu_layer_run(void *user) {
  const tsr__gpu_layer *l = user;
  TSR_TRY(tsr__cuda_enter(l->cuda));
  tsr_status status = tsr__cuda_linear_multiply(l->plan->cuda, &l->io);
  tsr__cuda_leave(l->cuda);
  return status;
}

tsr_status tsr__gpu_layer_read(const tsr__gpu_layer *l, float *y) {
  int64_t rows = l->io.tokens, ld = l->io.ldy;
  size_t bytes = (size_t)(rows * ld) * sizeof(uint16_t);
  uint16_t *rounded;
  TSR_TRY(tsr__calloc(1, bytes, "outputs", &rounded));
  tsr_status status = tsr__cuda_enter(l->cuda);
  if (status == TSR_OK) {
    status = tsr__cuda_read(l->cuda, rounded, l->io.y, bytes, "outputs");
    tsr__cuda_leave(l->cuda);
  }
  for (int64_t t = 0; t < rows && status == TSR_OK; t++)
    tsr__to_f32(rounded + t * ld, l->dtype, y + t * l->m, (uint64_t)l->m);
  free(rounded);
  return status;
}

tsr_status tsr__gpu_layer_round(tsr_dtype dtype, float *values, size_t count) {
  uint16_t *rounded;
  TSR_TRY(tsr__calloc(count, sizeof *rounded, "rounded values", &rounded));
  tsr__from_f32(values, dtype, rounded, count);
  tsr__to_f32(rounded, dtype, values, count);
  free(rounded);
  return TSR_OK;
}
