#include "bench/shapes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

enum { LINE_MAX_BYTES = 1024 };

static const char *const blanks = " \t\r\n";

/* Where an error was found. */
typedef struct {
  const char *path;
  int line;
} place;

static tsr_status parse_size(const char *word, const char *which, place at, int64_t *out) {
  TSR_CHECK(word, TSR_MALFORMED, "%s:%d: %s is missing (a line is `m k n [name]`)", at.path,
            at.line, which);
  char *end;
  errno = 0;
  long long value = strtoll(word, &end, 10);
  TSR_CHECK(end != word && !*end && !errno && value >= 1 && value <= TSR__SHAPE_SIZE_MAX,
            TSR_MALFORMED, "%s:%d: %s is '%s', not a number from 1 to %d", at.path, at.line, which,
            word, TSR__SHAPE_SIZE_MAX);
  *out = value;
  return TSR_OK;
}

static tsr_status parse_name(char **rest, place at, tsr__shape *shape) {
  const char *name = strtok_r(NULL, blanks, rest);
  if (!name) {
    snprintf(shape->name, sizeof shape->name, "%lldx%lld", (long long)shape->m,
             (long long)shape->k);
    return TSR_OK;
  }
  size_t length = strlen(name);
  TSR_CHECK(length < sizeof shape->name, TSR_MALFORMED, "%s:%d: the name '%s' is longer than %d",
            at.path, at.line, name, TSR__SHAPE_NAME_MAX - 1);
  memcpy(shape->name, name, length + 1);
  const char *surplus = strtok_r(NULL, blanks, rest);
  TSR_CHECK(!surplus, TSR_MALFORMED, "%s:%d: '%s' follows the name", at.path, at.line, surplus);
  return TSR_OK;
}

/* Adds the shape that the line holds, if any. */
static tsr_status parse_line(char *line, place at, tsr__shapes *out) {
  line[strcspn(line, "#")] = '\0';
  char *rest;
  const char *word = strtok_r(line, blanks, &rest);
  if (!word) return TSR_OK;
  tsr__shape shape;
  TSR_TRY(parse_size(word, "m", at, &shape.m));
  TSR_TRY(parse_size(strtok_r(NULL, blanks, &rest), "k", at, &shape.k));
  TSR_TRY(parse_size(strtok_r(NULL, blanks, &rest), "n", at, &shape.n));
  TSR_TRY(parse_name(&rest, at, &shape));
  tsr__shape *items = realloc(out->items, (out->count + 1) * sizeof *items);
  TSR_CHECK(items, TSR_OUT_OF_MEMORY, "out of memory: %zu shapes", out->count + 1);
  out->items = items;
  out->items[out->count++] = shape;
  return TSR_OK;
}

static tsr_status parse_stream(FILE *stream, const char *path, tsr__shapes *out) {
  char line[LINE_MAX_BYTES];
  place at = {path, 0};
  while (fgets(line, sizeof line, stream)) {
    at.line++;
    TSR_CHECK(strchr(line, '\n') || feof(stream), TSR_MALFORMED, "%s:%d: longer than %d bytes",
              path, at.line, LINE_MAX_BYTES - 2);
    TSR_TRY(parse_line(line, at, out));
  }
  TSR_CHECK(!ferror(stream), TSR_IO, "%s: %s", path, strerror(errno));
  TSR_CHECK(out->count, TSR_MALFORMED, "%s: holds no shapes (a line is `m k n [name]`)", path);
  return TSR_OK;
}

tsr_status tsr__shapes_load(const char *path, tsr__shapes *out) {
  TSR_CHECK(path && out, TSR_INVALID_ARGUMENT, "shapes: a path and a result are needed");
  *out = (tsr__shapes){0};
  FILE *stream = fopen(path, "r");
  TSR_CHECK(stream, errno == ENOENT ? TSR_NOT_FOUND : TSR_IO, "%s: %s", path, strerror(errno));
  tsr_status status = parse_stream(stream, path, out);
  fclose(stream);
  if (status != TSR_OK) tsr__shapes_release(out);
  return status;
}

void tsr__shapes_release(tsr__shapes *shapes) {
  if (!shapes) return;
  free(shapes->items);
  *shapes = (tsr__shapes){0};
}
