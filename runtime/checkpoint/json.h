/* A strict JSON reader that allocates nothing.
 *
 * Checkpoint headers are hostile input of up to 100 MB, and every allocation failure must be
 * survivable. A document tree would multiply the file's size, and jansson's lexer ignores failures
 * while it grows a token (a tensor's name then loses a character). This reader walks the text once
 * and decodes strings into a buffer of the caller's that is as long as the text. */
#ifndef TESSERA_CHECKPOINT_JSON_H
#define TESSERA_CHECKPOINT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/status.h"

typedef struct tsr__json {
  const char *file;    /* for messages */
  const char *subject; /* the tensor or key being read, for messages; NULL = none */
  const char *begin, *at, *end;
  char *strings; /* where the next decoded string goes; at least end - at + 1 bytes left */
} tsr__json;

/* TSR_MALFORMED: "FILE: 'SUBJECT': byte POSITION: ...". */
tsr_status tsr__json_error(const tsr__json *json, const char *format, ...);

/* The first byte of the next value, after white space; '\0' at the end of the text. */
char tsr__json_peek(tsr__json *json);

/* Walk an object or array: begin consumes the bracket; next sets *more = 1 if a member follows
 * (having consumed the comma), or 0 having consumed the closing bracket. *more must be passed back
 * unchanged between calls; begin sets it up. close is '}' or ']'. */
tsr_status tsr__json_begin(tsr__json *json, char open, int *more);
tsr_status tsr__json_next(tsr__json *json, char close, int *more);

/* A member's key and its colon; a string. Decoded, NUL-terminated, valid UTF-8 without U+0000;
 * they live in the strings buffer. */
tsr_status tsr__json_key(tsr__json *json, const char **out);
tsr_status tsr__json_string(tsr__json *json, const char **out);

/* An integer without fraction or exponent. */
tsr_status tsr__json_int(tsr__json *json, int64_t *out);
tsr_status tsr__json_double(tsr__json *json, double *out);
tsr_status tsr__json_bool(tsr__json *json, int *out);

/* Any value, checked and thrown away. */
tsr_status tsr__json_skip(tsr__json *json);

/* Nothing but white space may follow. */
tsr_status tsr__json_finish(tsr__json *json);

/* Bytes of the UTF-8 sequence at text, of which `left` bytes may be read; 0 if it is invalid. */
size_t tsr__utf8_length(const char *text, size_t left);

#endif
