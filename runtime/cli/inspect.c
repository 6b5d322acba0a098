/* tessera inspect: what is in a checkpoint. The figures of one weight are in survey.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/json.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/survey.h"

typedef struct inspect_options {
  const char *path;
  int json;
  int64_t threads;
} inspect_options;

/* The entries of config.json that say what the model is. */
static const char *const config_keys[] = {
    "model_type",          "architectures",     "num_hidden_layers",       "hidden_size",
    "num_attention_heads", "intermediate_size", "max_position_embeddings", "vocab_size",
    "torch_dtype"};

/* Strings, numbers and lists of strings are taken over; null stands for anything else. Not read by
 * jansson, which ignores failures of allocation while it grows a token. */
static tsr_status read_scalar(tsr__json *json, json_t **out) {
  char *strings = json->strings;
  char first = tsr__json_peek(json);
  *out = NULL;
  if (first == '"') {
    const char *text;
    TSR_TRY(tsr__json_string(json, &text));
    *out = json_string(text);
    json->strings = strings;
  } else if (first == '-' || (first >= '0' && first <= '9')) {
    double number;
    TSR_TRY(tsr__json_double(json, &number));
    int whole = fabs(number) < 1e15 && number == trunc(number);
    *out = whole ? json_integer((json_int_t)number) : json_real(number);
  } else {
    TSR_TRY(tsr__json_skip(json));
    *out = json_null();
  }
  TSR_CHECK(*out, TSR_OUT_OF_MEMORY, "out of memory for config.json");
  return TSR_OK;
}

static tsr_status read_value(tsr__json *json, json_t **out) {
  if (tsr__json_peek(json) != '[') return read_scalar(json, out);
  int more;
  tsr_status status;
  json_t *array = json_array(), *item;
  TSR_TRY_GOTO(status, tsr__json_begin(json, '[', &more), failed);
  for (;;) {
    TSR_TRY_GOTO(status, tsr__json_next(json, ']', &more), failed);
    if (!more) break;
    TSR_TRY_GOTO(status, read_scalar(json, &item), failed);
    array = tsr__json_append(array, item);
  }
  *out = array;
  TSR_CHECK(array, TSR_OUT_OF_MEMORY, "out of memory for config.json");
  return TSR_OK;
failed:
  json_decref(array);
  return status;
}

static int is_config_key(const char *name) {
  for (size_t i = 0; i < TSR__COUNT(config_keys); i++)
    if (!strcmp(name, config_keys[i])) return 1;
  return 0;
}

static tsr_status read_config(tsr__json *json, json_t *out) {
  int more;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    const char *name;
    json_t *value;
    char *strings = json->strings;
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) return tsr__json_finish(json);
    TSR_TRY(tsr__json_key(json, &name));
    if (is_config_key(name)) {
      TSR_TRY(read_value(json, &value));
      TSR_CHECK(!json_object_set_new(out, name, value), TSR_OUT_OF_MEMORY,
                "out of memory for config.json");
    } else {
      TSR_TRY(tsr__json_skip(json));
    }
    json->strings = strings;
  }
}

/* *out: an object with those of the entries that are there, or NULL without a config. */
static tsr_status summarise_config(const tsr_checkpoint *checkpoint, json_t **out) {
  *out = NULL;
  const char *text = tsr_checkpoint_config_text(checkpoint);
  if (!text) return TSR_OK;
  size_t length = strlen(text);
  char *strings;
  TSR_TRY(tsr__calloc(length + 1, 1, "config.json", &strings));
  tsr__json json = {
      .file = "config.json", .begin = text, .at = text, .end = text + length, .strings = strings};
  json_t *object = json_object();
  tsr_status status = object ? read_config(&json, object)
                             : tsr__error(TSR_OUT_OF_MEMORY, "out of memory for config.json");
  free(strings);
  if (status == TSR_OK)
    *out = object;
  else
    json_decref(object);
  return status;
}

static tsr_status print_config(const json_t *config) {
  int failed = 0;
  const char *key;
  json_t *value;
  printf("config  ");
  json_object_foreach((json_t *)(uintptr_t)config, key, value) {
    printf(" %s=", key);
    if (json_is_string(value))
      printf("%s", json_string_value(value));
    else
      failed |= json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
  }
  printf("\n");
  TSR_CHECK(!failed || ferror(stdout), TSR_OUT_OF_MEMORY, "out of memory for config.json");
  return TSR_OK;
}

static int longest_name(const tsr__survey *survey, size_t count) {
  int width = 6;
  for (size_t i = 0; i < count; i++) {
    int length = (int)strlen(survey[i].weight->name);
    if (length > width) width = length;
  }
  return width;
}

static void print_weight(const tsr__survey *s, int width) {
  char bytes[TSR__BYTES_TEXT], shape[128];
  tsr__survey_shape(s, "x", shape, sizeof shape);
  printf("%-*s  %-5s %13s %9s", width, s->weight->name, tsr_dtype_name(s->dtype), shape,
         tsr__bytes_text((double)s->bytes, bytes));
  if (s->is_matrix) {
    printf("  %6.2f %%", 100 * s->zeros);
    if (s->packed)
      printf("  %s (%s), density %.4g", tsr_format_name(s->format), s->pattern, s->density);
    else if (strcmp(s->pattern, "dense"))
      printf("  %s, not packed", s->pattern);
  }
  printf("\n");
}

static void print_metadata(const tsr_checkpoint *checkpoint) {
  for (size_t i = 0; i < tsr_checkpoint_metadata_count(checkpoint); i++) {
    const char *key, *value;
    if (tsr_checkpoint_metadata_at(checkpoint, i, &key, &value) != TSR_OK) continue;
    printf("metadata %s = %s\n", key, value);
  }
}

static tsr_status report_text(const inspect_options *options, const tsr_checkpoint *checkpoint,
                              const json_t *config, const tsr__survey *survey, size_t count) {
  int width = longest_name(survey, count);
  double bytes = 0, dense_bytes = 0, parameters = 0;
  printf("path     %s\n", options->path);
  print_metadata(checkpoint);
  if (config) TSR_TRY(print_config(config));
  printf("\n%-*s  %-5s %13s %9s  %8s  %s\n", width, "tensor", "type", "shape", "bytes", "zeros",
         "structure");
  for (size_t i = 0; i < count; i++) {
    print_weight(&survey[i], width);
    bytes += (double)survey[i].bytes;
    dense_bytes += (double)survey[i].dense_bytes;
    parameters += survey[i].elements;
  }
  char stored[TSR__BYTES_TEXT], dense[TSR__BYTES_TEXT];
  printf("\n%zu tensors, %.0f parameters, %s (%s if all were dense)\n", count, parameters,
         tsr__bytes_text(bytes, stored), tsr__bytes_text(dense_bytes, dense));
  return TSR_OK;
}

static json_t *weight_json(const tsr__survey *s) {
  json_t *shape = json_array();
  for (int d = 0; d < s->ndim; d++) shape = tsr__json_append(shape, json_integer(s->shape[d]));
  json_t *object =
      json_pack("{s:s, s:s, s:o, s:I}", "name", s->weight->name, "dtype", tsr_dtype_name(s->dtype),
                "shape", shape, "bytes", (json_int_t)s->bytes);
  if (!object || !s->is_matrix) return object;
  json_t *matrix = json_pack("{s:s, s:s, s:f, s:f, s:I}", "format", tsr_format_name(s->format),
                             "pattern", s->pattern, "zeros", s->zeros, "density", s->density,
                             "dense_bytes", (json_int_t)s->dense_bytes);
  int failed = !matrix || json_object_update(object, matrix);
  json_decref(matrix);
  if (!failed) return object;
  json_decref(object);
  return NULL;
}

static json_t *metadata_json(const tsr_checkpoint *checkpoint) {
  json_t *object = json_object();
  for (size_t i = 0; object && i < tsr_checkpoint_metadata_count(checkpoint); i++) {
    const char *key, *value;
    if (tsr_checkpoint_metadata_at(checkpoint, i, &key, &value) != TSR_OK) continue;
    if (!json_object_set_new(object, key, json_string(value))) continue;
    json_decref(object);
    object = NULL;
  }
  return object;
}

static tsr_status report_json(const inspect_options *options, const tsr_checkpoint *checkpoint,
                              json_t *config, const tsr__survey *survey, size_t count) {
  json_t *tensors = json_array();
  json_int_t bytes = 0, dense_bytes = 0;
  for (size_t i = 0; i < count; i++) {
    tensors = tsr__json_append(tensors, weight_json(&survey[i]));
    bytes += (json_int_t)survey[i].bytes;
    dense_bytes += (json_int_t)survey[i].dense_bytes;
  }
  return tsr__print_json(json_pack("{s:s, s:o, s:O?, s:o, s:I, s:I}", "path", options->path,
                                   "metadata", metadata_json(checkpoint), "config", config,
                                   "tensors", tensors, "bytes", bytes, "dense_bytes", dense_bytes),
                         stdout);
}

static tsr_status report(const inspect_options *options, const tsr_checkpoint *checkpoint,
                         const tsr__survey *survey, size_t count) {
  json_t *config;
  TSR_TRY(summarise_config(checkpoint, &config));
  tsr_status status = options->json ? report_json(options, checkpoint, config, survey, count)
                                    : report_text(options, checkpoint, config, survey, count);
  json_decref(config);
  return status;
}

static tsr_status inspect(const void *values) {
  const inspect_options *options = values;
  tsr_hardware hardware;
  TSR_TRY(tsr_hardware_detect(&hardware));
  tsr_checkpoint *checkpoint;
  TSR_TRY(tsr_checkpoint_open(options->path, &checkpoint));
  tsr__weights weights = {0};
  tsr__survey *survey = NULL;
  tsr_status status = tsr__weights_list(checkpoint, &weights);
  if (status == TSR_OK)
    status = tsr__calloc(weights.count, sizeof *survey, "the survey of the weights", &survey);
  if (status == TSR_OK)
    status = tsr__survey_take(checkpoint, &weights, tsr__cli_threads(options->threads, &hardware),
                              survey);
  if (status == TSR_OK) status = report(options, checkpoint, survey, weights.count);
  free(survey);
  tsr__weights_release(&weights);
  tsr_checkpoint_close(checkpoint);
  return status;
}

static const tsr__option rows[] = {
    {.kind = TSR__OPTION_TEXT,
     .argument = "PATH",
     .help = "a folder, a .safetensors file or an index of shards",
     .offset = offsetof(inspect_options, path),
     .required = 1},
    TSR__ROW_THREADS(inspect_options),
    TSR__ROW_JSON(inspect_options),
};

static const tsr__example examples[] = {
    {"tessera inspect model", "everything in the folder `model`"},
    {"tessera inspect pruned --json | jq '.tensors[] | select(.zeros > 0.5) | .name'",
     "the matrices that are more than half zeros"},
};

const tsr__command tsr__cli_inspect = {
    .details =
        "Lists every tensor with type, shape and bytes; of a matrix also the share of "
        "zeros, and the structure found in them: the pattern that stores it in the fewest "
        "bytes. A packed matrix shows its format, and is verified.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(inspect_options),
    .run = inspect,
};
