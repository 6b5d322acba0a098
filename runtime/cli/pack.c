/* tessera pack: drops the zeros. The work on one weight is in pack_layer.c. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/files.h"
#include "runtime/cli/pack_layer.h"
#include "runtime/cli/weights.h"

typedef struct pack_options {
  const char *in, *out, *pattern, *format;
  int dtype, json;
  tsr__list layers, skip;
  int64_t threads;
} pack_options;

static const char auto_word[] = "auto";

static tsr_status parse_rule(const pack_options *options, tsr__pack_rule *rule) {
  rule->choose_format = !strcmp(options->format, auto_word);
  rule->recognise = !strcmp(options->pattern, auto_word);
  rule->dtype = tsr__dtype_choice(options->dtype);
  if (!rule->choose_format) {
    tsr_status status = tsr_format_parse(options->format, &rule->format);
    if (status != TSR_OK) return tsr__error_prefix(status, "--format");
  }
  if (!rule->recognise) {
    tsr_status status = tsr_pattern_parse(options->pattern, &rule->pattern);
    if (status != TSR_OK) return tsr__error_prefix(status, "--pattern");
  }
  return TSR_OK;
}

typedef struct pack_job {
  const pack_options *options;
  const tsr_checkpoint *checkpoint;
  tsr__pack_rule rule;
  const tsr_tensor **tensors; /* the chosen weights */
  size_t count;
  tsr__pack_layer *layers; /* [count] */
} pack_job;

static tsr_status add_layer(const tsr__pack_layer *layer, tsr_checkpoint_writer *writer) {
  const tsr_tensor *tensor = layer->tensor;
  if (layer->filters)
    return tsr_checkpoint_writer_add(writer, tensor->name, layer->packed.dtype, tensor->ndim,
                                     tensor->shape, layer->filters);
  if (tsr__is_conv(tensor)) TSR_TRY(tsr__conv_shape_save(writer, tensor));
  return tsr_packed_save(writer, tensor->name, &layer->packed);
}

static tsr_status add_tensors(const pack_job *job, tsr_checkpoint_writer *writer) {
  TSR_TRY(tsr__copy_metadata(job->checkpoint, NULL, writer));
  TSR_TRY(tsr_checkpoint_writer_metadata(writer, "tessera.version", tsr_version()));
  size_t layer = 0, total = tsr_checkpoint_tensor_count(job->checkpoint);
  for (size_t i = 0; i < total; i++) {
    const tsr_tensor *tensor = tsr_checkpoint_tensor(job->checkpoint, i);
    if (layer < job->count && job->layers[layer].tensor == tensor)
      TSR_TRY(add_layer(&job->layers[layer++], writer));
    else
      TSR_TRY(tsr_checkpoint_writer_add(writer, tensor->name, tensor->dtype, tensor->ndim,
                                        tensor->shape, tensor->data));
  }
  return TSR_OK;
}

static tsr_status write(const pack_job *job, const tsr__target *target) {
  tsr_checkpoint_writer *writer;
  TSR_TRY(tsr_checkpoint_writer_create(&writer));
  tsr_status status = add_tensors(job, writer);
  if (status == TSR_OK) status = tsr_checkpoint_writer_save(writer, target->weights);
  tsr_checkpoint_writer_destroy(writer);
  if (status == TSR_OK) status = tsr__target_copy_side_files(job->checkpoint, target);
  return status;
}

static json_t *layer_json(const tsr__pack_layer *layer) {
  char pattern[TSR_PATTERN_TEXT_MAX];
  tsr_pattern_text(&layer->pattern, pattern);
  return json_pack("{s:s, s:[I,I], s:s, s:s, s:s, s:f, s:I, s:I}", "name", layer->tensor->name,
                   "shape", (json_int_t)layer->packed.rows, (json_int_t)layer->packed.cols, "dtype",
                   tsr_dtype_name(layer->packed.dtype), "format",
                   tsr_format_name(layer->packed.format), "pattern", pattern, "density",
                   tsr_packed_density(&layer->packed), "bytes_before",
                   (json_int_t)layer->tensor->bytes, "bytes_after",
                   (json_int_t)tsr_packed_bytes(&layer->packed));
}

static tsr_status report_json(const pack_job *job, const tsr__target *target) {
  json_t *layers = json_array();
  for (size_t i = 0; i < job->count; i++)
    layers = tsr__json_append(layers, layer_json(&job->layers[i]));
  return tsr__print_json(json_pack("{s:s, s:o}", "output", target->weights, "layers", layers),
                         stdout);
}

static void report_row(const tsr__pack_layer *layer, int width) {
  char pattern[TSR_PATTERN_TEXT_MAX], before[TSR__BYTES_TEXT], after[TSR__BYTES_TEXT];
  tsr_pattern_text(&layer->pattern, pattern);
  printf("%-*s  %-8s %-18s %8.2f %%  %9s  %9s\n", width, layer->tensor->name,
         tsr_format_name(layer->packed.format), pattern, 100 * tsr_packed_density(&layer->packed),
         tsr__bytes_text((double)layer->tensor->bytes, before),
         tsr__bytes_text((double)tsr_packed_bytes(&layer->packed), after));
}

static void report_text(const pack_job *job, const tsr__target *target) {
  int width = 6;
  double before = 0, after = 0;
  size_t dense = 0;
  for (size_t i = 0; i < job->count; i++) {
    int length = (int)strlen(job->layers[i].tensor->name);
    if (length > width) width = length;
  }
  printf("%-*s  %-8s %-18s %10s  %9s  %9s\n", width, "weight", "format", "pattern", "density",
         "before", "after");
  for (size_t i = 0; i < job->count; i++) {
    report_row(&job->layers[i], width);
    before += (double)job->layers[i].tensor->bytes;
    after += (double)tsr_packed_bytes(&job->layers[i].packed);
    dense += job->layers[i].packed.format == TSR_FORMAT_DENSE;
  }
  char before_text[TSR__BYTES_TEXT], after_text[TSR__BYTES_TEXT];
  printf("%zu weights, %zu packed, %s before, %s after; wrote %s\n", job->count, job->count - dense,
         tsr__bytes_text(before, before_text), tsr__bytes_text(after, after_text), target->weights);
}

static tsr_status work(pack_job *job, const tsr__target *target) {
  TSR_TRY(tsr__weights_choose(job->checkpoint, &job->options->layers, &job->options->skip,
                              &job->tensors, &job->count));
  tsr_hardware hardware;
  TSR_TRY(tsr_hardware_detect(&hardware));
  TSR_TRY(tsr__pack_layers(&job->rule, tsr__cli_threads(job->options->threads, &hardware),
                           job->tensors, job->count, &job->layers));
  TSR_TRY(write(job, target));
  if (job->options->json) return report_json(job, target);
  report_text(job, target);
  return TSR_OK;
}

static tsr_status pack(const void *values) {
  const pack_options *options = values;
  pack_job job = {.options = options};
  TSR_TRY(parse_rule(options, &job.rule));
  tsr_checkpoint *checkpoint;
  TSR_TRY(tsr_checkpoint_open(options->in, &checkpoint));
  job.checkpoint = checkpoint;
  tsr__target target;
  tsr_status status = tsr__target_open(checkpoint, options->in, options->out, &target);
  if (status == TSR_OK) status = work(&job, &target);
  tsr__target_close(&target);
  for (size_t i = 0; job.layers && i < job.count; i++) tsr__pack_layer_release(&job.layers[i]);
  free(job.layers);
  free(job.tensors);
  tsr_checkpoint_close(checkpoint);
  return status;
}

static const tsr__option rows[] = {
    TSR__ROW_IN(pack_options),
    TSR__ROW_OUT(pack_options),
    {.kind = TSR__OPTION_TEXT,
     .letter = 'f',
     .name = "format",
     .argument = "F",
     .help = "dense, compact, csr, nm, bcsr, vnm or bcsr_nm; auto: what suits each weight's "
             "pattern",
     .offset = offsetof(pack_options, format),
     .fallback = auto_word},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'p',
     .name = "pattern",
     .argument = "P",
     .help = "the structure to pack by, such as block:16x16; auto: recognise it in each weight's "
             "zeros",
     .offset = offsetof(pack_options, pattern),
     .fallback = auto_word},
    TSR__ROW_LAYERS(pack_options),
    TSR__ROW_SKIP(pack_options),
    TSR__ROW_DTYPE(pack_options),
    TSR__ROW_THREADS(pack_options),
    TSR__ROW_JSON(pack_options),
};

static const tsr__example examples[] = {
    {"tessera pack pruned -o packed", "recognises the structure of each layer by itself"},
    {"tessera pack pruned -o packed --pattern block:32x32 --dtype f16",
     "32x32 blocks, whatever the zeros look like, values as half precision"},
    {"tessera pack model.safetensors -o packed.safetensors --format csr",
     "every layer as compressed sparse rows"},
};

const tsr__command tsr__cli_pack = {
    .details =
        "Weights without structure stay dense tensors, everything that is not packed is "
        "copied bit by bit. Negative zeros become positive ones. tessera unpack is the "
        "inverse.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(pack_options),
    .run = pack,
};
