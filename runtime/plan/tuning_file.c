/* The file that keeps a tuning: one JSON object,
 *   {"version": "0.1.0", "cpu": "...", "isa": "avx512", "terms": ["call", ...],
 *    "kernels": {"NAME": [microseconds per unit of each term], ...}} */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/atomic_file.h"
#include "runtime/checkpoint/json.h"
#include "runtime/plan/tuning.h"

enum { FILE_BYTES_MAX = 1 << 20, PATH_BYTES_MAX = 4096 };

static const char *const term_names[TSR_COST_TERMS] = {
    [TSR_COST_CALL] = "call",           [TSR_COST_FMA] = "fma",
    [TSR_COST_STEP] = "step",           [TSR_COST_WEIGHT_BYTES] = "weight_bytes",
    [TSR_COST_FAR_BYTES] = "far_bytes", [TSR_COST_ACTIVATION_BYTES] = "activation_bytes",
};

/* ---- where ---- */

static int is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "Intel(R) Xeon(R) Processor" -> "Intel-R-Xeon-R-Processor" */
static void plain_name(const char *name, char *out, size_t size) {
  size_t used = 0;
  for (; *name && used + 1 < size; name++) {
    if (is_plain(*name))
      out[used++] = *name;
    else if (used && out[used - 1] != '-')
      out[used++] = '-';
  }
  while (used && out[used - 1] == '-') used--;
  out[used] = 0;
}

static tsr_status print_path(char *path, size_t size, const char *folder, const char *middle,
                             const char *file) {
  int length = snprintf(path, size, "%s%s%s", folder, middle, file);
  TSR_CHECK(length >= 0 && (size_t)length < size, TSR_INVALID_ARGUMENT,
            "the path of the tuning file is longer than %zu bytes", size);
  return TSR_OK;
}

tsr_status tsr_tuning_default_path(const tsr_hardware *hardware, char *path, size_t size) {
  TSR_CHECK(hardware && path && size, TSR_INVALID_ARGUMENT,
            "tsr_tuning_default_path: NULL argument or no room");
  path[0] = 0;
  const char *chosen = getenv("TESSERA_TUNING");
  if (chosen && chosen[0]) return print_path(path, size, chosen, "", "");
  char cpu[sizeof hardware->name], file[128];
  plain_name(hardware->name, cpu, sizeof cpu);
  snprintf(file, sizeof file, "tuning-%s-%s-%s.json", cpu, tsr_isa_name(tsr__best_isa(hardware)),
           tsr_version());
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  /* The XDG specification has relative paths ignored. */
  if (cache && cache[0] == '/') return print_path(path, size, cache, "/tessera/", file);
  TSR_CHECK(home && home[0], TSR_NOT_FOUND,
            "no place for the tuning file: set TESSERA_TUNING, XDG_CACHE_HOME or HOME");
  return print_path(path, size, home, "/.cache/tessera/", file);
}

/* ---- writing ---- */

static tsr_status make_parents(const char *path) {
  char folder[PATH_BYTES_MAX];
  TSR_TRY(print_path(folder, sizeof folder, path, "", ""));
  for (char *slash = strchr(folder + (folder[0] == '/'), '/'); slash;
       slash = strchr(slash + 1, '/')) {
    *slash = 0;
    TSR_CHECK(!mkdir(folder, 0777) || errno == EEXIST, TSR_IO, "%s: cannot create the folder: %s",
              folder, strerror(errno));
    *slash = '/';
  }
  return TSR_OK;
}

static tsr_status put(tsr__atomic_file *file, const char *text) {
  return tsr__atomic_file_write(file, text, strlen(text));
}

static tsr_status put_string(tsr__atomic_file *file, const char *text) {
  char out[6 * 96 + 3], *at = out;
  *at++ = '"';
  for (; *text && at - out < (ptrdiff_t)sizeof out - 8; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < ' ' || c == '"' || c == '\\' || c > '~')
      at += snprintf(at, 7, "\\u%04x", (unsigned)c);
    else
      *at++ = *text;
  }
  *at++ = '"';
  *at = 0;
  return put(file, out);
}

static tsr_status put_entry(tsr__atomic_file *file, const tsr__tuning_entry *entry) {
  TSR_TRY(put_string(file, entry->kernel));
  for (int t = 0; t < TSR_COST_TERMS; t++) {
    char number[40];
    snprintf(number, sizeof number, "%s%.9g", t ? ", " : ": [", entry->coefficients[t]);
    TSR_TRY(put(file, number));
  }
  return put(file, "]");
}

static tsr_status write_all(tsr__atomic_file *file, const tsr_tuning *tuning) {
  const char *const head[][2] = {
      {"{\n  \"version\": ", tuning->version},
      {",\n  \"cpu\": ", tuning->cpu},
      {",\n  \"isa\": ", tuning->isa},
  };
  for (int i = 0; i < 3; i++) {
    TSR_TRY(put(file, head[i][0]));
    TSR_TRY(put_string(file, head[i][1]));
  }
  for (int t = 0; t < TSR_COST_TERMS; t++) {
    TSR_TRY(put(file, t ? ", " : ",\n  \"terms\": ["));
    TSR_TRY(put_string(file, term_names[t]));
  }
  TSR_TRY(put(file, "],\n  \"kernels\": {"));
  for (int i = 0; i < tuning->count; i++) {
    TSR_TRY(put(file, i ? ",\n    " : "\n    "));
    TSR_TRY(put_entry(file, &tuning->entries[i]));
  }
  return put(file, "\n  }\n}\n");
}

tsr_status tsr_tuning_save(const tsr_tuning *tuning, const char *path) {
  TSR_CHECK(tuning && path && path[0], TSR_INVALID_ARGUMENT, "tsr_tuning_save: NULL argument");
  TSR_TRY(make_parents(path));
  tsr__atomic_file file;
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__atomic_file_open(path, &file), done);
  TSR_TRY_GOTO(status, write_all(&file, tuning), done);
  status = tsr__atomic_file_commit(&file);
done:
  tsr__atomic_file_close(&file);
  return status;
}

/* ---- reading ---- */

/* *text: [*bytes], to be freed by the caller. */
static tsr_status read_file(const char *path, char **text, size_t *bytes) {
  *text = NULL;
  FILE *stream = fopen(path, "rb");
  TSR_CHECK(stream || errno != ENOENT, TSR_NOT_FOUND, "%s: there is no such file", path);
  TSR_CHECK(stream, TSR_IO, "%s: cannot open: %s", path, strerror(errno));
  tsr_status status = tsr__calloc(FILE_BYTES_MAX, 1, "a tuning file", text);
  if (status == TSR_OK) {
    *bytes = fread(*text, 1, FILE_BYTES_MAX, stream);
    if (ferror(stream))
      status = tsr__error(TSR_IO, "%s: cannot read: %s", path, strerror(errno));
    else if (*bytes == FILE_BYTES_MAX)
      status = tsr__error(TSR_MALFORMED, "%s: is larger than %d bytes", path, FILE_BYTES_MAX);
  }
  fclose(stream);
  return status;
}

static tsr_status copy_string(tsr__json *json, char *out, size_t size) {
  const char *text;
  TSR_TRY(tsr__json_string(json, &text));
  if (strlen(text) >= size)
    return tsr__json_error(json, "\"%.40s...\" is longer than %zu bytes", text, size - 1);
  memcpy(out, text, strlen(text) + 1);
  return TSR_OK;
}

/* The coefficients are in the order of this list, so it must be ours. */
static tsr_status read_terms(tsr__json *json) {
  int more, count = 0;
  TSR_TRY(tsr__json_begin(json, '[', &more));
  for (;; count++) {
    TSR_TRY(tsr__json_next(json, ']', &more));
    if (!more) break;
    const char *name;
    TSR_TRY(tsr__json_string(json, &name));
    if (count >= TSR_COST_TERMS || strcmp(name, term_names[count]) != 0)
      return tsr__json_error(json, "term %d is \"%.40s\", not \"%s\"", count, name,
                             count < TSR_COST_TERMS ? term_names[count] : "the end");
  }
  return count == TSR_COST_TERMS
             ? TSR_OK
             : tsr__json_error(json, "%d terms, not %d", count, (int)TSR_COST_TERMS);
}

static tsr_status read_coefficients(tsr__json *json, double *out) {
  int more, count = 0;
  TSR_TRY(tsr__json_begin(json, '[', &more));
  for (;; count++) {
    TSR_TRY(tsr__json_next(json, ']', &more));
    if (!more) break;
    if (count == TSR_COST_TERMS)
      return tsr__json_error(json, "more than %d coefficients", (int)TSR_COST_TERMS);
    TSR_TRY(tsr__json_double(json, &out[count]));
    if (!(out[count] >= 0.0) || !isfinite(out[count]))
      return tsr__json_error(json, "coefficient %d is %g, not a number from 0", count, out[count]);
  }
  return count == TSR_COST_TERMS
             ? TSR_OK
             : tsr__json_error(json, "%d coefficients, not %d", count, (int)TSR_COST_TERMS);
}

static tsr_status read_kernels(tsr__json *json, tsr_tuning *tuning) {
  int more;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) return TSR_OK;
    const char *name;
    TSR_TRY(tsr__json_key(json, &name));
    json->subject = name;
    if (tuning->count == TSR__TUNING_MAX)
      return tsr__json_error(json, "more than %d kernels", TSR__TUNING_MAX);
    tsr__tuning_entry *entry = &tuning->entries[tuning->count];
    if (strlen(name) >= sizeof entry->kernel)
      return tsr__json_error(json, "a name of more than %zu bytes", sizeof entry->kernel - 1);
    memcpy(entry->kernel, name, strlen(name) + 1);
    TSR_TRY(read_coefficients(json, entry->coefficients));
    json->subject = NULL;
    tuning->count++;
  }
}

static tsr_status read_member(tsr__json *json, const char *key, tsr_tuning *tuning, int *terms) {
  if (strcmp(key, "version") == 0)
    return copy_string(json, tuning->version, sizeof tuning->version);
  if (strcmp(key, "cpu") == 0) return copy_string(json, tuning->cpu, sizeof tuning->cpu);
  if (strcmp(key, "isa") == 0) return copy_string(json, tuning->isa, sizeof tuning->isa);
  if (strcmp(key, "kernels") == 0) return read_kernels(json, tuning);
  if (strcmp(key, "terms") != 0) return tsr__json_error(json, "unknown key \"%.40s\"", key);
  *terms = 1;
  return read_terms(json);
}

static tsr_status parse(tsr__json *json, tsr_tuning *tuning) {
  int more, terms = 0;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) break;
    const char *key;
    TSR_TRY(tsr__json_key(json, &key));
    TSR_TRY(read_member(json, key, tuning, &terms));
  }
  TSR_TRY(tsr__json_finish(json));
  if (!terms || !tuning->version[0] || !tuning->cpu[0] || !tuning->isa[0])
    return tsr__json_error(json, "version, cpu, isa or terms is missing");
  return TSR_OK;
}

static tsr_status check_key(const tsr_tuning *found, const tsr_tuning *wanted, const char *path) {
  TSR_CHECK(strcmp(found->version, wanted->version) == 0, TSR_UNSUPPORTED_HARDWARE,
            "%s: was measured by version %s, this is %s", path, found->version, wanted->version);
  TSR_CHECK(strcmp(found->cpu, wanted->cpu) == 0 && strcmp(found->isa, wanted->isa) == 0,
            TSR_UNSUPPORTED_HARDWARE, "%s: was measured on %s with %s, this is %s with %s", path,
            found->cpu, found->isa, wanted->cpu, wanted->isa);
  return TSR_OK;
}

tsr_status tsr_tuning_load(const char *path, const tsr_hardware *hardware, tsr_tuning **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_tuning_load: out is NULL");
  *out = NULL;
  TSR_CHECK(path && hardware, TSR_INVALID_ARGUMENT, "tsr_tuning_load: NULL argument");
  char *text = NULL, *strings = NULL;
  tsr_tuning *tuning = NULL, *wanted = NULL;
  size_t bytes = 0;
  tsr_status status;
  TSR_TRY_GOTO(status, read_file(path, &text, &bytes), done);
  TSR_TRY_GOTO(status, tsr__calloc(bytes + 1, 1, "a tuning file", &strings), done);
  TSR_TRY_GOTO(status, tsr__calloc(1, sizeof *tuning, "a tuning table", &tuning), done);
  TSR_TRY_GOTO(status, tsr__tuning_create(hardware, &wanted), done);
  tsr__json json = {
      .file = path, .begin = text, .at = text, .end = text + bytes, .strings = strings};
  status = parse(&json, tuning);
  if (status == TSR_OK) status = check_key(tuning, wanted, path);
done:
  free(text);
  free(strings);
  tsr_tuning_destroy(wanted);
  if (status == TSR_OK)
    *out = tuning;
  else
    tsr_tuning_destroy(tuning);
  return status;
}
