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

/* Values that stay keep their bits. */
static tsr_status change(const tsr_tensor *tensor, const tsr__prune_layer *layer, int shifts,
                         tsr__changed_vector *out) {
  size_t size = (size_t)tsr_dtype_bits(tensor->dtype) / 8;
  int64_t rows = tensor->shape[0];
  float *values;
  TSR_TRY(tsr__aligned(tensor->bytes, 1, tensor->name, &out->data));
  out->tensor = tensor;
  memcpy(out->data, tensor->data, tensor->bytes);
  TSR_TRY(tsr__aligned((size_t)rows, sizeof *values, tensor->name, &values));
  tsr_status status = tsr_tensor_to_f32(tensor, values, (uint64_t)rows);
  for (int64_t r = 0; status == TSR_OK && r < rows; r++) {
    double shift = shifts && layer->shift ? layer->shift[r] : 0;
    float value = is_silent(layer, r) ? 0 : (float)((double)values[r] + shift);
    if (is_silent(layer, r) || shift != 0)
      tsr__from_f32(&value, tensor->dtype, (char *)out->data + (size_t)r * size, 1);
  }
  free(values);
  return status;
}

static tsr_status add(const tsr_tensor *tensor, const tsr__prune_layer *layer, int shifts,
                      tsr__changed_vector *vectors, size_t *count) {
  if (!tensor || tensor->ndim != 1 || tensor->shape[0] != tsr__matrix_rows(layer->tensor))
    return TSR_OK;
  return change(tensor, layer, shifts, &vectors[(*count)++]);
}

tsr_status tsr__change_vectors(const tsr_checkpoint *checkpoint, const tsr__prune_layer *layers,
                               size_t count, tsr__changed_vector **out, size_t *out_count) {
  *out_count = 0;
  TSR_TRY(tsr__calloc(2 * count, sizeof **out, "biases", out));
  for (size_t i = 0; i < count; i++) {
    const tsr__prune_layer *layer = &layers[i];
    const char *name = layer->tensor->name;
    int conv = tsr__is_conv(layer->tensor);
    if (!layer->shift && !layer->silent) continue;
    TSR_TRY(add(conv ? find_norm(checkpoint, name, "bias") : find_bias(checkpoint, name), layer, 1,
                *out, out_count));
    if (conv) TSR_TRY(add(find_norm(checkpoint, name, "weight"), layer, 0, *out, out_count));
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
