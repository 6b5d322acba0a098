#include "runtime/model/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"

enum { NAME_MAX_BYTES = 160 };

/* ---- from a checkpoint ---- */

/* Older checkpoints spell LayerNorm's weight and bias like TensorFlow did. */
static const char *const old_spellings[][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                               {"LayerNorm.bias", "LayerNorm.beta"}};

static const tsr_tensor *find(const tsr__weights *self, const char *name) {
  char full[NAME_MAX_BYTES];
  snprintf(full, sizeof full, "%s%s", self->prefix, name);
  const tsr_tensor *tensor = tsr_checkpoint_find(self->checkpoint, full);
  for (int i = 0; !tensor && i < 2; i++) {
    char *at = strstr(full, old_spellings[i][0]);
    if (!at) continue;
    snprintf(at, sizeof full - (size_t)(at - full), "%s", old_spellings[i][1]);
    tensor = tsr_checkpoint_find(self->checkpoint, full);
  }
  return tensor;
}

/* A tensor of exactly rows x cols elements: [rows, cols], or [cols] if rows is 1. */
static tsr_status find_sized(const tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                             const tsr_tensor **out) {
  const tsr_tensor *tensor = *out = find(self, name);
  TSR_CHECK(tensor, TSR_NOT_FOUND, "%s: there is no tensor '%s%s'",
            tsr_checkpoint_folder(self->checkpoint), self->prefix, name);
  int fits = tensor->ndim == 2 ? tensor->shape[0] == rows && tensor->shape[1] == cols
                               : tensor->ndim == 1 && rows == 1 && tensor->shape[0] == cols;
  TSR_CHECK(fits, TSR_MALFORMED,
            "%s: tensor '%s' has %d dimensions, %lld x %lld, but config.json makes it %lld x %lld",
            tensor->file, tensor->name, tensor->ndim,
            (long long)(tensor->ndim > 0 ? tensor->shape[0] : 1),
            (long long)(tensor->ndim > 1 ? tensor->shape[1] : 1), (long long)rows, (long long)cols);
  return TSR_OK;
}

static tsr_status load_matrix(tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                              tsr_packed *out) {
  char full[NAME_MAX_BYTES];
  snprintf(full, sizeof full, "%s%s", self->prefix, name);
  TSR_TRY(tsr_packed_load(self->checkpoint, full, out));
  if (out->rows == rows && out->cols == cols) return TSR_OK;
  tsr_status status = tsr__error(
      TSR_MALFORMED, "%s: weight '%s' is %lld x %lld, but config.json makes it %lld x %lld",
      tsr_checkpoint_folder(self->checkpoint), full, (long long)out->rows, (long long)out->cols,
      (long long)rows, (long long)cols);
  tsr_packed_release(out);
  return status;
}

static tsr_status check_filters(const tsr_tensor *tensor, int64_t filters, int64_t channels,
                                int64_t kernel) {
  const int64_t *shape = tensor->shape;
  TSR_CHECK(
      (!filters || shape[0] == filters) && shape[1] == channels && shape[2] == kernel &&
          shape[3] == kernel,
      TSR_MALFORMED,
      "%s: tensor '%s' is %lld x %lld x %lld x %lld, but the model has %lld channels of %lld x "
      "%lld there, and %lld filters (0: any number)",
      tensor->file, tensor->name, (long long)shape[0], (long long)shape[1], (long long)shape[2],
      (long long)shape[3], (long long)channels, (long long)kernel, (long long)kernel,
      (long long)filters);
  return TSR_OK;
}

static tsr_status load_filters(tsr__weights *self, const char *name, int64_t filters, int64_t usual,
                               int64_t channels, int64_t kernel, tsr_packed *out) {
  char full[NAME_MAX_BYTES];
  const tsr_tensor *tensor = find(self, name);
  (void)usual;
  if (tensor && tensor->ndim == 4) TSR_TRY(check_filters(tensor, filters, channels, kernel));
  snprintf(full, sizeof full, "%s%s", self->prefix, name);
  if (filters) return load_matrix(self, name, filters, kernel * kernel * channels, out);
  TSR_TRY(tsr_packed_load(self->checkpoint, full, out));
  if (out->cols == kernel * kernel * channels) return TSR_OK;
  tsr_status status =
      tsr__error(TSR_MALFORMED, "%s: weight '%s' is %lld x %lld, but its input has %lld channels",
                 tsr_checkpoint_folder(self->checkpoint), full, (long long)out->rows,
                 (long long)out->cols, (long long)channels);
  tsr_packed_release(out);
  return status;
}

static tsr_status load_table(tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                             const void **out, tsr_dtype *dtype) {
  const tsr_tensor *tensor;
  TSR_TRY(find_sized(self, name, rows, cols, &tensor));
  *out = tensor->data;
  *dtype = tensor->dtype;
  return TSR_OK;
}

static tsr_status load_floats(tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                              float initial, const float **out) {
  (void)initial;
  const tsr_tensor *tensor;
  TSR_TRY(find_sized(self, name, rows, cols, &tensor));
  if (tensor->dtype == TSR_DTYPE_F32 && (uintptr_t)tensor->data % sizeof(float) == 0) {
    *out = tensor->data;
    return TSR_OK;
  }
  float *values;
  TSR_TRY(tsr__model_floats(self->model, rows, cols, tensor->name, &values));
  *out = values;
  return tsr_tensor_to_f32(tensor, values, (uint64_t)(rows * cols));
}

tsr__weights tsr__weights_of(const tsr_checkpoint *checkpoint, const char *prefix,
                             tsr_model *model) {
  return (tsr__weights){.matrix = load_matrix,
                        .filters = load_filters,
                        .table = load_table,
                        .floats = load_floats,
                        .model = model,
                        .checkpoint = checkpoint,
                        .prefix = prefix};
}

/* ---- random ---- */

static uint64_t next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* Nearly normal with a deviation of 0.02, as BERT is initialised: the sum of the four 16-bit parts
 * of one random number, each with a variance of 2^32 / 12. */
static void fill_random(uint64_t *state, float *out, int64_t count) {
  const float scale = 0.02f / 37837.227f; /* sqrt(4 x 2^32 / 12) */
  const int32_t mean = 2 * 65535;
  uint64_t s = *state;
  for (int64_t i = 0; i < count; i++) {
    uint64_t r = next(&s);
    int32_t sum = (int32_t)((r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48));
    out[i] = (float)(sum - mean) * scale;
  }
  *state = s;
}

static tsr_status random_floats(tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                                float initial, const float **out) {
  float *values;
  TSR_TRY(tsr__model_floats(self->model, rows, cols, name, &values));
  *out = values;
  if (isnan(initial))
    fill_random(&self->state, values, rows * cols);
  else
    for (int64_t i = 0; i < rows * cols; i++) values[i] = initial;
  return TSR_OK;
}

static tsr_status random_table(tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                               const void **out, tsr_dtype *dtype) {
  float *values;
  TSR_TRY(tsr__model_floats(self->model, rows, cols, name, &values));
  fill_random(&self->state, values, rows * cols);
  *out = values;
  *dtype = TSR_DTYPE_F32;
  return TSR_OK;
}

static tsr_status random_matrix(tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                                tsr_packed *out) {
  const void *values;
  tsr_dtype dtype;
  TSR_TRY(random_table(self, name, rows, cols, &values, &dtype));
  *out = (tsr_packed){.format = TSR_FORMAT_DENSE,
                      .dtype = dtype,
                      .rows = rows,
                      .cols = cols,
                      .stored = rows * cols,
                      .values = values};
  return TSR_OK;
}

/* Owned by the packed matrix, which a BatchNorm replaces. */
static tsr_status random_filters(tsr__weights *self, const char *name, int64_t filters,
                                 int64_t usual, int64_t channels, int64_t kernel, tsr_packed *out) {
  int64_t cols = kernel * kernel * channels;
  if (!filters) filters = usual;
  float *values;
  TSR_TRY(tsr__aligned((size_t)(filters * cols), sizeof *values, name, &values));
  fill_random(&self->state, values, filters * cols);
  *out = (tsr_packed){.format = TSR_FORMAT_DENSE,
                      .dtype = TSR_DTYPE_F32,
                      .rows = filters,
                      .cols = cols,
                      .stored = filters * cols,
                      .values = values,
                      .owned = values};
  return TSR_OK;
}

tsr__weights tsr__weights_random(uint64_t seed, tsr_model *model) {
  /* Spread, so that neighbouring seeds give unlike models; a state of 0 would stay 0. */
  uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15u;
  return (tsr__weights){.matrix = random_matrix,
                        .filters = random_filters,
                        .table = random_table,
                        .floats = random_floats,
                        .model = model,
                        .prefix = "",
                        .state = state ? state : 1};
}
