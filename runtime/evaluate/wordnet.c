#include "runtime/evaluate/wordnet.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"

static const char *const parts_of_speech[] = {"data.noun", "data.verb", "data.adj", "data.adv"};
enum { PARTS = sizeof parts_of_speech / sizeof *parts_of_speech };

typedef struct span {
  const char *text;
  size_t bytes;
} span;

/* A synonym set: words that share a meaning. */
typedef struct sense {
  span definition;
  size_t first_word, words; /* in the list of words */
  int used;
} sense;

/* An occurrence of a word in a sense. */
typedef struct word {
  span text;
  int part;
  size_t sense;
} word;

typedef struct lexicon {
  tsr__image images[PARTS];
  sense *senses;
  size_t sense_count, sense_capacity;
  word *words; /* in the order of the senses */
  size_t word_count, word_capacity;
  const word **sorted; /* [word_count] */
} lexicon;

/* ---- reading ---- */

/* The next field of a line, up to a blank. */
static span next_field(const char **at, const char *end) {
  while (*at < end && **at == ' ') (*at)++;
  span field = {*at, 0};
  while (*at < end && **at != ' ') (*at)++;
  field.bytes = (size_t)(*at - field.text);
  return field;
}

/* An adjective's position is marked behind it, as in "galore(ip)". */
static span without_marker(span text) {
  const char *marker = memchr(text.text, '(', text.bytes);
  if (marker) text.bytes = (size_t)(marker - text.text);
  return text;
}

/* The gloss without its examples: what stands before the first quotation. */
static span definition_of(const char *gloss, const char *end) {
  span s = {gloss, (size_t)(end - gloss)};
  for (const char *at = gloss; at + 2 < end; at++)
    if (at[0] == ';' && at[1] == ' ' && at[2] == '"') {
      s.bytes = (size_t)(at - gloss);
      break;
    }
  while (s.bytes && (*s.text == ' ')) s.text++, s.bytes--;
  while (s.bytes && isspace((unsigned char)s.text[s.bytes - 1])) s.bytes--;
  return s;
}

static tsr_status add_words(lexicon *l, int part, size_t count, const char **at, const char *end,
                            int *complete) {
  for (size_t i = 0; i < count; i++) {
    span text = without_marker(next_field(at, end));
    span id = next_field(at, end);
    *complete = text.bytes && id.bytes;
    if (!*complete) return TSR_OK;
    TSR_TRY(tsr__reserve(&l->words, &l->word_capacity, l->word_count, sizeof *l->words));
    l->words[l->word_count++] = (word){text, part, l->sense_count};
  }
  return TSR_OK;
}

/* "offset file type count word id ... | gloss", the count of words in hexadecimal. */
static tsr_status read_sense(lexicon *l, int part, size_t number, const char *line,
                             const char *end) {
  const char *bar = memchr(line, '|', (size_t)(end - line)), *at = line;
  sense s = {.first_word = l->word_count};
  int complete = bar != NULL;
  if (complete) {
    for (int i = 0; i < 3; i++) next_field(&at, bar);
    span count = next_field(&at, bar);
    char *stop;
    s.words = strtoul(count.text, &stop, 16);
    complete = count.bytes && stop == count.text + count.bytes && s.words && s.words < 1000;
  }
  if (complete) TSR_TRY(add_words(l, part, s.words, &at, bar, &complete));
  TSR_CHECK(complete, TSR_MALFORMED, "%s, line %zu: no synonym set of WordNet",
            parts_of_speech[part], number);
  s.definition = definition_of(bar + 1, end);
  TSR_TRY(tsr__reserve(&l->senses, &l->sense_capacity, l->sense_count, sizeof *l->senses));
  l->senses[l->sense_count++] = s;
  return TSR_OK;
}

/* Lines that begin with blanks are the licence. */
static tsr_status read_file(lexicon *l, int part, const char *folder) {
  char *path;
  TSR_TRY(tsr__path_join(folder, parts_of_speech[part], &path));
  tsr_status status = tsr__image_map(path, &l->images[part]);
  free(path);
  TSR_TRY(status);
  const char *at = (const char *)l->images[part].bytes, *end = at + l->images[part].size;
  for (size_t number = 1; at < end; number++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    TSR_CHECK(newline, TSR_MALFORMED, "%s/%s, line %zu: it does not end", folder,
              parts_of_speech[part], number);
    if (*at != ' ') {
      status = read_sense(l, part, number, at, newline);
      if (status != TSR_OK) return tsr__error_prefix(status, "%s", folder);
    }
    at = newline + 1;
  }
  return TSR_OK;
}

/* ---- choosing ---- */

static int compare_texts(span a, span b) {
  size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
  int order = memcmp(a.text, b.text, bytes);
  return order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static int same_word(const word *a, const word *b) {
  return a->part == b->part && !compare_texts(a->text, b->text);
}

/* By text, part of speech, and place in the file. */
static int by_text(const void *a, const void *b) {
  const word *x = *(const word *const *)a, *y = *(const word *const *)b;
  int order = compare_texts(x->text, y->text);
  if (order) return order;
  if (x->part != y->part) return x->part - y->part;
  return (x->sense > y->sense) - (x->sense < y->sense);
}

static tsr_status sort_words(lexicon *l) {
  TSR_TRY(tsr__calloc(l->word_count, sizeof *l->sorted, "WordNet's words", &l->sorted));
  for (size_t i = 0; i < l->word_count; i++) l->sorted[i] = &l->words[i];
  qsort(l->sorted, l->word_count, sizeof *l->sorted, by_text);
  return TSR_OK;
}

/* The sense that the word at `index` is asked for by, and the one that answers (itself if it is
 * the word's only one, by its synonyms). 0 if there is no question left. */
static int question(const lexicon *l, size_t index, sense **query, sense **document) {
  const word *w = l->sorted[index];
  if (index && same_word(l->sorted[index - 1], w)) return 0;
  *query = *document = &l->senses[w->sense];
  if (index + 1 < l->word_count && same_word(w, l->sorted[index + 1]))
    *document = &l->senses[l->sorted[index + 1]->sense];
  else if ((*query)->words < 2)
    return 0;
  return !(*query)->used && !(*document)->used && (*query)->definition.bytes &&
         (*document)->definition.bytes;
}

static tsr_status add_synonyms(const lexicon *l, const sense *s, tsr__texts *out) {
  TSR_TRY(tsr__texts_add(out, "", 0));
  for (size_t i = 0; i < s->words; i++) {
    if (i) TSR_TRY(tsr__texts_extend(out, ", ", 2));
    span text = l->words[s->first_word + i].text;
    for (size_t b = 0; b < text.bytes; b++)
      TSR_TRY(tsr__texts_extend(out, text.text[b] == '_' ? " " : text.text + b, 1));
  }
  return TSR_OK;
}

static tsr_status add_question(const lexicon *l, sense *query, sense *document, tsr__wordnet *out) {
  TSR_TRY(tsr__texts_add(&out->queries, query->definition.text, query->definition.bytes));
  query->used = document->used = 1;
  if (query == document) return add_synonyms(l, query, &out->documents);
  return tsr__texts_add(&out->documents, document->definition.text, document->definition.bytes);
}

/* The first question at or behind each of so many places, evenly distributed. */
static tsr_status choose(const lexicon *l, tsr__wordnet *out) {
  size_t index = 0;
  for (size_t i = 0; i < TSR__WORDNET_QUERIES && index < l->word_count; i++) {
    sense *query = NULL, *document = NULL;
    size_t place = i * l->word_count / TSR__WORDNET_QUERIES;
    if (index < place) index = place;
    while (index < l->word_count && !question(l, index, &query, &document)) index++;
    if (index == l->word_count || !query || !document) break;
    TSR_TRY(add_question(l, query, document, out));
    index++;
  }
  return TSR_OK;
}

static tsr_status read(const char *folder, lexicon *l, tsr__wordnet *out) {
  for (int part = 0; part < PARTS; part++) TSR_TRY(read_file(l, part, folder));
  TSR_TRY(sort_words(l));
  TSR_TRY(choose(l, out));
  TSR_CHECK(out->queries.count >= 2, TSR_MALFORMED,
            "%s: fewer than two words with synonyms or several meanings", folder);
  return TSR_OK;
}

tsr_status tsr__wordnet_read(const char *folder, tsr__wordnet *out) {
  *out = (tsr__wordnet){0};
  lexicon l = {0};
  tsr_status status = read(folder, &l, out);
  for (int part = 0; part < PARTS; part++) tsr__image_release(&l.images[part]);
  free(l.senses);
  free(l.words);
  free(l.sorted);
  return status;
}

void tsr__wordnet_release(tsr__wordnet *wordnet) {
  tsr__texts_release(&wordnet->queries);
  tsr__texts_release(&wordnet->documents);
}
