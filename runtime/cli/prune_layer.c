#include "runtime/cli/prune_layer.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "runtime/cli/parallel.h"
#include "runtime/cli/weights.h"
#include "runtime/format/conv_order.h"

void tsr__prune_layer_release(tsr__prune_layer *layer) {
  free(layer->data == layer->values ? NULL : layer->data);
  free(layer->values);
  free(layer->scores);
  free(layer->mask);
  free(layer->factors);
  free(layer->scale);
  free(layer->shift);
  free(layer->sensitivities);
  free(layer->silent);
  free(layer->unread);
  *layer = (tsr__prune_layer){0};
}

static int64_t rows_of(const tsr__prune_layer *layer) { return tsr__matrix_rows(layer->tensor); }
static int64_t cols_of(const tsr__prune_layer *layer) { return tsr__matrix_cols(layer->tensor); }
static size_t elements_of(const tsr__prune_layer *layer) {
  return (size_t)rows_of(layer) * (size_t)cols_of(layer);
}

/* ---- between tensors and matrices ---- */

static void scale_rows(const tsr__prune_layer *layer, float *matrix) {
  int64_t cols = cols_of(layer);
  for (int64_t r = 0; layer->factors && r < rows_of(layer); r++)
    for (int64_t c = 0; c < cols; c++) matrix[r * cols + c] *= layer->factors[r];
}

/* A filter that is multiplied by 0 gives nothing, whatever its weights are: they stay 0. */
static void unscale_rows(const tsr__prune_layer *layer, float *matrix) {
  int64_t cols = cols_of(layer);
  for (int64_t r = 0; layer->factors && r < rows_of(layer); r++)
    for (int64_t c = 0; c < cols && layer->factors[r] != 0; c++)
      matrix[r * cols + c] /= layer->factors[r];
}

/* matrix: holds the tensor's values; they change their order in place. */
static tsr_status order(const tsr__prune_layer *layer,
                        void (*convert)(const void *, size_t, const int64_t *, void *),
                        float *values) {
  float *before;
  size_t bytes = elements_of(layer) * sizeof *before;
  if (!tsr__is_conv(layer->tensor)) return TSR_OK;
  TSR_TRY(tsr__aligned(bytes, 1, layer->tensor->name, &before));
  memcpy(before, values, bytes);
  convert(before, sizeof *before, layer->tensor->shape, values);
  free(before);
  return TSR_OK;
}

tsr_status tsr__prune_layer_matrix(const tsr__prune_layer *layer, float *out) {
  TSR_TRY(tsr_tensor_to_f32(layer->tensor, out, elements_of(layer)));
  TSR_TRY(order(layer, tsr__conv_to_matrix, out));
  scale_rows(layer, out);
  return TSR_OK;
}

tsr_status tsr__prune_layer_result(const tsr__prune_layer *layer, float *out) {
  tsr__to_f32(layer->data, layer->dtype, out, elements_of(layer));
  TSR_TRY(order(layer, tsr__conv_to_matrix, out));
  scale_rows(layer, out);
  return TSR_OK;
}

/* Values as float, and room for their scores and the mask. */
static tsr_status load(tsr__prune_layer *layer) {
  const tsr_tensor *tensor = layer->tensor;
  size_t elements = elements_of(layer);
  TSR_TRY(tsr__aligned(elements, sizeof(float), tensor->name, &layer->values));
  TSR_TRY(tsr__aligned(elements, sizeof(float), tensor->name, &layer->scores));
  TSR_TRY(tsr__aligned(elements, sizeof(tsr_mask), tensor->name, &layer->mask));
  return tsr__prune_layer_matrix(layer, layer->values);
}

/* ---- pruning ---- */

static tsr_status score(const tsr__prune_rule *rule, tsr__prune_layer *layer) {
  TSR_TRY(load(layer));
  return tsr_prune_scores(rule->method, layer->values, rows_of(layer), cols_of(layer),
                          layer->scores);
}

static void measure(tsr__prune_layer *layer) {
  size_t elements = elements_of(layer);
  for (size_t i = 0; i < elements; i++) {
    layer->score += (double)layer->scores[i];
    layer->kept_score += layer->mask[i] ? (double)layer->scores[i] : 0;
    layer->pruned += !layer->mask[i];
  }
}

/* A filter that goes as a row gives 0: its BatchNorm's shift goes, too. */
static tsr_status silence_filters(const tsr__prune_rule *rule, tsr__prune_layer *layer) {
  int64_t cols = cols_of(layer);
  if (rule->pattern.kind != TSR_PATTERN_ROW || !tsr__is_conv(layer->tensor) || !cols) return TSR_OK;
  if (!layer->silent)
    TSR_TRY(tsr__calloc((size_t)rows_of(layer), 1, layer->tensor->name, &layer->silent));
  for (int64_t r = 0; r < rows_of(layer); r++)
    layer->silent[r] |= !memchr(layer->mask + r * cols, 1, (size_t)cols);
  return TSR_OK;
}

tsr_status tsr__prune_layer_finish(const tsr__prune_rule *rule, tsr__prune_layer *layer) {
  int64_t rows = rows_of(layer), cols = cols_of(layer);
  size_t elements = elements_of(layer);
  TSR_TRY(tsr_mask_verify(&rule->pattern, rule->global ? -1 : layer->sparsity, layer->mask, rows,
                          cols));
  for (size_t i = 0; layer->unread && i < elements; i++)
    if (layer->unread[i % (size_t)cols]) layer->mask[i] = 0;
  TSR_TRY(silence_filters(rule, layer));
  measure(layer);
  tsr_mask_apply(layer->mask, layer->values, rows, cols);
  unscale_rows(layer, layer->values);
  TSR_TRY(order(layer, tsr__conv_from_matrix, layer->values));
  layer->dtype = rule->dtype == TSR_DTYPE_COUNT ? layer->tensor->dtype : rule->dtype;
  if (layer->dtype == TSR_DTYPE_F32) {
    layer->data = layer->values;
  } else {
    TSR_TRY(tsr__aligned(elements, sizeof(uint16_t), layer->tensor->name, &layer->data));
    tsr__from_f32(layer->values, layer->dtype, layer->data, elements);
    free(layer->values);
    layer->values = NULL;
  }
  free(layer->scores);
  free(layer->mask);
  layer->scores = NULL;
  layer->mask = NULL;
  return TSR_OK;
}

static tsr_status project(const tsr__prune_rule *rule, tsr__prune_layer *layer) {
  TSR_TRY(score(rule, layer));
  TSR_TRY(tsr_project(&rule->pattern, layer->sparsity, layer->scores, rows_of(layer),
                      cols_of(layer), layer->mask));
  return tsr__prune_layer_finish(rule, layer);
}

tsr_status tsr__prune_layer_begin(tsr__prune_layer *layer) {
  if (layer->values) return TSR_OK;
  TSR_TRY(load(layer));
  if (!layer->shift)
    TSR_TRY(tsr__calloc((size_t)rows_of(layer), sizeof *layer->shift, layer->tensor->name,
                        &layer->shift));
  return tsr_prune_scores(TSR_METHOD_MAGNITUDE_L1, layer->values, rows_of(layer), cols_of(layer),
                          layer->scores);
}

tsr_status tsr__prune_layer_choose(const tsr__prune_rule *rule, int threads,
                                   const tsr_statistics *statistics, tsr__prune_layer *layer) {
  /* A filter that goes as a row takes its shift along. */
  int rows = rule->pattern.kind == TSR_PATTERN_ROW, conv = tsr__is_conv(layer->tensor);
  tsr_prune_options options = {.method = rule->method,
                               .pattern = rule->pattern,
                               .sparsity = layer->sparsity,
                               .threads = threads,
                               .shift = rows && conv ? NULL : layer->shift,
                               .sensitivities = layer->sensitivities};
  return tsr_prune_matrix(&options, statistics, layer->values, rows_of(layer), cols_of(layer),
                          layer->mask, &layer->result);
}

tsr_status tsr__prune_layer_calibrated(const tsr__prune_rule *rule, int threads,
                                       const tsr_statistics *statistics, tsr__prune_layer *layer) {
  TSR_TRY(tsr__prune_layer_begin(layer));
  TSR_TRY(tsr__prune_layer_choose(rule, threads, statistics, layer));
  return tsr__prune_layer_finish(rule, layer);
}

/* What the parallel loops below share. */
typedef struct prune_work {
  const tsr__prune_rule *rule;
  tsr__prune_layer *layers;
  tsr_status (*step)(const tsr__prune_rule *rule, tsr__prune_layer *layer);
} prune_work;

static tsr_status step_item(void *user, size_t index) {
  prune_work *work = user;
  tsr__prune_layer *layer = &work->layers[index];
  tsr_status status = work->step(work->rule, layer);
  return status == TSR_OK ? status : tsr__error_prefix(status, "%s", layer->tensor->name);
}

static tsr_status prune_globally(prune_work *work, int threads, size_t count) {
  work->step = score;
  TSR_TRY(tsr__parallel("scoring", threads, count, step_item, work));
  tsr_project_item *items;
  TSR_TRY(tsr__calloc(count, sizeof *items, "the layers", &items));
  for (size_t i = 0; i < count; i++) {
    const tsr__prune_layer *layer = &work->layers[i];
    items[i] = (tsr_project_item){layer->scores, rows_of(layer), cols_of(layer), layer->mask};
  }
  tsr_status status = tsr_project_global(&work->rule->pattern, work->rule->sparsity, items, count);
  free(items);
  TSR_TRY(status);
  work->step = tsr__prune_layer_finish;
  return tsr__parallel("pruning", threads, count, step_item, work);
}

tsr_status tsr__prune_layers(const tsr__prune_rule *rule, int threads, tsr__prune_layer *layers,
                             size_t count) {
  prune_work work = {rule, layers, project};
  if (rule->global) return prune_globally(&work, threads, count);
  return tsr__parallel("pruning", threads, count, step_item, &work);
}
