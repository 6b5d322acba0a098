#include "runtime/cli/config_edit.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/json.h"

enum { EDITS_MAX = 4 };

/* Where the values are that go; NULL = the object has no such member. */
typedef struct span {
  const char *begin;
  size_t bytes;
} span;

static tsr_status visit(tsr__json *json, const tsr__config_edit *edits, int count, span *spans) {
  const char *key;
  char *strings = json->strings;
  TSR_TRY(tsr__json_key(json, &key));
  span *found = NULL;
  for (int i = 0; i < count; i++)
    if (!strcmp(key, edits[i].key)) found = &spans[i];
  if (found && found->begin) return tsr__json_error(json, "the key '%s' comes twice", key);
  tsr__json_peek(json);
  const char *begin = json->at;
  TSR_TRY(tsr__json_skip(json));
  if (found) *found = (span){begin, (size_t)(json->at - begin)};
  json->strings = strings;
  return TSR_OK;
}

/* *members: how many there are; *inside: what follows the opening bracket. */
static tsr_status find(tsr__json *json, const tsr__config_edit *edits, int count, span *spans,
                       int *members, const char **inside) {
  int more = 0;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  *inside = json->at;
  for (*members = 0;; ++*members) {
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) return tsr__json_finish(json);
    TSR_TRY(visit(json, edits, count, spans));
  }
}

static char *append(char *out, const char *text, size_t bytes) {
  memcpy(out, text, bytes);
  return out + bytes;
}

static char *append_text(char *out, const char *text) { return append(out, text, strlen(text)); }

static char *append_missing(char *out, const tsr__config_edit *edits, int count, const span *spans,
                            int members) {
  int left = members;
  for (int i = 0; i < count; i++) left += !spans[i].begin;
  for (int i = 0; i < count; i++) {
    if (spans[i].begin) continue;
    out = append_text(out, "\"");
    out = append_text(out, edits[i].key);
    out = append_text(out, "\": ");
    out = append_text(out, edits[i].value);
    if (--left) out = append_text(out, ", ");
  }
  return out;
}

/* The span that begins first at or after `at`; count = none. */
static int next_span(const char *at, const span *spans, int count) {
  int best = count;
  for (int i = 0; i < count; i++)
    if (spans[i].begin && spans[i].begin >= at &&
        (best == count || spans[i].begin < spans[best].begin))
      best = i;
  return best;
}

static size_t room(const char *text, const tsr__config_edit *edits, int count) {
  size_t bytes = strlen(text) + 1;
  for (int i = 0; i < count; i++)
    bytes += strlen(edits[i].key) + strlen(edits[i].value) + sizeof "\"\": , ";
  return bytes;
}

tsr_status tsr__config_edit_text(const char *file, const char *text, const tsr__config_edit *edits,
                                 int count, char **out) {
  span spans[EDITS_MAX] = {{NULL, 0}};
  int members;
  const char *at;
  char *strings;
  *out = NULL;
  TSR_CHECK(count <= EDITS_MAX, TSR_INVALID_ARGUMENT, "%d edits, more than %d", count, EDITS_MAX);
  TSR_TRY(tsr__calloc(strlen(text) + 1, 1, file, &strings));
  tsr__json json = {
      .file = file, .begin = text, .at = text, .end = text + strlen(text), .strings = strings};
  tsr_status status = find(&json, edits, count, spans, &members, &at);
  free(strings);
  TSR_TRY(status);
  TSR_TRY(tsr__calloc(room(text, edits, count), 1, file, out));
  char *end = append(*out, text, (size_t)(at - text));
  end = append_missing(end, edits, count, spans, members);
  for (int i; (i = next_span(at, spans, count)) < count && spans[i].begin;) {
    end = append(end, at, (size_t)(spans[i].begin - at));
    end = append_text(end, edits[i].value);
    at = spans[i].begin + spans[i].bytes;
  }
  append_text(end, at);
  return TSR_OK;
}
