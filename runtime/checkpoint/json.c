#include "runtime/checkpoint/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"

/* Recursion of tsr__json_skip; far more than any configuration nests. */
enum { DEPTH_MAX = 64, NUMBER_MAX = 64 };

tsr_status tsr__json_error(const tsr__json *json, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  size_t position = (size_t)(json->at - json->begin);
  if (json->subject)
    return tsr__error(TSR_MALFORMED, TSR__FILE ": " TSR__NAME ": byte %zu of the JSON: %s",
                      json->file, json->subject, position, text);
  return tsr__error(TSR_MALFORMED, TSR__FILE ": byte %zu of the JSON: %s", json->file, position,
                    text);
}

static size_t left(const tsr__json *json) { return (size_t)(json->end - json->at); }

char tsr__json_peek(tsr__json *json) {
  while (left(json) && memchr(" \t\r\n", *json->at, 4)) json->at++;
  return left(json) ? *json->at : '\0';
}

/* "expected WHAT, found the byte at hand". */
static tsr_status unexpected(const tsr__json *json, const char *what) {
  if (!left(json)) return tsr__json_error(json, "expected %s, found the end", what);
  unsigned char byte = (unsigned char)*json->at;
  if (byte > ' ' && byte < 0x7f)
    return tsr__json_error(json, "expected %s, found '%c'", what, byte);
  return tsr__json_error(json, "expected %s, found byte 0x%02x", what, byte);
}

tsr_status tsr__json_begin(tsr__json *json, char open, int *more) {
  if (tsr__json_peek(json) != open) return unexpected(json, open == '{' ? "an object" : "an array");
  json->at++;
  *more = -1; /* no member yet, so no comma is due */
  return TSR_OK;
}

tsr_status tsr__json_next(tsr__json *json, char close, int *more) {
  char byte = tsr__json_peek(json);
  if (byte == close) {
    json->at++;
    *more = 0;
    return TSR_OK;
  }
  if (*more > 0) {
    if (byte != ',') return unexpected(json, close == '}' ? "',' or '}'" : "',' or ']'");
    json->at++;
  }
  *more = 1;
  return TSR_OK;
}

size_t tsr__utf8_length(const char *text, size_t bytes) {
  const unsigned char *u = (const unsigned char *)text;
  if (!bytes) return 0;
  if (u[0] < 0x80) return 1;
  size_t length = u[0] >= 0xc2 && u[0] <= 0xdf   ? 2
                  : (u[0] & 0xf0) == 0xe0        ? 3
                  : u[0] >= 0xf0 && u[0] <= 0xf4 ? 4
                                                 : 0;
  if (!length || bytes < length) return 0;
  for (size_t i = 1; i < length; i++)
    if ((u[i] & 0xc0) != 0x80) return 0;
  /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
  if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f)) return 0;
  if ((u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f)) return 0;
  return length;
}

static tsr_status hex4(tsr__json *json, uint32_t *out) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    char byte = left(json) ? *json->at : '\0';
    const char *digits = "0123456789abcdef";
    const char *digit = byte ? strchr(digits, byte >= 'A' && byte <= 'F' ? byte + 32 : byte) : NULL;
    if (!digit) return unexpected(json, "a hexadecimal digit");
    value = value << 4 | (uint32_t)(digit - digits);
    json->at++;
  }
  *out = value;
  return TSR_OK;
}

static void put_utf8(char **out, uint32_t code) {
  char *p = *out;
  if (code < 0x80) {
    *p++ = (char)code;
  } else if (code < 0x800) {
    *p++ = (char)(0xc0 | code >> 6);
    *p++ = (char)(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *p++ = (char)(0xe0 | code >> 12);
    *p++ = (char)(0x80 | (code >> 6 & 0x3f));
    *p++ = (char)(0x80 | (code & 0x3f));
  } else {
    *p++ = (char)(0xf0 | code >> 18);
    *p++ = (char)(0x80 | (code >> 12 & 0x3f));
    *p++ = (char)(0x80 | (code >> 6 & 0x3f));
    *p++ = (char)(0x80 | (code & 0x3f));
  }
  *out = p;
}

/* After "\u". */
static tsr_status unicode_escape(tsr__json *json, char **out) {
  uint32_t code = 0, low = 0;
  TSR_TRY(hex4(json, &code));
  if (!code) return tsr__json_error(json, "a string holds U+0000");
  if (code >= 0xd800 && code <= 0xdfff) {
    if (code >= 0xdc00 || left(json) < 2 || memcmp(json->at, "\\u", 2))
      return tsr__json_error(json, "a string holds half of a surrogate pair");
    json->at += 2;
    TSR_TRY(hex4(json, &low));
    if (low < 0xdc00 || low > 0xdfff)
      return tsr__json_error(json, "a string holds half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  put_utf8(out, code);
  return TSR_OK;
}

/* After the backslash. */
static tsr_status escape(tsr__json *json, char **out) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  char byte = left(json) ? *json->at : '\0';
  if (byte == 'u') {
    json->at++;
    return unicode_escape(json, out);
  }
  const char *found = byte ? strchr(from, byte) : NULL;
  if (!found) return unexpected(json, "an escape");
  *(*out)++ = to[found - from];
  json->at++;
  return TSR_OK;
}

tsr_status tsr__json_string(tsr__json *json, const char **out) {
  if (tsr__json_peek(json) != '"') return unexpected(json, "a string");
  json->at++;
  /* An escape is never shorter than what it stands for, and the quotes leave room for the NUL. */
  char *p = json->strings;
  while (left(json) && *json->at != '"') {
    if (*json->at == '\\') {
      json->at++;
      TSR_TRY(escape(json, &p));
      continue;
    }
    if ((unsigned char)*json->at < 0x20)
      return tsr__json_error(json, "a string holds the control character 0x%02x", *json->at);
    size_t length = tsr__utf8_length(json->at, left(json));
    if (!length) return unexpected(json, "UTF-8");
    memcpy(p, json->at, length);
    p += length;
    json->at += length;
  }
  if (!left(json)) return unexpected(json, "'\"'");
  json->at++;
  *p++ = '\0';
  *out = json->strings;
  json->strings = p;
  return TSR_OK;
}

tsr_status tsr__json_key(tsr__json *json, const char **out) {
  if (tsr__json_peek(json) != '"') return unexpected(json, "a key");
  TSR_TRY(tsr__json_string(json, out));
  if (tsr__json_peek(json) != ':') return unexpected(json, "':'");
  json->at++;
  return TSR_OK;
}

static size_t digits(const tsr__json *json, size_t from) {
  size_t count = 0;
  while (from + count < left(json) && json->at[from + count] >= '0' &&
         json->at[from + count] <= '9')
    count++;
  return count;
}

/* Bytes of the number at hand by JSON's grammar, 0 if there is none; *integer tells its kind. */
static size_t number_length(const tsr__json *json, int *integer) {
  size_t n = left(json) && *json->at == '-' ? 1 : 0;
  size_t whole = digits(json, n);
  if (!whole || (whole > 1 && json->at[n] == '0')) return 0;
  n += whole;
  *integer = 1;
  if (n < left(json) && json->at[n] == '.') {
    size_t fraction = digits(json, n + 1);
    if (!fraction) return 0;
    n += 1 + fraction;
    *integer = 0;
  }
  if (n < left(json) && (json->at[n] | 0x20) == 'e') {
    size_t sign = n + 1 < left(json) && (json->at[n + 1] == '+' || json->at[n + 1] == '-');
    size_t exponent = digits(json, n + 1 + sign);
    if (!exponent) return 0;
    n += 1 + sign + exponent;
    *integer = 0;
  }
  return n;
}

static tsr_status number(tsr__json *json, int want_integer, char text[NUMBER_MAX]) {
  int integer = 0;
  tsr__json_peek(json);
  size_t length = number_length(json, &integer);
  if (!length) return unexpected(json, want_integer ? "an integer" : "a number");
  if (length >= NUMBER_MAX)
    return tsr__json_error(json, "the number %.20s... has %zu characters", json->at, length);
  memcpy(text, json->at, length);
  text[length] = '\0';
  if (want_integer && !integer) return tsr__json_error(json, "%s is not an integer", text);
  json->at += length;
  return TSR_OK;
}

tsr_status tsr__json_int(tsr__json *json, int64_t *out) {
  char text[NUMBER_MAX] = "";
  TSR_TRY(number(json, 1, text));
  int negative = text[0] == '-';
  int64_t value = 0;
  for (const char *p = text + negative; *p; p++) {
    int digit = *p - '0';
    if (value > (INT64_MAX - digit) / 10)
      return tsr__json_error(json, "%s does not fit into 64 bits", text);
    value = value * 10 + digit;
  }
  *out = negative ? -value : value;
  return TSR_OK;
}

/* strtod expects the decimal point of the process's locale. */
static void localise_point(char *text) {
  char half[16];
  snprintf(half, sizeof half, "%.1f", 0.5);
  char *point = strchr(text, '.');
  if (point) *point = half[1];
}

tsr_status tsr__json_double(tsr__json *json, double *out) {
  char text[NUMBER_MAX] = "";
  TSR_TRY(number(json, 0, text));
  localise_point(text);
  double value = strtod(text, NULL);
  if (!isfinite(value)) return tsr__json_error(json, "%s is too large", text);
  *out = value;
  return TSR_OK;
}

static int literal(tsr__json *json, const char *word) {
  size_t length = strlen(word);
  if (left(json) < length || memcmp(json->at, word, length)) return 0;
  json->at += length;
  return 1;
}

tsr_status tsr__json_bool(tsr__json *json, int *out) {
  tsr__json_peek(json);
  *out = literal(json, "true");
  if (!*out && !literal(json, "false")) return unexpected(json, "true or false");
  return TSR_OK;
}

static tsr_status skip(tsr__json *json, int depth) {
  char *strings = json->strings;
  const char *text;
  char number_text[NUMBER_MAX];
  int more = 0;
  char open = tsr__json_peek(json);
  if (open == '"') {
    TSR_TRY(tsr__json_string(json, &text));
    json->strings = strings;
    return TSR_OK;
  }
  if (open != '{' && open != '[') {
    if (literal(json, "true") || literal(json, "false") || literal(json, "null")) return TSR_OK;
    if (open == '-' || (open >= '0' && open <= '9')) return number(json, 0, number_text);
    return unexpected(json, "a value");
  }
  if (depth == DEPTH_MAX) return tsr__json_error(json, "nested more than %d deep", DEPTH_MAX);
  char close = open == '{' ? '}' : ']';
  TSR_TRY(tsr__json_begin(json, open, &more));
  for (;;) {
    TSR_TRY(tsr__json_next(json, close, &more));
    if (!more) return TSR_OK;
    if (open == '{') TSR_TRY(tsr__json_key(json, &text));
    json->strings = strings;
    TSR_TRY(skip(json, depth + 1));
  }
}

tsr_status tsr__json_skip(tsr__json *json) { return skip(json, 0); }

tsr_status tsr__json_finish(tsr__json *json) {
  tsr__json_peek(json);
  return left(json) ? unexpected(json, "the end") : TSR_OK;
}
