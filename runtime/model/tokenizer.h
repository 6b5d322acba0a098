/* The tokenizer's parts: characters, words, vocabulary. */
#ifndef TESSERA_MODEL_TOKENIZER_H
#define TESSERA_MODEL_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/model.h"

/* ---- characters: tokenizer_char.c ---- */

typedef enum tsr__char_kind {
  TSR__CHAR_PLAIN,
  TSR__CHAR_DROPPED, /* NUL, U+FFFD, control, format and private-use characters */
  TSR__CHAR_SPACE,
  TSR__CHAR_PUNCTUATION,
  TSR__CHAR_ACCENT /* nonspacing mark */
} tsr__char_kind;

enum { TSR__DECOMPOSITION_MAX = 4 }; /* of a code point's full canonical decomposition */

tsr__char_kind tsr__char_classify(int32_t code);
int tsr__char_is_ideograph(int32_t code);    /* what BERT calls a Chinese character */
int tsr__char_combining_class(int32_t code); /* canonical combining class, 0..254 */
int32_t tsr__char_lower(int32_t code);
/* Canonical decomposition; returns how many code points were written, at least one. */
int tsr__char_decompose(int32_t code, int32_t out[TSR__DECOMPOSITION_MAX]);

/* ---- words: tokenizer_words.c ---- */

enum { TSR__WORD_CHARS_MAX = 100, TSR__WORD_BYTES_MAX = 4 * TSR__WORD_CHARS_MAX };

/* Takes a normalised word: UTF-8, or NULL for one of more than TSR__WORD_CHARS_MAX characters.
 * Returns 0 to stop. */
typedef int tsr__word_sink(void *user, const uint8_t *word, size_t bytes);

/* Normalises the text, cuts it into words and hands each to the sink; 0 if the sink stopped. */
int tsr__words(const uint8_t *text, size_t bytes, tsr__word_sink *sink, void *user);

/* ---- vocabulary: tokenizer_vocabulary.c ---- */

enum { TSR__NO_TOKEN = -1 };

/* A trie over the tokens' bytes. Its edges live in one hash table, keyed by (node, byte). */
typedef struct tsr__vocabulary {
  char *text; /* the file, each line ended by NUL */
  const char **tokens;
  size_t count;
  int32_t *node_token; /* [nodes], TSR__NO_TOKEN where no token ends */
  struct tsr__edge *edges;
  uint32_t edge_mask; /* slots - 1 */
  uint32_t nodes;
  uint32_t suffix_root; /* the node of "##"; 0 if no token starts so */
} tsr__vocabulary;

tsr_status tsr__vocabulary_read(const char *path, tsr__vocabulary *out);
void tsr__vocabulary_free(tsr__vocabulary *vocabulary);
/* The longest token that text starts with, as a continuation ("##...") or not; TSR__NO_TOKEN if
 * there is none. *matched: its bytes in text. */
int32_t tsr__vocabulary_longest(const tsr__vocabulary *vocabulary, const uint8_t *text,
                                size_t bytes, int continuation, size_t *matched);
/* The token that equals text. */
int32_t tsr__vocabulary_find(const tsr__vocabulary *vocabulary, const char *text);

#endif
