#include "runtime/cli/prune_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "runtime/cli/weights.h"
#include "runtime/model/resnet_norm.h"

/* "NAME.bias" for the weight "NAME.weight"; NULL if there is none. */
static const tsr_tensor *find_bias(const tsr_checkpoint *checkpoint, const char *weight) {
  static const char suffix[] = ".weight";
  char name[TSR__CHANNEL_NAME_MAX];
  size_t bytes = strlen(weight), stem = bytes - (sizeof suffix - 1);
  if (bytes < sizeof suffix || strcmp(weight + stem, suffix) != 0) return NULL;
  int length = snprintf(name, sizeof name, "%.*s.bias", (int)stem, weight);
  return length < (int)sizeof name ? tsr_checkpoint_find(checkpoint, name) : NULL;
}

static const tsr_tensor *find_norm(const tsr_checkpoint *checkpoint, const char *weight,
                                   const char *suffix) {
  char name[TSR__CHANNEL_NAME_MAX];
  if (!tsr__resnet_norm_name(weight, suffix, name)) return NULL;
  return tsr_checkpoint_find(checkpoint, name);
}

static int is_silent(const tsr__prune_layer *layer, int64_t row) {
  return layer->silent && layer->silent[row];
}

/* What a row's value becomes, unless the row is silent: times it, and plus. NULL: 1, 0. */
typedef struct vector_change {
  const double *times, *plus;
} vector_change;

/* Values that stay keep their bits. */
static tsr_status change(const tsr_tensor *tensor, const tsr__prune_layer *layer,
                         const vector_change *by, tsr__changed_vector *out) {
  size_t size = (size_t)tsr_dtype_bits(tensor->dtype) / 8;
  int64_t rows = tensor->shape[0];
  float *values;
  TSR_TRY(tsr__aligned(tensor->bytes, 1, tensor->name, &out->data));
  out->tensor = tensor;
  memcpy(out->data, tensor->data, tensor->bytes);
  TSR_TRY(tsr__aligned((size_t)rows, sizeof *values, tensor->name, &values));
  tsr_status status = tsr_tensor_to_f32(tensor, values, (uint64_t)rows);
  for (int64_t r = 0; status == TSR_OK && r < rows; r++) {
    double plus = by->plus ? by->plus[r] : 0, times = by->times ? by->times[r] : 1;
    int silent = is_silent(layer, r);
    float value = silent ? 0 : (float)((double)values[r] * times + plus);
    if (silent || plus != 0 || times != 1)
      tsr__from_f32(&value, tensor->dtype, (char *)out->data + (size_t)r * size, 1);
  }
  free(values);
  return status;
}

/* Whether the tensor has one value for every row. */
static int fits(const tsr_tensor *tensor, const tsr__prune_layer *layer) {
  return tensor && tensor->ndim == 1 && tensor->shape[0] == tsr__matrix_rows(layer->tensor);
}

static tsr_status add(const tsr_tensor *tensor, const tsr__prune_layer *layer,
                      const vector_change *by, tsr__changed_vector *vectors, size_t *count) {
  return fits(tensor, layer) ? change(tensor, layer, by, &vectors[(*count)++]) : TSR_OK;
}

/* The running mean is subtracted before the scale, so that more of it goes where that is larger.
 * *out: [rows], to be freed: what is to be added to BatchNorm's shift. */
static tsr_status norm_shift(const tsr_tensor *mean, const tsr__prune_layer *layer, double **out) {
  size_t rows = (size_t)tsr__matrix_rows(layer->tensor);
  float *means;
  TSR_TRY(tsr__calloc(rows, sizeof **out, layer->tensor->name, out));
  for (size_t r = 0; layer->shift && r < rows; r++) (*out)[r] = layer->shift[r];
  if (!layer->scale || !layer->factors || !fits(mean, layer)) return TSR_OK;
  TSR_TRY(tsr__aligned(rows, sizeof *means, mean->name, &means));
  tsr_status status = tsr_tensor_to_f32(mean, means, rows);
  for (size_t r = 0; status == TSR_OK && r < rows; r++)
    (*out)[r] += (layer->scale[r] - 1) * (double)means[r] * (double)layer->factors[r];
  free(means);
  return status;
}

static tsr_status change_norm(const tsr_checkpoint *checkpoint, const tsr__prune_layer *layer,
                              tsr__changed_vector *vectors, size_t *count) {
  const char *name = layer->tensor->name;
  double *shift = NULL;
  tsr_status status = norm_shift(find_norm(checkpoint, name, "running_mean"), layer, &shift);
  if (status == TSR_OK)
    status = add(find_norm(checkpoint, name, "bias"), layer, &(vector_change){.plus = shift},
                 vectors, count);
  free(shift);
  if (status != TSR_OK) return status;
  return add(find_norm(checkpoint, name, "weight"), layer, &(vector_change){.times = layer->scale},
             vectors, count);
}

tsr_status tsr__change_vectors(const tsr_checkpoint *checkpoint, const tsr__prune_layer *layers,
                               size_t count, tsr__changed_vector **out, size_t *out_count) {
  *out_count = 0;
  TSR_TRY(tsr__calloc(2 * count, sizeof **out, "biases", out));
  for (size_t i = 0; i < count; i++) {
    const tsr__prune_layer *layer = &layers[i];
    if (!layer->shift && !layer->silent) continue;
    if (tsr__is_conv(layer->tensor))
      TSR_TRY(change_norm(checkpoint, layer, *out, out_count));
    else
      TSR_TRY(add(find_bias(checkpoint, layer->tensor->name), layer,
                  &(vector_change){.plus = layer->shift}, *out, out_count));
  }
  return TSR_OK;
}

void tsr__changed_vectors_free(tsr__changed_vector *vectors, size_t count) {
  for (size_t i = 0; vectors && i < count; i++) free(vectors[i].data);
  free(vectors);
}

const void *tsr__changed_vector_of(const tsr__changed_vector *vectors, size_t count,
                                   const tsr_tensor *tensor) {
  for (size_t i = 0; i < count; i++)
    if (vectors[i].tensor == tensor) return vectors[i].data;
  return NULL;
}
