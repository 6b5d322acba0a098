#include "runtime/cli/prune_calibrated.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/cli.h"

tsr_status tsr__calibration_open(const tsr__calibrate_values *values, const char *folder,
                                 tsr_calibration **out) {
  tsr_calibration_options options = {
      .samples = values->samples, .max_tokens = values->max_tokens, .seed = (uint64_t)values->seed};
  char *path;
  tsr_tokenizer *tokenizer;
  TSR_TRY(tsr__path_join(folder, "vocab.txt", &path));
  tsr_status status = tsr_tokenizer_open(path, &tokenizer);
  free(path);
  if (status != TSR_OK) return status;
  status = tsr_calibration_read(tokenizer, values->files.items, values->files.count, &options, out);
  tsr_tokenizer_close(tokenizer);
  return status == TSR_OK ? status : tsr__error_prefix(status, "--calibrate");
}

typedef struct calibrated_work {
  const tsr__calibrated_run *run;
  tsr_model *model;
  size_t *layer_of; /* by the model's layer */
  uint8_t *chosen;  /* like layer_of */
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

static tsr_status find_layer(const tsr_model *model, const char *tensor, size_t *out) {
  for (size_t i = 0; i < tsr_model_layer_count(model); i++)
    if (tsr_model_linear(model, i) && names_weight_of(tensor, tsr_model_layer_name(model, i))) {
      *out = i;
      return TSR_OK;
    }
  return tsr__error(TSR_UNSUPPORTED,
                    "%s: the model does not run this matrix, so that nothing is known of its "
                    "input; leave it out with --skip",
                    tensor);
}

static tsr_status visit(void *user, size_t index, const tsr_statistics *statistics) {
  calibrated_work *work = user;
  tsr__prune_layer *layer = &work->run->layers[work->layer_of[index]];
  const int64_t *shape = layer->tensor->shape;
  tsr__progress_update(&work->progress, work->done++);
  tsr__calibrated_place place = {work->model, index, layer};
  TSR_TRY(work->run->visit(work->run->user, &place, statistics));
  if (!layer->data) return TSR_OK;
  tsr_packed weight = {.format = TSR_FORMAT_DENSE,
                       .dtype = layer->dtype,
                       .rows = shape[0],
                       .cols = shape[1],
                       .stored = shape[0] * shape[1],
                       .values = layer->data};
  return tsr_model_set_weight(work->model, index, &weight);
}

static tsr_status calibrate(calibrated_work *work) {
  const tsr__calibrated_run *run = work->run;
  size_t all = tsr_model_layer_count(work->model);
  TSR_TRY(tsr__calloc(all, sizeof *work->layer_of, "the layers", &work->layer_of));
  TSR_TRY(tsr__calloc(all, 1, "the layers", &work->chosen));
  for (size_t i = 0; i < run->count; i++) {
    size_t index = 0;
    TSR_TRY(find_layer(work->model, run->layers[i].tensor->name, &index));
    work->layer_of[index] = i;
    work->chosen[index] = 1;
  }
  tsr_calibrate_options options = {.statistics = run->statistics,
                                   .threads = run->threads,
                                   .chosen = work->chosen,
                                   .visit = visit,
                                   .user = work};
  tsr__progress_begin(&work->progress, run->what, (int64_t)run->count);
  tsr_status status = tsr_calibrate(work->model, run->calibration, &options);
  tsr__progress_end(&work->progress);
  return status;
}

tsr_status tsr__run_calibrated(const tsr__calibrated_run *run) {
  calibrated_work work = {.run = run};
  TSR_TRY(tsr_model_load(run->checkpoint, &work.model));
  tsr_status status = calibrate(&work);
  free(work.chosen);
  free(work.layer_of);
  tsr_model_destroy(work.model);
  return status;
}

typedef struct prune_work {
  const tsr__prune_rule *rule;
  int threads;
} prune_work;

static tsr_status prune(void *user, const tsr__calibrated_place *place,
                        const tsr_statistics *statistics) {
  const prune_work *work = user;
  return tsr__prune_layer_calibrated(work->rule, work->threads, statistics, place->layer);
}

tsr_status tsr__prune_calibrated(const tsr__prune_rule *rule, int threads,
                                 const tsr_checkpoint *checkpoint,
                                 const tsr_calibration *calibration, tsr__prune_layer *layers,
                                 size_t count) {
  prune_work work = {rule, threads};
  return tsr__run_calibrated(
      &(tsr__calibrated_run){.checkpoint = checkpoint,
                             .calibration = calibration,
                             .statistics = tsr_prune_method_needs(rule->method),
                             .threads = threads,
                             .layers = layers,
                             .count = count,
                             .what = "pruning",
                             .visit = prune,
                             .user = &work});
}
