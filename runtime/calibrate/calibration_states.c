/* Hidden states as the input of a calibration: what the first layer of an encoder reads. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/calibration.h"
#include "runtime/calibrate/sample.h"
#include "runtime/model/model.h"

typedef struct states {
  int64_t tokens;
  float *values; /* [tokens, width]; owned */
} states;

typedef struct draw {
  int64_t width, max_tokens;
  tsr__reservoir reservoir;
  states *items; /* [reservoir.capacity] */
  int64_t count;
} draw;

static tsr_status take(draw *d, int64_t place, const float *values, int64_t tokens) {
  states *item = &d->items[place];
  if (tokens > d->max_tokens) tokens = d->max_tokens;
  size_t floats = (size_t)(tokens * d->width);
  free(item->values);
  *item = (states){0};
  TSR_TRY(tsr__aligned(floats, sizeof *values, "the calibration's states", &item->values));
  memcpy(item->values, values, floats * sizeof *values);
  item->tokens = tokens;
  if (place == d->count) d->count++;
  return TSR_OK;
}

static tsr_status draw_array(draw *d, const char *path, const tsr__float_array *array) {
  const int64_t *dims = array->dims;
  int several = array->ndim == 3;
  TSR_CHECK(array->ndim == 2 || several, TSR_UNSUPPORTED_SHAPE,
            "%s: %d dimensions; hidden states are [tokens, width] or [sequences, tokens, width]",
            path, array->ndim);
  int64_t sequences = several ? dims[0] : 1, tokens = dims[several], width = dims[several + 1];
  TSR_CHECK(width == d->width, TSR_UNSUPPORTED_SHAPE,
            "%s: hidden states of %lld values, the model's have %lld", path, (long long)width,
            (long long)d->width);
  for (int64_t s = 0; s < sequences && tokens > 0; s++) {
    int64_t place = tsr__reservoir_offer(&d->reservoir);
    if (place >= 0) TSR_TRY(take(d, place, array->values + s * tokens * width, tokens));
  }
  return TSR_OK;
}

static tsr_status draw_files(draw *d, const char *const *paths, size_t count) {
  for (size_t i = 0; i < count; i++) {
    tsr__float_array array;
    TSR_TRY(tsr__float_array_read(paths[i], &array));
    tsr_status status = draw_array(d, paths[i], &array);
    tsr__float_array_release(&array);
    if (status != TSR_OK) return status;
  }
  TSR_CHECK(d->count, TSR_INVALID_ARGUMENT, "%s: no hidden state to calibrate with", paths[0]);
  return TSR_OK;
}

static tsr_status join(const draw *d, tsr_calibration *c) {
  int64_t tokens = 0;
  tsr__hash hash = tsr__hash_begin();
  TSR_TRY(tsr__calloc((size_t)d->count + 1, sizeof *c->offsets, "the calibration", &c->offsets));
  for (int64_t s = 0; s < d->count; s++) c->offsets[s + 1] = tokens += d->items[s].tokens;
  TSR_TRY(tsr__aligned((size_t)(tokens * d->width), sizeof *c->values, "the calibration's states",
                       &c->values));
  for (int64_t s = 0; s < d->count; s++) {
    int64_t floats = d->items[s].tokens * d->width;
    memcpy(c->values + c->offsets[s] * d->width, d->items[s].values,
           (size_t)floats * sizeof *c->values);
    tsr__hash_word(&hash, (uint32_t)d->items[s].tokens);
    tsr__hash_floats(&hash, d->items[s].values, floats);
  }
  tsr__hash_text(&hash, c->hash);
  c->width = d->width;
  c->batch = (tsr_batch){.sequences = d->count, .offsets = c->offsets};
  return TSR_OK;
}

static tsr_status read(draw *d, const char *const *paths, size_t count, tsr_calibration **out) {
  TSR_TRY(
      tsr__calloc((size_t)d->reservoir.capacity, sizeof *d->items, "the calibration", &d->items));
  TSR_TRY(draw_files(d, paths, count));
  TSR_TRY(tsr__calloc(1, sizeof **out, "the calibration", out));
  return join(d, *out);
}

tsr_status tsr_calibration_read_states(const tsr_model *model, const char *const *paths,
                                       size_t count, const tsr_calibration_options *options,
                                       tsr_calibration **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_calibration_read_states: out is NULL");
  *out = NULL;
  TSR_CHECK(model, TSR_INVALID_ARGUMENT, "tsr_calibration_read_states: model is NULL");
  TSR_CHECK(model->hidden_slot != TSR__NO_SLOT, TSR_INVALID_ARGUMENT,
            "%s has no hidden states of tokens", model->info.name);
  TSR_TRY(tsr__calibration_check("tsr_calibration_read_states", paths, count, options));
  draw d = {.width = model->info.hidden,
            .max_tokens = options->max_tokens,
            .reservoir = {.capacity = options->samples, .state = options->seed}};
  tsr_status status = read(&d, paths, count, out);
  for (int64_t i = 0; d.items && i < d.count; i++) free(d.items[i].values);
  free(d.items);
  if (status != TSR_OK) {
    tsr_calibration_destroy(*out);
    *out = NULL;
  }
  return status;
}
