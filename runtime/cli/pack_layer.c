#include "runtime/cli/pack_layer.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "runtime/cli/parallel.h"
#include "runtime/cli/weights.h"
#include "runtime/format/conv_order.h"

/* Copies the elements as dtype; both types are F32, F16 or BF16. */
static tsr_status convert_plainly(const tsr_tensor *tensor, tsr_dtype dtype, void *out,
                                  size_t elements) {
  if (tensor->dtype == dtype) {
    if (tensor->bytes) memcpy(out, tensor->data, tensor->bytes);
    return TSR_OK;
  }
  float *wide;
  TSR_TRY(tsr__aligned(elements, sizeof *wide, tensor->name, &wide));
  tsr_status status = tsr_tensor_to_f32(tensor, wide, elements);
  if (status == TSR_OK) tsr__from_f32(wide, dtype, out, elements);
  free(wide);
  return status;
}

/* The same, filters in the order of the matrix. */
static tsr_status convert(const tsr_tensor *tensor, tsr_dtype dtype, void *out, size_t elements) {
  if (!tsr__is_conv(tensor)) return convert_plainly(tensor, dtype, out, elements);
  size_t bytes = (size_t)tsr_dtype_bits(dtype) / 8;
  void *weight;
  TSR_TRY(tsr__aligned(elements, bytes, tensor->name, &weight));
  tsr_status status = convert_plainly(tensor, dtype, weight, elements);
  if (status == TSR_OK) tsr__conv_to_matrix(weight, bytes, tensor->shape, out);
  free(weight);
  return status;
}

/* dense: the weight, its zeros all +0.0. */
static tsr_status pack(const tsr__pack_rule *rule, const tsr_matrix *dense,
                       tsr__pack_layer *layer) {
  double sparsity;
  layer->pattern = rule->pattern;
  if (rule->recognise) TSR_TRY(tsr_recognise(dense, &layer->pattern, &sparsity));
  tsr_format format = rule->choose_format ? tsr_pattern_format(&layer->pattern) : rule->format;
  return tsr_pack(dense, format, &layer->pattern, &layer->packed);
}

typedef struct pack_work {
  const tsr__pack_rule *rule;
  tsr__pack_layer *layers;
} pack_work;

void tsr__pack_layer_release(tsr__pack_layer *layer) {
  tsr_packed_release(&layer->packed);
  free(layer->filters);
  *layer = (tsr__pack_layer){0};
}

/* Filters without structure stay a tensor of their own shape. */
static tsr_status keep_filters(tsr__pack_layer *layer) {
  const tsr_tensor *tensor = layer->tensor;
  const tsr_packed *packed = &layer->packed;
  if (!tsr__is_conv(tensor) || packed->format != TSR_FORMAT_DENSE) return TSR_OK;
  size_t bytes = (size_t)tsr_dtype_bits(packed->dtype) / 8;
  TSR_TRY(tsr__aligned((size_t)packed->stored, bytes, tensor->name, &layer->filters));
  tsr__conv_from_matrix(packed->values, bytes, tensor->shape, layer->filters);
  return TSR_OK;
}

static tsr_status pack_tensor(const tsr__pack_rule *rule, tsr__pack_layer *layer) {
  const tsr_tensor *tensor = layer->tensor;
  tsr_dtype dtype = rule->dtype == TSR_DTYPE_COUNT ? tensor->dtype : rule->dtype;
  int64_t rows = tsr__matrix_rows(tensor), cols = tsr__matrix_cols(tensor), elements = rows * cols;
  void *data;
  TSR_TRY(tsr__aligned((size_t)elements, (size_t)tsr_dtype_bits(dtype) / 8, tensor->name, &data));
  tsr_status status = convert(tensor, dtype, data, (size_t)elements);
  if (status == TSR_OK) {
    tsr_canonical_zeros(data, dtype, elements);
    tsr_matrix dense = {data, dtype, rows, cols, cols};
    status = pack(rule, &dense, layer);
  }
  free(data);
  return status == TSR_OK ? keep_filters(layer) : status;
}

static tsr_status pack_item(void *user, size_t index) {
  pack_work *work = user;
  tsr__pack_layer *layer = &work->layers[index];
  tsr_status status = pack_tensor(work->rule, layer);
  return status == TSR_OK ? status : tsr__error_prefix(status, "%.160s", layer->tensor->name);
}

tsr_status tsr__pack_layers(const tsr__pack_rule *rule, int threads,
                            const tsr_tensor *const *tensors, size_t count, tsr__pack_layer **out) {
  tsr__pack_layer *layers;
  TSR_TRY(tsr__calloc(count, sizeof *layers, "the layers", &layers));
  *out = layers;
  for (size_t i = 0; i < count; i++) layers[i].tensor = tensors[i];
  pack_work work = {rule, layers};
  return tsr__parallel("packing", threads, count, pack_item, &work);
}
