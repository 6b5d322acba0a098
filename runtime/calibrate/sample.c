#include "runtime/calibrate/sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

/* splitmix64 (Steele, Lea, Flood, 2014). */
static uint64_t next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* 0 .. bound - 1, all equally likely: the numbers above the last multiple of bound are drawn again.
 */
static int64_t below(uint64_t *state, int64_t bound) {
  uint64_t n = (uint64_t)bound, limit = UINT64_MAX - UINT64_MAX % n, value;
  do value = next(state);
  while (value >= limit);
  return (int64_t)(value % n);
}

static int is_blank(const char *text, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (!strchr(" \t\v\f\r", text[i]) || !text[i]) return 0;
  return 1;
}

int64_t tsr__reservoir_offer(tsr__reservoir *r) {
  int64_t number = r->seen++;
  if (number < r->capacity) return number;
  int64_t place = below(&r->state, number + 1);
  return place < r->capacity ? place : -1;
}

static tsr_status offer(tsr__sample *sample, const char *text, size_t bytes) {
  int64_t number = sample->reservoir.seen, place = tsr__reservoir_offer(&sample->reservoir);
  if (place < 0) return TSR_OK;
  char *copy;
  TSR_TRY(tsr__calloc(bytes + 1, 1, "a line of the calibration", &copy));
  memcpy(copy, text, bytes);
  free(sample->lines[place].text);
  sample->lines[place] = (tsr__sample_line){copy, bytes, number};
  if (place == sample->count) sample->count++;
  return TSR_OK;
}

static tsr_status read_lines(tsr__sample *sample, const char *path, FILE *stream, char **line,
                             size_t *capacity) {
  for (;;) {
    errno = 0;
    ssize_t bytes = getline(line, capacity, stream);
    if (bytes < 0) {
      TSR_CHECK(errno != ENOMEM, TSR_OUT_OF_MEMORY, "%s: no memory for a line", path);
      TSR_CHECK(!ferror(stream), TSR_IO, "%s: cannot read: %s", path, strerror(errno));
      return TSR_OK;
    }
    size_t length = (size_t)bytes;
    if (length && (*line)[length - 1] == '\n') length--;
    if (length && (*line)[length - 1] == '\r') length--;
    if (!is_blank(*line, length)) TSR_TRY(offer(sample, *line, length));
  }
}

static tsr_status read_file(tsr__sample *sample, const char *path) {
  FILE *stream = fopen(path, "rb");
  TSR_CHECK(stream, errno == ENOENT ? TSR_NOT_FOUND : TSR_IO, "%s: cannot read: %s", path,
            strerror(errno));
  char *line = NULL;
  size_t capacity = 0;
  tsr_status status = read_lines(sample, path, stream, &line, &capacity);
  free(line);
  fclose(stream);
  return status;
}

static int by_number(const void *a, const void *b) {
  int64_t x = ((const tsr__sample_line *)a)->number, y = ((const tsr__sample_line *)b)->number;
  return (x > y) - (x < y);
}

tsr_status tsr__sample_read(const char *const *paths, size_t count, int64_t capacity, uint64_t seed,
                            tsr__sample *out) {
  *out = (tsr__sample){.reservoir = {.capacity = capacity, .state = seed}};
  TSR_TRY(tsr__calloc((size_t)capacity, sizeof *out->lines, "the calibration", &out->lines));
  for (size_t i = 0; i < count; i++) TSR_TRY(read_file(out, paths[i]));
  qsort(out->lines, (size_t)out->count, sizeof *out->lines, by_number);
  return TSR_OK;
}

void tsr__sample_release(tsr__sample *sample) {
  for (int64_t i = 0; sample->lines && i < sample->count; i++) free(sample->lines[i].text);
  free(sample->lines);
  *sample = (tsr__sample){0};
}
