#include "runtime/cli/prune_calibrated.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/prune_coupled.h"
#include "runtime/cli/prune_restore.h"
#include "runtime/cli/weights.h"
#include "runtime/model/model.h"
#include "runtime/model/resnet_norm.h"
#include "runtime/prune/statistics.h"

static tsr_status read_texts(const tsr__calibrate_values *values, const char *folder,
                             const tsr_calibration_options *options, tsr_calibration **out) {
  char *path;
  tsr_tokenizer *tokenizer;
  TSR_TRY(tsr__path_join(folder, "vocab.txt", &path));
  tsr_status status = tsr_tokenizer_open(path, &tokenizer);
  free(path);
  if (status != TSR_OK) return status;
  status = tsr_calibration_read(tokenizer, values->files.items, values->files.count, options, out);
  tsr_tokenizer_close(tokenizer);
  return status;
}

static int is_npy(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot && !strcmp(dot, ".npy");
}

static tsr_status read_states(const tsr__calibrate_values *values, const tsr_model *model,
                              const tsr_calibration_options *options, tsr_calibration **out) {
  for (size_t i = 0; i < values->files.count; i++)
    TSR_CHECK(is_npy(values->files.items[i]), TSR_INVALID_ARGUMENT,
              "%s is text, %s holds hidden states", values->files.items[i], values->files.items[0]);
  return tsr_calibration_read_states(model, values->files.items, values->files.count, options, out);
}

tsr_status tsr__calibration_open(const tsr__calibrate_values *values,
                                 const tsr_checkpoint *checkpoint, tsr_calibration **out) {
  tsr_calibration_options options = {
      .samples = values->samples, .max_tokens = values->max_tokens, .seed = (uint64_t)values->seed};
  tsr_model *model;
  tsr_status status;
  TSR_TRY(tsr_model_load(checkpoint, &model));
  if (tsr_model_get_info(model)->image_height)
    status =
        tsr_calibration_read_images(model, values->files.items, values->files.count, &options, out);
  else if (is_npy(values->files.items[0]))
    status = read_states(values, model, &options, out);
  else
    status = read_texts(values, tsr_checkpoint_folder(checkpoint), &options, out);
  tsr_model_destroy(model);
  return status == TSR_OK ? status : tsr__error_prefix(status, "--calibrate");
}

typedef struct calibrated_work {
  const tsr__calibrated_run *run;
  tsr_model *model, *reference; /* reference: NULL if it is not needed */
  size_t *layer_of;             /* by the model's layer */
  uint8_t *chosen;              /* like layer_of */
  tsr__progress progress;
  int64_t done;
} calibrated_work;

/* The tensor's name is the layer's, after a prefix such as "bert.", and ".weight". */
static int names_weight_of(const char *tensor, const char *layer) {
  size_t all = strlen(tensor), stem = strlen(layer), suffix = strlen(".weight");
  if (all < stem + suffix) return 0;
  const char *at = tensor + all - suffix - stem;
  return !strcmp(at + stem, ".weight") && !memcmp(at, layer, stem) &&
         (at == tensor || at[-1] == '.');
}

/* The longest name: "layer1.0.conv1" rather than "conv1". */
tsr_status tsr__calibrated_find(const tsr_model *model, const char *tensor, size_t *out) {
  size_t longest = 0;
  for (size_t i = 0; i < tsr_model_layer_count(model); i++) {
    const char *name = tsr_model_layer_name(model, i);
    if (!tsr_model_linear(model, i) || !names_weight_of(tensor, name)) continue;
    if (strlen(name) <= longest) continue;
    longest = strlen(name);
    *out = i;
  }
  TSR_CHECK(longest, TSR_UNSUPPORTED,
            "%s: the model does not run this matrix, so that nothing is known of its "
            "input; leave it out with --skip",
            tensor);
  return TSR_OK;
}

/* owned: the matrix, if it is to be the model's; NULL: it outlives the model. */
static tsr_status set_weight(const tsr__calibrated_place *place, const float *matrix, void *owned) {
  int64_t rows = tsr__matrix_rows(place->layer->tensor);
  int64_t cols = tsr__matrix_cols(place->layer->tensor);
  tsr_packed weight = {.format = TSR_FORMAT_DENSE,
                       .dtype = TSR_DTYPE_F32,
                       .rows = rows,
                       .cols = cols,
                       .stored = rows * cols,
                       .values = matrix,
                       .owned = owned};
  return tsr_model_set_weight(place->model, place->index, &weight);
}

tsr_status tsr__calibrated_set_weight(const tsr__calibrated_place *place, float *matrix) {
  return set_weight(place, matrix, matrix);
}

/* Without a reference only once for every layer: the model has the bias of the checkpoint until
 * then. */
static tsr_status set_bias(const tsr__calibrated_place *place) {
  const tsr__prune_layer *layer = place->layer;
  int64_t rows = tsr__matrix_rows(layer->tensor);
  const tsr_model *unchanged = place->reference ? place->reference : place->model;
  const float *before = tsr_model_linear(unchanged, place->index)->bias;
  float *bias;
  if ((!layer->shift && !layer->silent) || !before) return TSR_OK;
  TSR_TRY(tsr__aligned((size_t)rows, sizeof *bias, layer->tensor->name, &bias));
  for (int64_t r = 0; r < rows; r++) {
    double shift = layer->shift ? layer->shift[r] : 0;
    bias[r] = layer->silent && layer->silent[r] ? 0 : (float)((double)before[r] + shift);
  }
  tsr_status status = tsr__model_set_bias(place->model, place->index, bias);
  free(bias);
  return status;
}

/* The result, or values whose rows are not chosen yet, or what it was. */
static tsr_status matrix_of(const tsr__prune_layer *layer, size_t elements, float *matrix) {
  if (layer->data) return tsr__prune_layer_result(layer, matrix);
  if (!layer->values) return tsr__prune_layer_matrix(layer, matrix);
  memcpy(matrix, layer->values, elements * sizeof *matrix);
  return TSR_OK;
}

/* Whether the result is, as it lies there, what the model multiplies with. */
static int can_lend(const tsr__prune_layer *layer) {
  return layer->data && layer->dtype == TSR_DTYPE_F32 && !layer->scale && !layer->factors &&
         !tsr__is_conv(layer->tensor);
}

/* The model computes with what the layer is now. */
static tsr_status set_layer(const tsr__calibrated_place *place) {
  const tsr__prune_layer *layer = place->layer;
  size_t cols = (size_t)tsr__matrix_cols(layer->tensor);
  size_t elements = (size_t)tsr__matrix_rows(layer->tensor) * cols;
  float *matrix;
  if (can_lend(layer)) {
    TSR_TRY(set_weight(place, layer->data, NULL));
    return set_bias(place);
  }
  TSR_TRY(tsr__aligned(elements, sizeof *matrix, layer->tensor->name, &matrix));
  tsr_status status = matrix_of(layer, elements, matrix);
  for (size_t i = 0; status == TSR_OK && layer->scale && i < elements; i++)
    matrix[i] = (float)((double)matrix[i] * layer->scale[i / cols]);
  if (status != TSR_OK) {
    free(matrix);
    return status;
  }
  TSR_TRY(tsr__calibrated_set_weight(place, matrix));
  return set_bias(place);
}

static tsr_status visit(void *user, size_t index, const tsr_statistics *statistics) {
  calibrated_work *work = user;
  tsr__prune_layer *layer = &work->run->layers[work->layer_of[index]];
  tsr__progress_update(&work->progress, work->done++);
  tsr__calibrated_place place = {work->model, index, layer, work->reference};
  TSR_TRY(work->run->visit(work->run->user, &place, statistics));
  return layer->data || layer->values ? set_layer(&place) : TSR_OK;
}

static tsr_status compare(void *user, size_t index, const tsr_moments *now,
                          const tsr_moments *wanted) {
  const calibrated_work *work = user;
  tsr__calibrated_place place = {work->model, index, &work->run->layers[work->layer_of[index]],
                                 work->reference};
  TSR_TRY(work->run->compare(work->run->user, &place, now, wanted));
  return set_layer(&place);
}

static tsr_status calibrate(calibrated_work *work) {
  const tsr__calibrated_run *run = work->run;
  size_t all = tsr_model_layer_count(work->model);
  TSR_TRY(tsr__calloc(all, sizeof *work->layer_of, "the layers", &work->layer_of));
  TSR_TRY(tsr__calloc(all, 1, "the layers", &work->chosen));
  for (size_t i = 0; i < run->count; i++) {
    size_t index = 0;
    TSR_TRY(tsr__calibrated_find(work->model, run->layers[i].tensor->name, &index));
    work->layer_of[index] = i;
    work->chosen[index] = 1;
    tsr__prune_layer *layer = &run->layers[i];
    if (tsr__is_conv(layer->tensor) && !layer->factors)
      TSR_TRY(tsr__resnet_norm_factors(run->checkpoint, layer->tensor, &layer->factors));
  }
  tsr_calibrate_options options = {.statistics = run->statistics,
                                   .threads = run->threads,
                                   .chosen = work->chosen,
                                   .visit = visit,
                                   .compare = run->compare ? compare : NULL,
                                   .reference = work->reference,
                                   .user = work};
  tsr__progress_begin(&work->progress, run->what, (int64_t)run->count);
  tsr_status status = tsr_calibrate(work->model, run->calibration, &options);
  tsr__progress_end(&work->progress);
  return status;
}

tsr_status tsr__run_calibrated(const tsr__calibrated_run *run) {
  calibrated_work work = {.run = run};
  TSR_TRY(tsr_model_load(run->checkpoint, &work.model));
  tsr_status status =
      run->compare || run->follow ? tsr_model_load(run->checkpoint, &work.reference) : TSR_OK;
  if (status == TSR_OK) status = calibrate(&work);
  free(work.chosen);
  free(work.layer_of);
  tsr_model_destroy(work.model);
  tsr_model_destroy(work.reference);
  return status;
}

typedef struct power_work {
  const tsr__calibrated_run *run;
  float **out;
} power_work;

static tsr_status take_powers(void *user, const tsr__calibrated_place *place,
                              const tsr_statistics *statistics) {
  const power_work *work = user;
  float **powers = &work->out[place->layer - work->run->layers];
  double rows = (double)statistics->rows;
  TSR_TRY(tsr__aligned((size_t)statistics->features, sizeof **powers, "powers", powers));
  for (int64_t c = 0; c < statistics->features; c++) {
    double mean = statistics->sums[c] / rows, variance = statistics->norms[c] / rows - mean * mean;
    (*powers)[c] = variance > 0 ? (float)variance : 0;
  }
  return TSR_OK;
}

tsr_status tsr__calibrated_powers(const tsr__calibrated_run *run, float **out) {
  power_work work = {run, out};
  tsr__calibrated_run look = *run;
  look.statistics = TSR_STATISTICS_NORMS;
  look.what = "looking at inputs";
  look.visit = take_powers;
  look.user = &work;
  return tsr__run_calibrated(&look);
}

/* Where every group of a row loses the same share, other rows do not matter; layers may. */
static int rows_or_layers_compete(const tsr__prune_rule *rule) {
  int by_row = rule->pattern.kind == TSR_PATTERN_IRREGULAR && rule->method == TSR_METHOD_WANDA;
  int rows = rule->pattern.kind != TSR_PATTERN_NM && !by_row;
  return (rows || rule->global) && tsr_prune_method_needs(rule->method) != TSR_STATISTICS_NONE;
}

/* out: [layers of the model]; those of run's layers become what they point to. */
static tsr_status sense(const tsr__calibrated_run *run, tsr_model *model, float **out) {
  enum { SEQUENCES = 64 };
  for (size_t i = 0; i < run->count; i++) {
    tsr__prune_layer *layer = &run->layers[i];
    size_t index = 0, rows = (size_t)tsr__matrix_rows(layer->tensor);
    TSR_TRY(tsr__calibrated_find(model, layer->tensor->name, &index));
    if (!layer->sensitivities) /* those of another order are replaced */
      TSR_TRY(tsr__calloc(rows, sizeof(float), layer->tensor->name, &layer->sensitivities));
    out[index] = layer->sensitivities;
  }
  return tsr_sensitivities(model, run->calibration, SEQUENCES, run->threads, out);
}

tsr_status tsr__calibrated_sensitivities(const tsr__prune_rule *rule,
                                         const tsr__calibrated_run *run) {
  if (!rows_or_layers_compete(rule) || !tsr_calibration_batch(run->calibration) ||
      tsr_calibration_states(run->calibration, NULL))
    return TSR_OK;
  tsr_model *model;
  float **out = NULL;
  TSR_TRY(tsr_model_load(run->checkpoint, &model));
  tsr_status status = tsr__calloc(tsr_model_layer_count(model), sizeof *out, "sensitivities", &out);
  if (status == TSR_OK) status = sense(run, model, out);
  free(out);
  tsr_model_destroy(model);
  return status;
}

typedef struct prune_work {
  const tsr__prune_rule *rule;
  int threads;
  tsr__coupling coupling; /* of whole rows; filled at the first visit */
  const tsr__calibrated_run *run;
} prune_work;

static tsr__prune_layer *layer_of(const prune_work *work, const tsr_model *model, size_t index) {
  for (size_t i = 0; i < work->run->count; i++) {
    size_t at = 0;
    if (tsr__calibrated_find(model, work->run->layers[i].tensor->name, &at) == TSR_OK &&
        at == index)
      return &work->run->layers[i];
  }
  return NULL;
}

static tsr_status find_coupling(prune_work *work, const tsr_model *model) {
  uint8_t *chosen;
  TSR_TRY(tsr__calloc(tsr_model_layer_count(model), 1, "the layers", &chosen));
  for (size_t i = 0; i < work->run->count; i++) {
    size_t at = 0;
    if (tsr__calibrated_find(model, work->run->layers[i].tensor->name, &at) == TSR_OK)
      chosen[at] = 1;
  }
  tsr_status status = tsr__coupling_find(model, chosen, &work->coupling);
  free(chosen);
  return status;
}

static tsr_status prune(void *user, const tsr__calibrated_place *place,
                        const tsr_statistics *statistics) {
  prune_work *work = user;
  if (work->rule->pattern.kind != TSR_PATTERN_ROW)
    return tsr__prune_layer_calibrated(work->rule, work->threads, statistics, place->layer);
  if (!work->coupling.maker) TSR_TRY(find_coupling(work, place->model));
  size_t maker = work->coupling.maker[place->index];
  tsr__coupled_visit coupled = {
      .rule = work->rule,
      .threads = work->threads,
      .coupling = &work->coupling,
      .place = place,
      .maker = maker == SIZE_MAX ? NULL : layer_of(work, place->model, maker)};
  return tsr__prune_coupled(&coupled, statistics);
}

static tsr_status restore(void *user, const tsr__calibrated_place *place, const tsr_moments *now,
                          const tsr_moments *wanted) {
  (void)user;
  return tsr__restore_moments(place, now, wanted);
}

tsr_status tsr__prune_calibrated(const tsr__prune_rule *rule, int threads,
                                 const tsr_checkpoint *checkpoint,
                                 const tsr_calibration *calibration, tsr__prune_layer *layers,
                                 size_t count) {
  prune_work work = {.rule = rule, .threads = threads};
  tsr__calibrated_run run = {.checkpoint = checkpoint,
                             .calibration = calibration,
                             .statistics = tsr_prune_method_needs(rule->method),
                             .threads = threads,
                             .layers = layers,
                             .count = count,
                             .what = "pruning",
                             .visit = prune,
                             .follow = tsr_prune_method_needs(rule->method) == TSR_STATISTICS_GRAM,
                             .compare = tsr_calibration_images(calibration) ? restore : NULL,
                             .user = &work};
  work.run = &run;
  tsr_status status = tsr__run_calibrated(&run);
  tsr__coupling_release(&work.coupling);
  return status;
}
