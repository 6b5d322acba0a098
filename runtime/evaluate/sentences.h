/* Film reviews that people rated. */
#ifndef TESSERA_EVALUATE_SENTENCES_H
#define TESSERA_EVALUATE_SENTENCES_H

#include "runtime/evaluate/texts.h"

#define TSR__SENTENCES_FILE "movieReviewSnippets_GroundTruth.txt"

typedef struct tsr__rated {
  tsr__texts texts;
  double *ratings; /* [texts.count]: the mean of -4..4, never 0 */
  size_t capacity;
} tsr__rated;

/* Lines are id, TAB, rating, TAB, text. Those with a rating of exactly 0 are left out; of the rest,
 * every line whose number (from 0) is divisible by 5 is for testing. */
typedef struct tsr__sentences {
  tsr__rated test, training;
} tsr__sentences;

/* TSR_MALFORMED names file and line; also if one of the two lists has no rating above, or none
 * below 0. out is released by the caller also after a failure. */
tsr_status tsr__sentences_read(const char *path, tsr__sentences *out);
void tsr__sentences_release(tsr__sentences *sentences);

#endif
