/* tessera shrink: removes the channels of a ResNet that do nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/config.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/config_edit.h"
#include "runtime/cli/files.h"
#include "runtime/cli/weights.h"
#include "runtime/model/resnet_channels.h"

typedef struct shrink_options {
  const char *in, *out;
  int json;
} shrink_options;

typedef struct shrink_job {
  const shrink_options *options;
  const tsr_checkpoint *checkpoint;
  tsr__channels channels;
  void **cut; /* [tensors of the checkpoint]: what is left of those that lose channels */
  int64_t elements_before, elements_after;
} shrink_job;

static const tsr__channel_group *group_of(const shrink_job *job, int32_t group) {
  return group == TSR__NO_GROUP ? NULL : &job->channels.groups[group];
}

static int is_cut(const tsr__channel_group *group) {
  return group && group->alive_count < group->count;
}

static int is_kept(const tsr__channel_group *group, int64_t channel) {
  return !group || group->alive[channel];
}

/* Copies the rows and columns that are alive; dimensions behind the second stay whole. */
static void copy_alive(const tsr_tensor *tensor, const tsr__channel_group *rows,
                       const tsr__channel_group *cols, size_t unit, char *out) {
  const char *from = tensor->data;
  int64_t width = tensor->ndim > 1 ? tensor->shape[1] : 1;
  for (int64_t r = 0; r < tensor->shape[0]; r++)
    for (int64_t c = 0; c < width; c++, from += unit)
      if (is_kept(rows, r) && is_kept(cols, c)) {
        memcpy(out, from, unit);
        out += unit;
      }
}

static int64_t product(int ndim, const int64_t *shape, int from) {
  int64_t elements = 1;
  for (int d = from; d < ndim; d++) elements *= shape[d];
  return elements;
}

static tsr_status add_tensor(shrink_job *job, size_t index, tsr_checkpoint_writer *writer) {
  const tsr_tensor *tensor = tsr_checkpoint_tensor(job->checkpoint, index);
  const tsr__channel_role *role = &job->channels.roles[index];
  const tsr__channel_group *rows = group_of(job, role->rows), *cols = group_of(job, role->cols);
  int64_t shape[TSR_TENSOR_DIMS_MAX];
  memcpy(shape, tensor->shape, sizeof shape);
  const void *data = tensor->data;
  if (is_cut(rows) || is_cut(cols)) {
    if (rows) shape[0] = rows->alive_count;
    if (cols) shape[1] = cols->alive_count;
    size_t unit =
        (size_t)product(tensor->ndim, shape, 2) * (size_t)tsr_dtype_bits(tensor->dtype) / 8;
    TSR_TRY(tsr__aligned((size_t)(shape[0] * (tensor->ndim > 1 ? shape[1] : 1)), unit, tensor->name,
                         &job->cut[index]));
    copy_alive(tensor, rows, cols, unit, job->cut[index]);
    data = job->cut[index];
  }
  job->elements_before += product(tensor->ndim, tensor->shape, 0);
  job->elements_after += product(tensor->ndim, shape, 0);
  return tsr_checkpoint_writer_add(writer, tensor->name, tensor->dtype, tensor->ndim, shape, data);
}

static tsr_status add_tensors(shrink_job *job, tsr_checkpoint_writer *writer) {
  size_t tensors = tsr_checkpoint_tensor_count(job->checkpoint);
  TSR_TRY(tsr__copy_metadata(job->checkpoint, NULL, writer));
  TSR_TRY(tsr_checkpoint_writer_metadata(writer, "tessera.version", tsr_version()));
  TSR_TRY(tsr__calloc(tensors, sizeof *job->cut, "the tensors", &job->cut));
  for (size_t i = 0; i < tensors; i++) TSR_TRY(add_tensor(job, i, writer));
  return TSR_OK;
}

/* ---- config.json: the widths between blocks ---- */

static int outer_widths_change(const shrink_job *job) {
  const tsr__channels *c = &job->channels;
  int change = is_cut(&c->groups[c->stem]);
  for (int32_t s = 0; s < c->stage_count; s++) change |= is_cut(&c->groups[c->stages[s]]);
  return change;
}

enum { NUMBER_MAX = TSR__CONFIG_VALUE_MAX / TSR__CHANNEL_STAGES_MAX };

static void describe_widths(const tsr__channels *c, tsr__config_edit edits[2]) {
  edits[0].key = "embedding_size";
  snprintf(edits[0].value, sizeof edits[0].value, "%lld",
           (long long)c->groups[c->stem].alive_count);
  edits[1].key = "hidden_sizes";
  strcpy(edits[1].value, "[");
  for (int32_t s = 0; s < c->stage_count; s++) {
    char number[NUMBER_MAX];
    snprintf(number, sizeof number, "%s%lld", s ? ", " : "",
             (long long)c->groups[c->stages[s]].alive_count);
    strcat(edits[1].value, number);
  }
  strcat(edits[1].value, "]");
}

static tsr_status write_text(const char *path, const char *text) {
  tsr__output output = {0};
  tsr_status status = tsr__output_open(path, &output);
  if (status == TSR_OK && fputs(text, output.stream) == EOF)
    status = tsr__error(TSR_IO, "%s: writing it failed", path);
  if (status == TSR_OK) status = tsr__output_commit(&output);
  tsr__output_discard(&output);
  return status;
}

static tsr_status write_config(const shrink_job *job, const tsr__target *target) {
  const char *text = tsr_checkpoint_config_text(job->checkpoint);
  if (!outer_widths_change(job)) return TSR_OK;
  TSR_CHECK(text && target->folder, TSR_UNSUPPORTED,
            "%s: channels between blocks go too, which config.json has to tell: IN and OUT must be "
            "folders",
            job->options->in);
  tsr__config_edit edits[2];
  char *path, *edited = NULL;
  describe_widths(&job->channels, edits);
  TSR_TRY(tsr__path_join(target->folder, "config.json", &path));
  tsr_status status = tsr__config_edit_text(path, text, edits, 2, &edited);
  if (status == TSR_OK) status = write_text(path, edited);
  free(edited);
  free(path);
  return status;
}

static tsr_status write(shrink_job *job, const tsr__target *target) {
  tsr_checkpoint_writer *writer;
  TSR_TRY(tsr_checkpoint_writer_create(&writer));
  tsr_status status = add_tensors(job, writer);
  if (status == TSR_OK) status = tsr_checkpoint_writer_save(writer, target->weights);
  tsr_checkpoint_writer_destroy(writer);
  if (status == TSR_OK) status = tsr__target_copy_side_files(job->checkpoint, target);
  return status == TSR_OK ? write_config(job, target) : status;
}

static tsr_status report(const shrink_job *job, const tsr__target *target) {
  int64_t before = 0, after = 0;
  for (int32_t g = 0; g < job->channels.group_count; g++) {
    before += job->channels.groups[g].count;
    after += job->channels.groups[g].alive_count;
  }
  if (job->options->json)
    return tsr__print_json(
        json_pack("{s:s, s:I, s:I, s:I, s:I}", "output", target->weights, "channels_before",
                  (json_int_t)before, "channels_after", (json_int_t)after, "elements_before",
                  (json_int_t)job->elements_before, "elements_after",
                  (json_int_t)job->elements_after),
        stdout);
  printf("%lld of %lld channels and %lld of %lld elements are left; wrote %s\n", (long long)after,
         (long long)before, (long long)job->elements_after, (long long)job->elements_before,
         target->weights);
  return TSR_OK;
}

static tsr_status work(shrink_job *job, const tsr__target *target) {
  double epsilon;
  TSR_TRY(tsr__config_double_or(job->checkpoint, "batch_norm_eps", 1e-5, &epsilon));
  TSR_TRY(tsr__resnet_channels(job->checkpoint, epsilon, &job->channels));
  TSR_TRY(write(job, target));
  return report(job, target);
}

static tsr_status shrink(const void *values) {
  const shrink_options *options = values;
  shrink_job job = {.options = options};
  tsr_checkpoint *checkpoint;
  TSR_TRY(tsr_checkpoint_open(options->in, &checkpoint));
  job.checkpoint = checkpoint;
  tsr__target target;
  tsr_status status = tsr__target_open(checkpoint, options->in, options->out, &target);
  if (status == TSR_OK) status = work(&job, &target);
  for (size_t i = 0; job.cut && i < tsr_checkpoint_tensor_count(checkpoint); i++) free(job.cut[i]);
  free(job.cut);
  tsr__channels_release(&job.channels);
  tsr__target_close(&target);
  tsr_checkpoint_close(checkpoint);
  return status;
}

static const tsr__option rows[] = {
    TSR__ROW_IN(shrink_options),
    TSR__ROW_OUT(shrink_options),
    TSR__ROW_JSON(shrink_options),
};

static const tsr__example examples[] = {
    {"tessera prune resnet -o pruned --pattern row --sparsity 0.5 && tessera shrink pruned -o "
     "small",
     "half of the filters, and a model that is as much smaller"},
};

const tsr__command tsr__cli_shrink = {
    .details =
        "A channel goes where no layer reads it, or where it is never above 0 in front of "
        "its ReLU, whatever the image: the filters that make it, their BatchNorm, and what "
        "reads it. Results stay what they were. For ResNets with torchvision's names, "
        "before they are packed.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(shrink_options),
    .run = shrink,
};
