/* WordPiece: each word becomes the longest token that it starts with, then the longest
 * continuation, and so on; a word that cannot be covered becomes [UNK]. */
#include "runtime/model/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

/* Tokens that stand for themselves when they occur in a text, before any normalisation. */
enum { UNK, CLS, SEP, PAD, MASK, SPECIAL_COUNT };
static const char *const specials[] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};

struct tsr_tokenizer {
  tsr__vocabulary vocabulary;
  int32_t special[SPECIAL_COUNT]; /* TSR__NO_TOKEN where the vocabulary has none (PAD, MASK) */
};

tsr_status tsr_tokenizer_open(const char *vocab_path, tsr_tokenizer **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_tokenizer_open: out is NULL");
  *out = NULL;
  TSR_CHECK(vocab_path, TSR_INVALID_ARGUMENT, "tsr_tokenizer_open: vocab_path is NULL");
  tsr_tokenizer *tokenizer;
  TSR_TRY(tsr__calloc(1, sizeof *tokenizer, "a tokenizer", &tokenizer));
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__vocabulary_read(vocab_path, &tokenizer->vocabulary), fail);
  for (int i = 0; i < SPECIAL_COUNT; i++) {
    tokenizer->special[i] = tsr__vocabulary_find(&tokenizer->vocabulary, specials[i]);
    if (i <= SEP && tokenizer->special[i] == TSR__NO_TOKEN) {
      status = tsr__error(TSR_MALFORMED, "%s: no line is '%s'", vocab_path, specials[i]);
      goto fail;
    }
  }
  *out = tokenizer;
  return TSR_OK;

fail:
  tsr_tokenizer_close(tokenizer);
  return status;
}

void tsr_tokenizer_close(tsr_tokenizer *tokenizer) {
  if (!tokenizer) return;
  tsr__vocabulary_free(&tokenizer->vocabulary);
  free(tokenizer);
}

size_t tsr_tokenizer_vocabulary(const tsr_tokenizer *tokenizer) {
  return tokenizer ? tokenizer->vocabulary.count : 0;
}

const char *tsr_tokenizer_token(const tsr_tokenizer *tokenizer, int32_t id) {
  if (!tokenizer || id < 0 || (size_t)id >= tokenizer->vocabulary.count) return NULL;
  return tokenizer->vocabulary.tokens[id];
}

typedef struct encoder {
  const tsr_tokenizer *tokenizer;
  int32_t *ids;
  size_t capacity, count, limit; /* limit: ids before [SEP] */
} encoder;

static void store(encoder *e, int32_t id) {
  if (e->count < e->capacity) e->ids[e->count] = id;
  e->count++;
}

/* 0 when the sequence is full. */
static int emit(encoder *e, int32_t id) {
  if (e->count < e->limit) store(e, id);
  return e->count < e->limit;
}

static int take_word(void *user, const uint8_t *word, size_t bytes) {
  encoder *e = user;
  int32_t pieces[TSR__WORD_CHARS_MAX];
  size_t count = 0;
  for (size_t at = 0, matched = 0; at < bytes; at += matched) {
    int32_t piece =
        tsr__vocabulary_longest(&e->tokenizer->vocabulary, word + at, bytes - at, at > 0, &matched);
    if (piece == TSR__NO_TOKEN) return emit(e, e->tokenizer->special[UNK]);
    pieces[count++] = piece;
  }
  if (count == 0) return emit(e, e->tokenizer->special[UNK]); /* too long a word */
  for (size_t i = 0; i < count; i++)
    if (!emit(e, pieces[i])) return 0;
  return 1;
}

/* Which special token the text starts with, or TSR__NO_TOKEN. */
static int32_t special_at(const tsr_tokenizer *tokenizer, const char *text, size_t bytes,
                          size_t *length) {
  for (int i = 0; i < SPECIAL_COUNT; i++) {
    *length = strlen(specials[i]);
    if (bytes >= *length && !memcmp(text, specials[i], *length)) return tokenizer->special[i];
  }
  return TSR__NO_TOKEN;
}

static void encode(encoder *e, const char *text, size_t bytes) {
  const char *start = text, *at = text, *end = text + bytes;
  while (at < end && (at = memchr(at, '[', (size_t)(end - at)))) {
    size_t length;
    int32_t special = special_at(e->tokenizer, at, (size_t)(end - at), &length);
    if (special == TSR__NO_TOKEN) {
      at++;
      continue;
    }
    if (!tsr__words((const uint8_t *)start, (size_t)(at - start), take_word, e)) return;
    if (!emit(e, special)) return;
    start = at += length;
  }
  tsr__words((const uint8_t *)start, (size_t)(end - start), take_word, e);
}

tsr_status tsr_tokenizer_encode(const tsr_tokenizer *tokenizer, const char *text, size_t bytes,
                                size_t max_tokens, int32_t *ids, size_t capacity, size_t *count) {
  TSR_CHECK(tokenizer && count, TSR_INVALID_ARGUMENT, "tsr_tokenizer_encode: an argument is NULL");
  *count = 0;
  TSR_CHECK((text || !bytes) && (ids || !capacity), TSR_INVALID_ARGUMENT,
            "tsr_tokenizer_encode: text or ids is NULL");
  TSR_CHECK(max_tokens >= 2, TSR_INVALID_ARGUMENT,
            "tsr_tokenizer_encode: max_tokens is %zu, and [CLS] and [SEP] take 2", max_tokens);
  encoder e = {tokenizer, ids, capacity, 0, max_tokens - 1};
  store(&e, tokenizer->special[CLS]);
  if (bytes && e.count < e.limit) encode(&e, text, bytes);
  store(&e, tokenizer->special[SEP]);
  *count = e.count;
  TSR_CHECK(e.count <= capacity, TSR_INVALID_ARGUMENT,
            "tsr_tokenizer_encode: %zu ids, but there is room for %zu", e.count, capacity);
  return TSR_OK;
}
