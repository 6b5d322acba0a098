#include "bench/shapes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

enum { LINE_MAX_BYTES = 1024 };

static const char *const blanks = " \t\r\n";

/* Where an error was found. */
typedef struct {
  const char *path;
  int line;
} place;

static tsr_status parse_size(const char *word, const char *which, int least, place at,
                             int64_t *out) {
  TSR_CHECK(word, TSR_MALFORMED,
            "%s:%d: %s is missing (a line is `m k n [name]` or `conv cin cout h w kernel stride "
            "padding layers [name]`)",
            at.path, at.line, which);
  char *end;
  errno = 0;
  long long value = strtoll(word, &end, 10);
  TSR_CHECK(end != word && !*end && !errno && value >= least && value <= TSR__SHAPE_SIZE_MAX,
            TSR_MALFORMED, "%s:%d: %s is '%s', not a number from %d to %d", at.path, at.line, which,
            word, least, TSR__SHAPE_SIZE_MAX);
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

/* What follows the word conv. */
static tsr_status parse_conv(char **rest, place at, tsr__shape *shape) {
  enum { CHANNELS, FILTERS, HEIGHT, WIDTH, KERNEL, STRIDE, PADDING, LAYERS, FIELDS };
  static const char *const names[FIELDS] = {"cin",    "cout",   "h",       "w",
                                            "kernel", "stride", "padding", "layers"};
  int64_t v[FIELDS];
  for (int i = 0; i < FIELDS; i++)
    TSR_TRY(parse_size(strtok_r(NULL, blanks, rest), names[i], i == PADDING ? 0 : 1, at, &v[i]));
  int32_t kernel = (int32_t)v[KERNEL], stride = (int32_t)v[STRIDE], pad = (int32_t)v[PADDING];
  shape->conv = (tsr_conv_shape){.height = v[HEIGHT],
                                 .width = v[WIDTH],
                                 .channels = v[CHANNELS],
                                 .kernel = {kernel, kernel},
                                 .stride = {stride, stride},
                                 .padding = {pad, pad},
                                 .dilation = {1, 1}};
  shape->layers = v[LAYERS];
  shape->m = v[FILTERS];
  int64_t rows = tsr_conv_output_size(&shape->conv, 0);
  TSR_CHECK(tsr__mul_i64(v[KERNEL] * v[KERNEL], v[CHANNELS], &shape->k) &&
                tsr__mul_i64(rows, tsr_conv_output_size(&shape->conv, 1), &shape->n) &&
                shape->k <= TSR__SHAPE_SIZE_MAX && shape->n >= 1 && shape->n <= TSR__SHAPE_SIZE_MAX,
            TSR_MALFORMED, "%s:%d: a kernel of %lld over %lld x %lld x %lld", at.path, at.line,
            (long long)v[KERNEL], (long long)v[HEIGHT], (long long)v[WIDTH],
            (long long)v[CHANNELS]);
  return TSR_OK;
}

/* Adds the shape that the line holds, if any. */
static tsr_status parse_line(char *line, place at, tsr__shapes *out) {
  line[strcspn(line, "#")] = '\0';
  char *rest;
  const char *word = strtok_r(line, blanks, &rest);
  if (!word) return TSR_OK;
  tsr__shape shape = {.layers = 1};
  if (!strcmp(word, "conv")) {
    TSR_TRY(parse_conv(&rest, at, &shape));
  } else {
    TSR_TRY(parse_size(word, "m", 1, at, &shape.m));
    TSR_TRY(parse_size(strtok_r(NULL, blanks, &rest), "k", 1, at, &shape.k));
    TSR_TRY(parse_size(strtok_r(NULL, blanks, &rest), "n", 1, at, &shape.n));
  }
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
