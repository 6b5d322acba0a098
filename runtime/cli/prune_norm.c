#include "runtime/cli/prune_norm.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/weights.h"
#include "runtime/model/resnet_norm.h"

/* Whether all values of a filter are +0.0: what was pruned is. */
static int is_zero(const tsr__prune_layer *layer, int64_t filter) {
  size_t bytes = (size_t)tsr__matrix_cols(layer->tensor) * (size_t)tsr_dtype_bits(layer->dtype) / 8;
  const unsigned char *data = (const unsigned char *)layer->data + (size_t)filter * bytes;
  for (size_t i = 0; i < bytes; i++)
    if (data[i]) return 0;
  return 1;
}

static tsr_status add(const tsr_checkpoint *checkpoint, const tsr__prune_layer *layer,
                      const char *suffix, tsr__pruned_norm *norms, size_t *count) {
  char name[TSR__CHANNEL_NAME_MAX];
  if (!tsr__resnet_norm_name(layer->tensor->name, suffix, name)) return TSR_OK;
  const tsr_tensor *tensor = tsr_checkpoint_find(checkpoint, name);
  if (!tensor || tensor->ndim != 1 || tensor->shape[0] != layer->tensor->shape[0]) return TSR_OK;
  tsr__pruned_norm *norm = &norms[*count];
  size_t size = (size_t)tsr_dtype_bits(tensor->dtype) / 8;
  TSR_TRY(tsr__aligned(tensor->bytes, 1, name, &norm->data));
  memcpy(norm->data, tensor->data, tensor->bytes);
  for (int64_t f = 0; f < tensor->shape[0]; f++)
    if (is_zero(layer, f)) memset((char *)norm->data + (size_t)f * size, 0, size);
  norm->tensor = tensor;
  (*count)++;
  return TSR_OK;
}

tsr_status tsr__prune_norms(const tsr_checkpoint *checkpoint, const tsr__prune_layer *layers,
                            size_t count, tsr__pruned_norm **out, size_t *out_count) {
  *out_count = 0;
  TSR_TRY(tsr__calloc(2 * count, sizeof **out, "BatchNorm", out));
  for (size_t i = 0; i < count; i++) {
    if (!tsr__is_conv(layers[i].tensor)) continue;
    TSR_TRY(add(checkpoint, &layers[i], "weight", *out, out_count));
    TSR_TRY(add(checkpoint, &layers[i], "bias", *out, out_count));
  }
  return TSR_OK;
}

void tsr__pruned_norms_free(tsr__pruned_norm *norms, size_t count) {
  for (size_t i = 0; norms && i < count; i++) free(norms[i].data);
  free(norms);
}

const void *tsr__pruned_norm_of(const tsr__pruned_norm *norms, size_t count,
                                const tsr_tensor *tensor) {
  for (size_t i = 0; i < count; i++)
    if (norms[i].tensor == tensor) return norms[i].data;
  return NULL;
}
