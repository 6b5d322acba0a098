#include "runtime/cli/sweep_results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"

static tsr_status file_error(const tsr__sweep_results *results, const char *what) {
  return tsr__error(TSR_IO, "%s: cannot %s: %s", results->path, what, strerror(errno));
}

static tsr_status lock(const tsr__sweep_results *results) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (!fcntl(results->fd, F_SETLK, &whole)) return TSR_OK;
  TSR_CHECK(errno != EACCES && errno != EAGAIN, TSR_IO, "%s: another sweep is writing it",
            results->path);
  return file_error(results, "lock");
}

/* Parses the lines; *good: the bytes of those that are complete. */
static tsr_status parse(tsr__sweep_results *results, const char *text, size_t size, size_t *good) {
  *good = 0;
  for (size_t number = 1; *good < size; number++) {
    const char *line = text + *good;
    const char *end = memchr(line, '\n', size - *good);
    json_t *record = end ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;
    if (!json_is_object(record)) {
      json_decref(record);
      int last = !end || (size_t)(end + 1 - text) == size;
      TSR_CHECK(last, TSR_MALFORMED, "%s, line %zu: no JSON object", results->path, number);
      results->torn = 1;
      return TSR_OK;
    }
    TSR_CHECK(!json_array_append_new(results->lines, record), TSR_OUT_OF_MEMORY,
              "out of memory for %s", results->path);
    *good = (size_t)(end + 1 - text);
  }
  return TSR_OK;
}

static tsr_status read_lines(tsr__sweep_results *results) {
  tsr__image image = {0};
  size_t good = 0;
  TSR_TRY(tsr__image_map(results->path, &image));
  tsr_status status = parse(results, (const char *)image.bytes, image.size, &good);
  tsr__image_release(&image);
  TSR_TRY(status);
  if (results->torn && ftruncate(results->fd, (off_t)good)) return file_error(results, "cut");
  return TSR_OK;
}

tsr_status tsr__sweep_results_open(const char *path, tsr__sweep_results *out) {
  *out = (tsr__sweep_results){.path = path};
  out->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (out->fd < 0) return file_error(out, "open");
  TSR_TRY(lock(out));
  out->lines = json_array();
  TSR_CHECK(out->lines, TSR_OUT_OF_MEMORY, "out of memory for %s", path);
  return read_lines(out);
}

void tsr__sweep_results_close(tsr__sweep_results *results) {
  if (!results->path) return;
  if (results->fd >= 0) close(results->fd);
  json_decref(results->lines);
  *results = (tsr__sweep_results){0};
}

const json_t *tsr__sweep_results_find(const tsr__sweep_results *results, const char *command) {
  for (size_t i = json_array_size(results->lines); i-- > 0;) {
    const json_t *line = json_array_get(results->lines, i);
    const char *own = json_string_value(json_object_get(line, "command"));
    if (own && !strcmp(own, command)) return line;
  }
  return NULL;
}

static tsr_status write_line(const tsr__sweep_results *results, const json_t *record) {
  char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(9));
  TSR_CHECK(text, TSR_OUT_OF_MEMORY, "out of memory for %s", results->path);
  size_t bytes = strlen(text);
  text[bytes++] = '\n'; /* in the NUL's place */
  ssize_t written = write(results->fd, text, bytes);
  free(text);
  if (written < 0 || (size_t)written < bytes || fsync(results->fd))
    return file_error(results, "write");
  return TSR_OK;
}

tsr_status tsr__sweep_results_append(tsr__sweep_results *results, json_t *record) {
  TSR_CHECK(record, TSR_OUT_OF_MEMORY, "out of memory for %s", results->path);
  tsr_status status = write_line(results, record);
  if (json_array_append_new(results->lines, record) && status == TSR_OK)
    status = tsr__error(TSR_OUT_OF_MEMORY, "out of memory for %s", results->path);
  return status;
}
