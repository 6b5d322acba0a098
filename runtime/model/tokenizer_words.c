/* From text to normalised words, one pass, no memory: decode UTF-8, drop control characters, set
 * ideographs apart, decompose (NFD), strip accents, lower-case, split at spaces and punctuation. */
#include <string.h>
#include <utf8proc.h>

#include "runtime/model/tokenizer.h"

enum { RUN_MAX = TSR__WORD_CHARS_MAX + 1 };

/* NFD sorts each run of characters of non-zero combining class by that class. Only those that stay
 * after stripping accents are kept here; more than RUN_MAX need not be, because a run never spans
 * words and a word that long is not looked up. */
typedef struct splitter {
  tsr__word_sink *sink;
  void *user;
  int stopped;
  size_t bytes, chars;
  int run_count;
  int32_t run[RUN_MAX];
  uint8_t run_class[RUN_MAX];
  uint8_t word[TSR__WORD_BYTES_MAX];
} splitter;

static void end_word(splitter *s) {
  if (s->chars && !s->stopped) {
    int fits = s->chars <= TSR__WORD_CHARS_MAX;
    s->stopped = !s->sink(s->user, fits ? s->word : NULL, fits ? s->bytes : 0);
  }
  s->bytes = s->chars = 0;
}

static void append(splitter *s, int32_t code) {
  if (s->chars < TSR__WORD_CHARS_MAX)
    s->bytes += (size_t)utf8proc_encode_char(code, s->word + s->bytes);
  s->chars++;
}

/* Appends a character that is neither a space nor an accent. */
static void put(splitter *s, int32_t code) {
  int32_t lower = tsr__char_lower(code);
  int alone = tsr__char_classify(lower) == TSR__CHAR_PUNCTUATION;
  if (alone) end_word(s);
  append(s, lower);
  if (alone) end_word(s);
}

/* Puts the run in the order of its classes; stable. One pass a class: there are few of them. */
static void end_run(splitter *s) {
  for (int left = s->run_count, class = 0; left > 0;) {
    int next = 256;
    for (int i = 0; i < s->run_count; i++)
      if (s->run_class[i] > class && s->run_class[i] < next) next = s->run_class[i];
    for (int i = 0; i < s->run_count; i++)
      if (s->run_class[i] == next) {
        put(s, s->run[i]);
        left--;
      }
    class = next;
  }
  s->run_count = 0;
}

static void put_decomposed(splitter *s, int32_t code) {
  int class = tsr__char_combining_class(code);
  if (class == 0) end_run(s);
  if (tsr__char_classify(code) == TSR__CHAR_ACCENT) return;
  if (class == 0) {
    put(s, code);
  } else if (s->run_count < RUN_MAX) {
    s->run[s->run_count] = code;
    s->run_class[s->run_count++] = (uint8_t) class;
  }
}

static void end_run_and_word(splitter *s) {
  end_run(s);
  end_word(s);
}

static void take(splitter *s, int32_t code) {
  tsr__char_kind kind = tsr__char_classify(code);
  if (kind == TSR__CHAR_DROPPED) return;
  if (kind == TSR__CHAR_SPACE) {
    end_run_and_word(s);
    return;
  }
  int32_t parts[TSR__DECOMPOSITION_MAX];
  int count = tsr__char_decompose(code, parts);
  int ideograph = tsr__char_is_ideograph(code);
  if (ideograph) end_run_and_word(s);
  for (int i = 0; i < count; i++) put_decomposed(s, parts[i]);
  if (ideograph) end_run_and_word(s);
}

int tsr__words(const uint8_t *text, size_t bytes, tsr__word_sink *sink, void *user) {
  splitter s;
  memset(&s, 0, offsetof(splitter, run));
  s.sink = sink;
  s.user = user;
  for (size_t at = 0; at < bytes && !s.stopped;) {
    size_t left = bytes - at;
    utf8proc_int32_t code;
    utf8proc_ssize_t length =
        utf8proc_iterate(text + at, left < 4 ? (utf8proc_ssize_t)left : 4, &code);
    /* U+FFFD, which an invalid byte stands for, is dropped anyway. */
    if (length > 0) take(&s, code);
    at += length > 0 ? (size_t)length : 1;
  }
  end_run_and_word(&s);
  return !s.stopped;
}
