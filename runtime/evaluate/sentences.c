#include "runtime/evaluate/sentences.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"

enum { TEST_EVERY = 5 };

/* A decimal number that fills text[0 .. bytes-1]. */
static int parse_rating(const char *text, size_t bytes, double *out) {
  char copy[48], *end;
  if (!bytes || bytes >= sizeof copy) return 0;
  memcpy(copy, text, bytes);
  copy[bytes] = '\0';
  *out = strtod(copy, &end);
  return end == copy + bytes && fabs(*out) <= 4;
}

static tsr_status add(tsr__rated *rated, double rating, const char *text, size_t bytes) {
  TSR_TRY(
      tsr__reserve(&rated->ratings, &rated->capacity, rated->texts.count, sizeof *rated->ratings));
  rated->ratings[rated->texts.count] = rating;
  return tsr__texts_add(&rated->texts, text, bytes);
}

static tsr_status read_line(const char *path, size_t number, const char *line, size_t bytes,
                            tsr__sentences *out) {
  const char *end = line + bytes;
  const char *tab = memchr(line, '\t', bytes);
  const char *second = tab ? memchr(tab + 1, '\t', (size_t)(end - tab - 1)) : NULL;
  TSR_CHECK(second, TSR_MALFORMED, "%s, line %zu: not id, TAB, rating, TAB, text", path,
            number + 1);
  double rating;
  TSR_CHECK(parse_rating(tab + 1, (size_t)(second - tab - 1), &rating), TSR_MALFORMED,
            "%s, line %zu: '%.*s' is no rating within -4..4", path, number + 1,
            (int)(second - tab - 1 < 24 ? second - tab - 1 : 24), tab + 1);
  if (rating == 0) return TSR_OK;
  return add(number % TEST_EVERY ? &out->training : &out->test, rating, second + 1,
             (size_t)(end - second - 1));
}

static tsr_status read_lines(const char *path, const tsr__image *image, tsr__sentences *out) {
  const char *at = (const char *)image->bytes, *end = at + image->size;
  for (size_t number = 0; at < end; number++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline ? newline : end;
    size_t bytes = (size_t)(stop - at);
    if (bytes && at[bytes - 1] == '\r') bytes--;
    TSR_TRY(read_line(path, number, at, bytes, out));
    at = newline ? newline + 1 : end;
  }
  return TSR_OK;
}

static tsr_status check_both_signs(const char *path, const char *what, const tsr__rated *rated) {
  size_t above = 0;
  for (size_t i = 0; i < rated->texts.count; i++) above += rated->ratings[i] > 0;
  TSR_CHECK(above && above < rated->texts.count, TSR_MALFORMED,
            "%s: %zu lines for %s, %zu of them rated above 0; both signs are needed", path,
            rated->texts.count, what, above);
  return TSR_OK;
}

tsr_status tsr__sentences_read(const char *path, tsr__sentences *out) {
  *out = (tsr__sentences){0};
  tsr__image image = {0};
  TSR_TRY(tsr__image_map(path, &image));
  tsr_status status = read_lines(path, &image, out);
  tsr__image_release(&image);
  TSR_TRY(status);
  TSR_TRY(check_both_signs(path, "testing", &out->test));
  return check_both_signs(path, "training", &out->training);
}

static void release(tsr__rated *rated) {
  tsr__texts_release(&rated->texts);
  free(rated->ratings);
}

void tsr__sentences_release(tsr__sentences *sentences) {
  release(&sentences->test);
  release(&sentences->training);
  *sentences = (tsr__sentences){0};
}
