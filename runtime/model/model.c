#include "runtime/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/config.h"

/* ---- building ---- */

tsr_status tsr__model_create(const char *family, const char *name, tsr_model **out) {
  TSR_TRY(tsr__calloc(1, sizeof **out, "a model", out));
  (*out)->info.family = family;
  snprintf((*out)->info.name, sizeof(*out)->info.name, "%s", name);
  (*out)->hidden_slot = (*out)->pooled_slot = (*out)->image_slot = TSR__NO_SLOT;
  (*out)->logits_slot = (*out)->probabilities_slot = TSR__NO_SLOT;
  return TSR_OK;
}

tsr_status tsr__model_add_slot(tsr_model *model, int64_t width, int per_sequence, int32_t *slot) {
  TSR_CHECK(model->slot_count < TSR__SLOTS_MAX, TSR_UNSUPPORTED, "more than %d slots",
            TSR__SLOTS_MAX);
  model->slots[model->slot_count] = (tsr__slot){width, per_sequence};
  *slot = model->slot_count++;
  return TSR_OK;
}

/* *array keeps its old value on failure. */
static tsr_status reserve(void *array, size_t *capacity, size_t count, size_t size) {
  if (count < *capacity) return TSR_OK;
  void *memory;
  memcpy(&memory, array, sizeof memory);
  size_t wanted = *capacity ? 2 * *capacity : 32;
  memory = realloc(memory, wanted * size);
  TSR_CHECK(memory, TSR_OUT_OF_MEMORY, "out of memory: %zu x %zu bytes for a model", wanted, size);
  memcpy(array, &memory, sizeof memory);
  *capacity = wanted;
  return TSR_OK;
}

static int slot_exists(const tsr_model *model, int32_t slot) {
  return slot >= 0 && slot < model->slot_count;
}

/* 1 if the layer writes a row per sequence. */
static int rows_of(const tsr_model *model, const tsr__layer *layer) {
  tsr__rows rows = tsr__layer_ops_of(layer->kind)->rows;
  if (rows == TSR__ROWS_AS_INPUT) return model->slots[layer->input].per_sequence;
  return rows == TSR__ROWS_SEQUENCES;
}

static tsr_status check_layer(const tsr_model *model, const tsr__layer *layer) {
  const tsr__layer_ops *ops = tsr__layer_ops_of(layer->kind);
  TSR_CHECK(ops, TSR_INVALID_ARGUMENT, "kind %d", (int)layer->kind);
  TSR_CHECK(
      slot_exists(model, layer->output) && (ops->takes_batch || slot_exists(model, layer->input)),
      TSR_INVALID_ARGUMENT, "slots %d and %d", (int)layer->input, (int)layer->output);
  TSR_TRY(ops->validate(layer, ops->takes_batch ? 0 : model->slots[layer->input].width));
  const tsr__slot *output = &model->slots[layer->output];
  int64_t width = ops->output_width(layer);
  TSR_CHECK(layer->output_column >= 0 && width <= output->width - layer->output_column &&
                output->per_sequence == rows_of(model, layer),
            TSR_UNSUPPORTED_SHAPE, "%lld outputs do not fit a slot of %lld from column %lld",
            (long long)width, (long long)output->width, (long long)layer->output_column);
  if (layer->residual == TSR__NO_SLOT) return TSR_OK;
  TSR_CHECK(slot_exists(model, layer->residual) &&
                (output->per_sequence ? model->slots[layer->residual].width >= width
                                      : model->slots[layer->residual].width == width),
            TSR_UNSUPPORTED_SHAPE, "the residual's slot %d is not %lld wide", (int)layer->residual,
            (long long)width);
  return TSR_OK;
}

static tsr_status add_layer(tsr_model *model, const tsr__layer *layer) {
  TSR_TRY(check_layer(model, layer));
  TSR_TRY(
      reserve(&model->layers, &model->layer_capacity, model->layer_count, sizeof *model->layers));
  model->layers[model->layer_count++] = *layer;
  return TSR_OK;
}

tsr_status tsr__model_add_layer(tsr_model *model, const tsr__layer *layer) {
  tsr_status status = add_layer(model, layer);
  if (status == TSR_OK) return TSR_OK;
  tsr__layer failed = *layer;
  tsr_linear *linear = tsr__layer_linear(&failed);
  if (linear) tsr_packed_release(&linear->weight);
  return tsr__error_prefix(status, "layer '%s'", layer->name);
}

void tsr__model_seal(tsr_model *model) {
  for (size_t i = 0; i < model->layer_count; i++) {
    tsr__layer *layer = &model->layers[i];
    tsr_linear *linear = tsr__layer_linear(layer);
    if (linear) linear->name = layer->name;
    if (linear && layer->kind == TSR_LAYER_CONV2D) linear->conv = &layer->as.conv2d.shape;
  }
}

tsr_status tsr__model_floats(tsr_model *model, int64_t rows, int64_t cols, const char *what,
                             float **out) {
  int64_t count;
  TSR_CHECK(tsr__mul_i64(rows, cols, &count), TSR_UNSUPPORTED_SHAPE, "%s: %lld x %lld", what,
            (long long)rows, (long long)cols);
  TSR_TRY(reserve(&model->owned, &model->owned_capacity, model->owned_count, sizeof *model->owned));
  TSR_TRY(tsr__aligned((size_t)count, sizeof **out, what, out));
  model->owned[model->owned_count++] = *out;
  return TSR_OK;
}

/* ---- loading ---- */

#define TSR_MODEL(name) extern const tsr__model_family tsr__model_##name;
#include "runtime/model/models.inc"
#undef TSR_MODEL

static const tsr__model_family *const families[] = {
#define TSR_MODEL(name) &tsr__model_##name,
#include "runtime/model/models.inc"
#undef TSR_MODEL
};

/* The families' names, for a message. */
static void list_families(char *text, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < sizeof families / sizeof families[0] && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", families[i]->name);
}

static tsr_status find_family(const tsr_checkpoint *checkpoint, const tsr__model_family **out) {
  char type[TSR__CONFIG_STRING_MAX];
  TSR_TRY(tsr__config_string_or(checkpoint, "model_type", families[0]->name, type));
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    if (!strcmp(families[i]->name, type)) {
      *out = families[i];
      return TSR_OK;
    }
  char known[128];
  list_families(known, sizeof known);
  return tsr__error(TSR_UNSUPPORTED, "%s/config.json: 'model_type' is '%s', none of: %s",
                    tsr_checkpoint_folder(checkpoint), type, known);
}

int tsr__model_channels(const tsr_model *model, int64_t index, tsr__channels *out) {
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    if (!strcmp(families[i]->name, model->info.family))
      return families[i]->channels && families[i]->channels(model, index, out);
  return 0;
}

static const char *base_name(const char *folder) {
  const char *slash = strrchr(folder, '/');
  return slash && slash[1] ? slash + 1 : folder;
}

tsr_status tsr_model_load(const tsr_checkpoint *checkpoint, tsr_model **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_model_load: out is NULL");
  *out = NULL;
  TSR_CHECK(checkpoint, TSR_INVALID_ARGUMENT, "tsr_model_load: checkpoint is NULL");
  const tsr__model_family *family;
  TSR_TRY(find_family(checkpoint, &family));
  tsr_model *model;
  TSR_TRY(tsr__model_create(family->name, base_name(tsr_checkpoint_folder(checkpoint)), &model));
  tsr_status status = family->load(checkpoint, model);
  if (status == TSR_OK)
    *out = model;
  else
    tsr_model_destroy(model);
  return status;
}

const char *tsr_model_preset_name(size_t index) {
  for (size_t f = 0; f < sizeof families / sizeof families[0]; f++)
    for (size_t i = 0; families[f]->preset_name(i); i++)
      if (index-- == 0) return families[f]->preset_name(i);
  return NULL;
}

static const tsr__model_family *find_preset(const char *name, size_t *index) {
  const char *known;
  for (size_t f = 0; f < sizeof families / sizeof families[0]; f++)
    for (*index = 0; (known = families[f]->preset_name(*index)); ++*index)
      if (!strcmp(known, name)) return families[f];
  return NULL;
}

tsr_status tsr_model_preset(const char *name, uint64_t seed, tsr_model **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_model_preset: out is NULL");
  *out = NULL;
  TSR_CHECK(name, TSR_INVALID_ARGUMENT, "tsr_model_preset: name is NULL");
  size_t index;
  const tsr__model_family *family = find_preset(name, &index);
  TSR_CHECK(family, TSR_NOT_FOUND, "there is no preset '%s'", name);
  tsr_model *model;
  TSR_TRY(tsr__model_create(family->name, name, &model));
  tsr_status status = family->preset(index, seed, model);
  if (status == TSR_OK)
    *out = model;
  else
    tsr_model_destroy(model);
  return status;
}

void tsr_model_destroy(tsr_model *model) {
  if (!model) return;
  for (size_t i = 0; i < model->layer_count; i++) {
    tsr_linear *linear = tsr__layer_linear(&model->layers[i]);
    if (linear) tsr_packed_release(&linear->weight);
  }
  free(model->class_names);
  for (size_t i = 0; i < model->owned_count; i++) free(model->owned[i]);
  free(model->owned);
  free(model->layers);
  free(model);
}

/* ---- looking and changing ---- */

const tsr_model_info *tsr_model_get_info(const tsr_model *model) {
  return model ? &model->info : NULL;
}

const char *tsr_model_class_name(const tsr_model *model, int64_t index) {
  if (!model || !model->class_names || index < 0 || index >= model->info.classes) return NULL;
  return model->class_names[index][0] ? model->class_names[index] : NULL;
}

tsr__image_input tsr__model_image_input(const tsr_model_info *info) {
  tsr__image_input input = {info->image_height, info->image_width, info->image_channels, {0}, {0}};
  for (size_t c = 0; c < sizeof input.mean / sizeof input.mean[0]; c++) {
    input.mean[c] = info->image_mean[c];
    input.std[c] = info->image_std[c];
  }
  return input;
}

size_t tsr_model_layer_count(const tsr_model *model) { return model ? model->layer_count : 0; }

static const tsr__layer *layer_at(const tsr_model *model, size_t index) {
  return index < tsr_model_layer_count(model) ? &model->layers[index] : NULL;
}

const char *tsr_model_layer_name(const tsr_model *model, size_t index) {
  const tsr__layer *layer = layer_at(model, index);
  return layer ? layer->name : NULL;
}

tsr_layer_kind tsr_model_layer_kind(const tsr_model *model, size_t index) {
  const tsr__layer *layer = layer_at(model, index);
  return layer ? layer->kind : TSR_LAYER_COUNT;
}

const tsr_linear *tsr_model_linear(const tsr_model *model, size_t index) {
  return index < tsr_model_layer_count(model) ? tsr__layer_linear(&model->layers[index]) : NULL;
}

static tsr_status check_weight(const tsr_model *model, size_t index, const tsr_packed *weight) {
  const tsr_linear *linear = tsr_model_linear(model, index);
  TSR_CHECK(linear, TSR_INVALID_ARGUMENT, "tsr_model_set_weight: layer %zu of %zu is not linear",
            index, tsr_model_layer_count(model));
  TSR_CHECK(weight->rows == linear->weight.rows && weight->cols == linear->weight.cols,
            TSR_INVALID_ARGUMENT, "%s: the new weight is %lld x %lld, the layer %lld x %lld",
            linear->name, (long long)weight->rows, (long long)weight->cols,
            (long long)linear->weight.rows, (long long)linear->weight.cols);
  tsr_status status = tsr_packed_validate(weight);
  return status == TSR_OK ? TSR_OK : tsr__error_prefix(status, "%s", linear->name);
}

tsr_status tsr_model_set_weight(tsr_model *model, size_t index, tsr_packed *weight) {
  TSR_CHECK(weight, TSR_INVALID_ARGUMENT, "tsr_model_set_weight: weight is NULL");
  tsr_packed taken = *weight;
  weight->owned = NULL;
  tsr_status status = check_weight(model, index, &taken);
  if (status != TSR_OK) {
    tsr_packed_release(&taken);
    return status;
  }
  tsr_linear *linear = tsr__layer_linear(&model->layers[index]);
  tsr_packed_release(&linear->weight);
  linear->weight = taken;
  return TSR_OK;
}

tsr_status tsr__model_set_bias(tsr_model *model, size_t index, const float *bias) {
  tsr_linear *linear = tsr__layer_linear(&model->layers[index]);
  float *copy;
  TSR_TRY(tsr__model_floats(model, 1, linear->weight.rows, linear->name, &copy));
  memcpy(copy, bias, (size_t)linear->weight.rows * sizeof *copy);
  linear->bias = copy;
  return TSR_OK;
}

tsr_status tsr_model_set_pooling(tsr_model *model, tsr_pooling pooling) {
  TSR_CHECK(model, TSR_INVALID_ARGUMENT, "tsr_model_set_pooling: model is NULL");
  TSR_CHECK(pooling == TSR_POOLING_MEAN || pooling == TSR_POOLING_CLS, TSR_INVALID_ARGUMENT,
            "tsr_model_set_pooling: %d is no pooling", (int)pooling);
  for (size_t i = 0; i < model->layer_count; i++)
    if (model->layers[i].kind == TSR_LAYER_POOL) model->layers[i].as.pool.pooling = pooling;
  model->info.pooling = pooling;
  return TSR_OK;
}
