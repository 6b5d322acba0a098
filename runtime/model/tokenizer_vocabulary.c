#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/model/tokenizer.h"

/* Nodes are no more than bytes + 1, and an edge's key packs a node and a byte into 32 bits. */
enum { FILE_BYTES_MAX = (1 << 24) - 2 };

struct tsr__edge {
  uint32_t key; /* node << 8 | byte; 0 = free, for a token holds no NUL */
  uint32_t child;
};

static struct tsr__edge *slot_of(const tsr__vocabulary *v, uint32_t key) {
  uint32_t hash = key * 2654435769u;
  for (uint32_t slot = hash ^ hash >> 15;; slot++) {
    struct tsr__edge *edge = &v->edges[slot & v->edge_mask];
    if (edge->key == key || edge->key == 0) return edge;
  }
}

/* 0 if there is no such edge: the root is nobody's child. */
static uint32_t child_of(const tsr__vocabulary *v, uint32_t node, uint8_t byte) {
  return slot_of(v, node << 8 | byte)->child;
}

static int32_t *insert(tsr__vocabulary *v, const char *token) {
  uint32_t node = 0;
  for (const uint8_t *byte = (const uint8_t *)token; *byte; byte++) {
    uint32_t key = node << 8 | *byte;
    struct tsr__edge *edge = slot_of(v, key);
    if (edge->key == 0) {
      edge->key = key;
      edge->child = v->nodes;
      v->node_token[v->nodes++] = TSR__NO_TOKEN;
    }
    node = edge->child;
  }
  return &v->node_token[node];
}

static tsr_status read_text(const char *path, char **text, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return tsr__error(errno == ENOENT ? TSR_NOT_FOUND : TSR_IO, "%s: %s", path, strerror(errno));
  tsr_status status = TSR_OK;
  size_t capacity = 1 << 16, used = 0;
  char *buffer = NULL;
  for (;;) {
    char *larger = realloc(buffer, capacity + 1);
    if (!larger) {
      status = tsr__error(TSR_OUT_OF_MEMORY, "%s: out of memory: %zu bytes", path, capacity);
      goto done;
    }
    buffer = larger;
    used += fread(buffer + used, 1, capacity - used, file);
    if (used < capacity || used > FILE_BYTES_MAX) break;
    capacity *= 2;
  }
  if (ferror(file))
    status = tsr__error(TSR_IO, "%s: %s", path, strerror(errno));
  else if (used > FILE_BYTES_MAX)
    status =
        tsr__error(TSR_UNSUPPORTED, "%s: a vocabulary of more than %d bytes", path, FILE_BYTES_MAX);
done:
  fclose(file);
  if (status != TSR_OK) {
    free(buffer);
    return status;
  }
  buffer[used] = 0;
  *text = buffer;
  *bytes = used;
  return TSR_OK;
}

static int valid_utf8(const char *text, size_t bytes) {
  for (size_t at = 0; at < bytes;) {
    utf8proc_int32_t code;
    utf8proc_ssize_t length =
        utf8proc_iterate((const uint8_t *)text + at, (utf8proc_ssize_t)(bytes - at), &code);
    if (length <= 0) return 0;
    at += (size_t)length;
  }
  return 1;
}

static tsr_status add_line(tsr__vocabulary *v, const char *path, char *line, size_t bytes) {
  size_t number = v->count + 1;
  if (bytes && line[bytes - 1] == '\r') bytes--;
  line[bytes] = 0;
  TSR_CHECK(bytes, TSR_MALFORMED, "%s: line %zu is empty", path, number);
  TSR_CHECK(strlen(line) == bytes, TSR_MALFORMED, "%s: line %zu holds a NUL", path, number);
  TSR_CHECK(valid_utf8(line, bytes), TSR_MALFORMED, "%s: line %zu is not valid UTF-8", path,
            number);
  int32_t *id = insert(v, line);
  TSR_CHECK(*id == TSR__NO_TOKEN, TSR_MALFORMED, "%s: line %zu repeats '%s' of line %d", path,
            number, line, *id + 1);
  *id = (int32_t)v->count;
  v->tokens[v->count++] = line;
  return TSR_OK;
}

static tsr_status add_lines(tsr__vocabulary *v, const char *path, size_t bytes) {
  for (char *line = v->text, *end = v->text + bytes; line < end;) {
    char *stop = memchr(line, '\n', (size_t)(end - line));
    if (!stop) stop = end;
    TSR_TRY(add_line(v, path, line, (size_t)(stop - line)));
    line = stop + 1;
  }
  return TSR_OK;
}

static size_t count_lines(const char *text, size_t bytes) {
  size_t lines = 1;
  for (const char *at = text; (at = memchr(at, '\n', bytes - (size_t)(at - text))); at++) lines++;
  return lines;
}

tsr_status tsr__vocabulary_read(const char *path, tsr__vocabulary *v) {
  memset(v, 0, sizeof *v);
  size_t bytes = 0, slots = 16;
  TSR_TRY(read_text(path, &v->text, &bytes));
  while (slots < 2 * bytes) slots *= 2;
  v->edge_mask = (uint32_t)(slots - 1);
  size_t lines = count_lines(v->text, bytes);
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__calloc(lines, sizeof *v->tokens, "the vocabulary", &v->tokens), fail);
  TSR_TRY_GOTO(status, tsr__calloc(slots, sizeof *v->edges, "the vocabulary", &v->edges), fail);
  TSR_TRY_GOTO(status,
               tsr__calloc(bytes + 1, sizeof *v->node_token, "the vocabulary", &v->node_token),
               fail);
  v->node_token[v->nodes++] = TSR__NO_TOKEN;
  TSR_TRY_GOTO(status, add_lines(v, path, bytes), fail);
  uint32_t hash = child_of(v, 0, '#');
  v->suffix_root = hash ? child_of(v, hash, '#') : 0;
  return TSR_OK;

fail:
  tsr__vocabulary_free(v);
  return status;
}

void tsr__vocabulary_free(tsr__vocabulary *v) {
  free(v->text);
  free(v->tokens);
  free(v->edges);
  free(v->node_token);
  memset(v, 0, sizeof *v);
}

int32_t tsr__vocabulary_longest(const tsr__vocabulary *v, const uint8_t *text, size_t bytes,
                                int continuation, size_t *matched) {
  int32_t best = TSR__NO_TOKEN;
  uint32_t node = continuation ? v->suffix_root : 0;
  if (continuation && !node) return best;
  for (size_t i = 0; i < bytes; i++) {
    node = child_of(v, node, text[i]);
    if (!node) break;
    if (v->node_token[node] != TSR__NO_TOKEN) {
      best = v->node_token[node];
      *matched = i + 1;
    }
  }
  return best;
}

int32_t tsr__vocabulary_find(const tsr__vocabulary *v, const char *text) {
  size_t bytes = strlen(text), matched = 0;
  int32_t token = tsr__vocabulary_longest(v, (const uint8_t *)text, bytes, 0, &matched);
  return matched == bytes ? token : TSR__NO_TOKEN;
}
