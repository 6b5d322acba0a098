#include "runtime/checkpoint/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/checkpoint/json.h"

/* Reads the value at hand into what the caller wants. */
typedef tsr_status (*read_value)(tsr__json *json, void *out);

static tsr_status read_int(tsr__json *json, void *out) { return tsr__json_int(json, out); }
static tsr_status read_double(tsr__json *json, void *out) { return tsr__json_double(json, out); }
static tsr_status read_bool(tsr__json *json, void *out) { return tsr__json_bool(json, out); }

static tsr_status read_string(tsr__json *json, void *out) {
  const char *text;
  TSR_TRY(tsr__json_string(json, &text));
  size_t length = strlen(text);
  TSR_CHECK(length < TSR__CONFIG_STRING_MAX, TSR_UNSUPPORTED,
            TSR__FILE ": " TSR__NAME ": a string of %zu bytes, more than %d", json->file,
            json->subject, length, TSR__CONFIG_STRING_MAX - 1);
  memcpy(out, text, length + 1);
  return TSR_OK;
}

/* Arrays and objects. */
typedef struct many {
  void *out;
  int64_t max, count;
  size_t size; /* of an element */
  read_value read;
} many;

static tsr_status read_array(tsr__json *json, void *out) {
  many *m = out;
  int more = 0;
  TSR_TRY(tsr__json_begin(json, '[', &more));
  for (m->count = 0;; m->count++) {
    TSR_TRY(tsr__json_next(json, ']', &more));
    if (!more) return TSR_OK;
    TSR_CHECK(m->count < m->max, TSR_UNSUPPORTED,
              TSR__FILE ": " TSR__NAME ": more than %lld values", json->file, json->subject,
              (long long)m->max);
    TSR_TRY(m->read(json, (char *)m->out + (size_t)m->count * m->size));
  }
}

static int64_t index_of(const char *text, int64_t count) {
  char *end;
  long long value = strtoll(text, &end, 10);
  int valid = *text >= '0' && *text <= '9' && !*end && value < count;
  return valid ? (int64_t)value : -1;
}

static tsr_status read_labels(tsr__json *json, void *out) {
  many *m = out;
  int more = 0;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    const char *name;
    char *strings = json->strings;
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) return TSR_OK;
    TSR_TRY(tsr__json_key(json, &name));
    int64_t index = index_of(name, m->max);
    if (index < 0)
      return tsr__json_error(json, "the key '%.40s' is no number below %lld", name,
                             (long long)m->max);
    TSR_TRY(read_string(json, (char *)m->out + (size_t)index * m->size));
    json->strings = strings;
  }
}

/* Walks the whole object, so that a repeated key or broken text further on is found. */
static tsr_status find(tsr__json *json, const char *key, read_value read, void *out) {
  int more = 0, seen = 0, found = 0;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    const char *name;
    char *strings = json->strings;
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) break;
    TSR_TRY(tsr__json_key(json, &name));
    int wanted = !strcmp(name, key);
    json->strings = strings;
    if (!wanted) {
      TSR_TRY(tsr__json_skip(json));
      continue;
    }
    json->subject = key;
    if (seen++) return tsr__json_error(json, "the key appears twice");
    found = tsr__json_peek(json) != 'n';
    TSR_TRY(found ? read(json, out) : tsr__json_skip(json));
    json->subject = NULL;
  }
  TSR_TRY(tsr__json_finish(json));
  TSR_CHECK(found, TSR_NOT_FOUND, TSR__FILE ": the key '%s' is missing", json->file, key);
  return TSR_OK;
}

static tsr_status get(const tsr_checkpoint *checkpoint, const char *key, read_value read,
                      void *out) {
  char *path = NULL, *strings = NULL;
  TSR_CHECK(checkpoint && key && out, TSR_INVALID_ARGUMENT, "tsr__config: an argument is NULL");
  const char *text = checkpoint->config;
  TSR_CHECK(text, TSR_NOT_FOUND, TSR__FILE ": no config.json, wanted for '%s'", checkpoint->folder,
            key);
  size_t length = strlen(text);
  tsr_status status = tsr__path_join(checkpoint->folder, "config.json", &path);
  if (status == TSR_OK) status = tsr__calloc(length + 1, 1, path, &strings);
  if (status == TSR_OK) {
    tsr__json json = {
        .file = path, .begin = text, .at = text, .end = text + length, .strings = strings};
    status = find(&json, key, read, out);
  }
  free(strings);
  free(path);
  return status;
}

static tsr_status open_config(tsr_checkpoint *checkpoint, const char *folder, const char *name) {
  char *path;
  TSR_TRY(tsr__path_join(folder, name, &checkpoint->folder));
  TSR_TRY(tsr__path_join(checkpoint->folder, "config.json", &path));
  tsr_status status = tsr__read_text(path, &checkpoint->config);
  free(path);
  return status;
}

tsr_status tsr__config_open(const char *folder, const char *name, tsr_checkpoint **out) {
  *out = NULL;
  tsr_checkpoint *checkpoint;
  TSR_TRY(tsr__calloc(1, sizeof *checkpoint, "a configuration", &checkpoint));
  tsr_status status = open_config(checkpoint, folder, name);
  if (status == TSR_OK)
    *out = checkpoint;
  else
    tsr_checkpoint_close(checkpoint);
  return status;
}

tsr_status tsr__config_int(const tsr_checkpoint *checkpoint, const char *key, int64_t *out) {
  return get(checkpoint, key, read_int, out);
}

tsr_status tsr__config_double(const tsr_checkpoint *checkpoint, const char *key, double *out) {
  return get(checkpoint, key, read_double, out);
}

tsr_status tsr__config_bool(const tsr_checkpoint *checkpoint, const char *key, int *out) {
  return get(checkpoint, key, read_bool, out);
}

tsr_status tsr__config_string(const tsr_checkpoint *checkpoint, const char *key,
                              char out[TSR__CONFIG_STRING_MAX]) {
  return get(checkpoint, key, read_string, out);
}

tsr_status tsr__config_ints(const tsr_checkpoint *checkpoint, const char *key, int64_t *out,
                            int max, int *count) {
  many m = {.out = out, .max = max, .size = sizeof *out, .read = read_int};
  TSR_TRY(get(checkpoint, key, read_array, &m));
  *count = (int)m.count;
  return TSR_OK;
}

tsr_status tsr__config_doubles(const tsr_checkpoint *checkpoint, const char *key, double *out,
                               int max, int *count) {
  many m = {.out = out, .max = max, .size = sizeof *out, .read = read_double};
  TSR_TRY(get(checkpoint, key, read_array, &m));
  *count = (int)m.count;
  return TSR_OK;
}

tsr_status tsr__config_labels(const tsr_checkpoint *checkpoint, const char *key, int64_t count,
                              char (*out)[TSR__CONFIG_STRING_MAX]) {
  many m = {.out = out, .max = count, .size = sizeof *out};
  return get(checkpoint, key, read_labels, &m);
}

tsr_status tsr__config_int_or(const tsr_checkpoint *checkpoint, const char *key, int64_t fallback,
                              int64_t *out) {
  tsr_status status = tsr__config_int(checkpoint, key, out);
  if (status != TSR_NOT_FOUND) return status;
  *out = fallback;
  return TSR_OK;
}

tsr_status tsr__config_double_or(const tsr_checkpoint *checkpoint, const char *key, double fallback,
                                 double *out) {
  tsr_status status = tsr__config_double(checkpoint, key, out);
  if (status != TSR_NOT_FOUND) return status;
  *out = fallback;
  return TSR_OK;
}

tsr_status tsr__config_bool_or(const tsr_checkpoint *checkpoint, const char *key, int fallback,
                               int *out) {
  tsr_status status = tsr__config_bool(checkpoint, key, out);
  if (status != TSR_NOT_FOUND) return status;
  *out = fallback;
  return TSR_OK;
}

tsr_status tsr__config_string_or(const tsr_checkpoint *checkpoint, const char *key,
                                 const char *fallback, char out[TSR__CONFIG_STRING_MAX]) {
  tsr_status status = tsr__config_string(checkpoint, key, out);
  if (status != TSR_NOT_FOUND) return status;
  snprintf(out, TSR__CONFIG_STRING_MAX, "%s", fallback);
  return TSR_OK;
}
