#include "runtime/base/pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

/* The whole text of the kinds that have no sizes. */
static const char *const names[TSR_PATTERN_COUNT] = {
    [TSR_PATTERN_DENSE] = "dense",
    [TSR_PATTERN_IRREGULAR] = "irregular",
    [TSR_PATTERN_ROW] = "row",
    [TSR_PATTERN_COLUMN] = "column",
};

/* Reads a number in low..high and, unless it is 0, the character after it; moves *at on. */
static tsr_status number(const char *text, const char **at, const char *what, int low, int high,
                         char after, int32_t *out) {
  char *end = NULL;
  long value = isdigit((unsigned char)**at) ? strtol(*at, &end, 10) : -1;
  TSR_CHECK(end && *end == after, TSR_INVALID_ARGUMENT, "pattern '%s': %s is expected at '%s'",
            text, what, *at);
  TSR_CHECK(value >= low && value <= high, TSR_INVALID_ARGUMENT,
            "pattern '%s': %s is %.20s, not in %d..%d", text, what, *at, low, high);
  *out = (int32_t)value;
  *at = after ? end + 1 : end;
  return TSR_OK;
}

static tsr_status parse_nm(const char *text, const char *at, tsr_pattern *out) {
  TSR_TRY(number(text, &at, "n (of N:M)", 1, TSR__GROUP_MAX, ':', &out->n));
  TSR_TRY(number(text, &at, "m (of N:M)", 1, TSR__GROUP_MAX, 0, &out->m));
  TSR_CHECK(out->n <= out->m, TSR_INVALID_ARGUMENT, "pattern '%s': n = %d is above m = %d", text,
            out->n, out->m);
  return TSR_OK;
}

static tsr_status parse_vnm(const char *text, const char *at, tsr_pattern *out) {
  out->kind = TSR_PATTERN_VNM;
  TSR_TRY(number(text, &at, "v (of V:N:M)", 1, INT32_MAX, ':', &out->v));
  TSR_TRY(parse_nm(text, at, out));
  TSR_CHECK(out->n == TSR__VNM_KEPT, TSR_INVALID_ARGUMENT,
            "pattern '%s': n = %d; vnm supports n = 2 only", text, out->n);
  TSR_CHECK(out->m >= TSR__VNM_COLUMNS, TSR_INVALID_ARGUMENT,
            "pattern '%s': m = %d; vnm needs m >= 4", text, out->m);
  return TSR_OK;
}

static tsr_status parse_block(const char *text, const char *at, tsr_pattern *out) {
  const char *plus = strchr(at, '+');
  out->kind = plus ? TSR_PATTERN_BLOCK_NM : TSR_PATTERN_BLOCK;
  TSR_TRY(number(text, &at, "rows (of RxC)", 1, TSR__BLOCK_MAX, 'x', &out->block_rows));
  TSR_TRY(number(text, &at, "cols (of RxC)", 1, TSR__BLOCK_MAX, plus ? '+' : 0, &out->block_cols));
  return plus ? parse_nm(text, at, out) : TSR_OK;
}

static tsr_status parse(const char *text, tsr_pattern *out) {
  for (int k = 0; k < TSR_PATTERN_COUNT; k++)
    if (names[k] && !strcmp(text, names[k])) {
      out->kind = (tsr_pattern_kind)k;
      return TSR_OK;
    }
  if (!strncmp(text, "block:", 6)) return parse_block(text, text + 6, out);
  if (!strncmp(text, "vnm:", 4)) return parse_vnm(text, text + 4, out);
  out->kind = TSR_PATTERN_NM;
  if (isdigit((unsigned char)*text)) return parse_nm(text, text, out);
  return tsr__error(TSR_INVALID_ARGUMENT,
                    "pattern '%.60s' is none of dense, irregular, row, column, block:RxC, N:M, "
                    "vnm:V:2:M, block:RxC+N:M",
                    text);
}

tsr_status tsr_pattern_parse(const char *text, tsr_pattern *out) {
  TSR_CHECK(text && out, TSR_INVALID_ARGUMENT, "tsr_pattern_parse: an argument is NULL");
  tsr_pattern pattern = {.kind = TSR_PATTERN_DENSE};
  TSR_TRY(parse(text, &pattern));
  *out = pattern;
  return TSR_OK;
}

void tsr_pattern_text(const tsr_pattern *pattern, char text[TSR_PATTERN_TEXT_MAX]) {
  if (!text) return;
  const tsr_pattern *p = pattern;
  const size_t size = TSR_PATTERN_TEXT_MAX;
  if (!p || (unsigned)p->kind >= TSR_PATTERN_COUNT)
    snprintf(text, size, "unknown");
  else if (names[p->kind])
    snprintf(text, size, "%s", names[p->kind]);
  else if (p->kind == TSR_PATTERN_BLOCK)
    snprintf(text, size, "block:%dx%d", p->block_rows, p->block_cols);
  else if (p->kind == TSR_PATTERN_NM)
    snprintf(text, size, "%d:%d", p->n, p->m);
  else if (p->kind == TSR_PATTERN_VNM)
    snprintf(text, size, "vnm:%d:%d:%d", p->v, p->n, p->m);
  else
    snprintf(text, size, "block:%dx%d+%d:%d", p->block_rows, p->block_cols, p->n, p->m);
}

static tsr_status check_range(const char *what, int32_t value, int32_t low, int32_t high) {
  TSR_CHECK(value >= low && value <= high, TSR_INVALID_ARGUMENT, "pattern: %s is %d, not in %d..%d",
            what, value, low, high);
  return TSR_OK;
}

tsr_status tsr__pattern_check(const tsr_pattern *p) {
  TSR_CHECK(p, TSR_INVALID_ARGUMENT, "pattern is NULL");
  TSR_CHECK((unsigned)p->kind < TSR_PATTERN_COUNT, TSR_INVALID_ARGUMENT,
            "pattern: kind %d does not exist", (int)p->kind);
  int blocks = p->kind == TSR_PATTERN_BLOCK || p->kind == TSR_PATTERN_BLOCK_NM;
  int panels = p->kind == TSR_PATTERN_VNM;
  int groups = panels || p->kind == TSR_PATTERN_NM || p->kind == TSR_PATTERN_BLOCK_NM;
  if (blocks) {
    TSR_TRY(check_range("block_rows", p->block_rows, 1, TSR__BLOCK_MAX));
    TSR_TRY(check_range("block_cols", p->block_cols, 1, TSR__BLOCK_MAX));
  }
  if (groups) {
    TSR_TRY(check_range("m", p->m, panels ? TSR__VNM_COLUMNS : 1, TSR__GROUP_MAX));
    TSR_TRY(check_range("n", p->n, panels ? TSR__VNM_KEPT : 1, panels ? TSR__VNM_KEPT : p->m));
  }
  return panels ? check_range("v", p->v, 1, INT32_MAX) : TSR_OK;
}
