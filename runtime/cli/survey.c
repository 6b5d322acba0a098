#include "runtime/cli/survey.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/parallel.h"
#include "runtime/format/conv_order.h"

/* The share of elements whose bits, apart from the sign, are all zero. */
static double zero_share(const void *data, tsr_dtype dtype, size_t elements) {
  size_t zeros = 0;
  const unsigned char *bytes = data;
  for (size_t i = 0; i < elements; i++) {
    if (dtype == TSR_DTYPE_F32) {
      uint32_t word;
      memcpy(&word, bytes + 4 * i, 4);
      zeros += !(word & 0x7fffffff);
    } else {
      uint16_t half;
      memcpy(&half, bytes + 2 * i, 2);
      zeros += !(half & 0x7fff);
    }
  }
  return elements ? (double)zeros / (double)elements : 0;
}

static tsr_status survey_packed(const tsr_checkpoint *checkpoint, tsr__survey *s) {
  tsr_packed packed;
  TSR_TRY(tsr_packed_load(checkpoint, s->weight->name, &packed));
  s->is_matrix = s->packed = 1;
  s->dtype = packed.dtype;
  s->format = packed.format;
  s->ndim = 2;
  s->shape[0] = packed.rows;
  s->shape[1] = packed.cols;
  s->elements = (double)packed.rows * (double)packed.cols;
  s->bytes = tsr_packed_bytes(&packed);
  s->dense_bytes = (uint64_t)(s->elements * tsr_dtype_bits(packed.dtype) / 8);
  s->density = tsr_packed_density(&packed);
  /* Zeros within what is stored count too. */
  double stored_zeros = zero_share(packed.values, packed.dtype, (size_t)packed.stored);
  s->zeros = 1 - s->density * (1 - stored_zeros);
  tsr_pattern pattern = tsr_packed_pattern(&packed);
  tsr_pattern_text(&pattern, s->pattern);
  tsr_packed_release(&packed);
  return TSR_OK;
}

/* data: aligned, [rows, cols]. */
static tsr_status survey_matrix(const void *data, tsr__survey *s) {
  tsr_pattern pattern;
  double sparsity;
  int64_t rows = tsr__matrix_rows(s->weight->tensor), cols = tsr__matrix_cols(s->weight->tensor);
  tsr_matrix matrix = {data, s->dtype, rows, cols, cols};
  TSR_TRY(tsr_recognise(&matrix, &pattern, &sparsity));
  tsr_pattern_text(&pattern, s->pattern);
  s->density = pattern.kind == TSR_PATTERN_DENSE ? 1 : 1 - sparsity;
  s->zeros = zero_share(data, s->dtype, (size_t)rows * (size_t)cols);
  return TSR_OK;
}

static tsr_status survey_tensor(tsr__survey *s) {
  const tsr_tensor *tensor = s->weight->tensor;
  s->dtype = tensor->dtype;
  s->ndim = tensor->ndim;
  memcpy(s->shape, tensor->shape, sizeof s->shape);
  s->bytes = s->dense_bytes = tensor->bytes;
  s->elements = 1;
  for (int d = 0; d < s->ndim; d++) s->elements *= (double)s->shape[d];
  s->is_matrix = tsr__weight_is_matrix(s->weight);
  s->format = TSR_FORMAT_DENSE;
  if (!s->is_matrix) return TSR_OK;
  size_t align = (size_t)tsr_dtype_bits(s->dtype) / 8;
  int is_conv = tsr__is_conv(tensor);
  if (!is_conv && (uintptr_t)tensor->data % align == 0) return survey_matrix(tensor->data, s);
  void *copy;
  TSR_TRY(tsr__aligned(tensor->bytes, 1, tensor->name, &copy));
  if (is_conv)
    tsr__conv_to_matrix(tensor->data, align, tensor->shape, copy);
  else
    memcpy(copy, tensor->data, tensor->bytes);
  tsr_status status = survey_matrix(copy, s);
  free(copy);
  return status;
}

typedef struct survey_work {
  const tsr_checkpoint *checkpoint;
  const tsr__weights *weights;
  tsr__survey *survey;
} survey_work;

static tsr_status survey_item(void *user, size_t index) {
  survey_work *work = user;
  tsr__survey *s = &work->survey[index];
  s->weight = &work->weights->items[index];
  return s->weight->tensor ? survey_tensor(s) : survey_packed(work->checkpoint, s);
}

tsr_status tsr__survey_take(const tsr_checkpoint *checkpoint, const tsr__weights *weights,
                            int threads, tsr__survey *survey) {
  survey_work work = {checkpoint, weights, survey};
  return tsr__parallel("inspecting", threads, weights->count, survey_item, &work);
}

void tsr__survey_shape(const tsr__survey *survey, const char *times, char *text, size_t size) {
  size_t used = 0;
  snprintf(text, size, "scalar");
  for (int d = 0; d < survey->ndim && used < size; d++)
    used += (size_t)snprintf(text + used, size - used, "%s%lld", d ? times : "",
                             (long long)survey->shape[d]);
}
