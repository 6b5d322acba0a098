/* Queries and documents from WordNet's data files (wndb(5WN)). */
#ifndef TESSERA_EVALUATE_WORDNET_H
#define TESSERA_EVALUATE_WORDNET_H

#include "runtime/evaluate/texts.h"

/* Query i is a definition; document i is what a search for it should find. Documents are other
 * definitions of the same word (of its next sense within the part of speech), or for a word with
 * one sense the list of its synonyms. */
typedef struct tsr__wordnet {
  tsr__texts queries, documents;
} tsr__wordnet;

enum { TSR__WORDNET_QUERIES = 2000 };

/* folder: with data.noun, data.verb, data.adj and data.adv. Takes words evenly from the alphabet,
 * each sense at most once, so that the same files always give the same queries; fewer than
 * TSR__WORDNET_QUERIES if there are not so many. TSR_MALFORMED names file and line. out is released
 * by the caller also after a failure. */
tsr_status tsr__wordnet_read(const char *folder, tsr__wordnet *out);
void tsr__wordnet_release(tsr__wordnet *wordnet);

#endif
