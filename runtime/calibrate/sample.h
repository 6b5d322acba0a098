/* Seeded samples, and that of the lines of text files. */
#ifndef TESSERA_CALIBRATE_SAMPLE_H
#define TESSERA_CALIBRATE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/status.h"

/* Reservoir sampling (Vitter's algorithm R): every item so far is in the sample with the same
 * probability. */
typedef struct tsr__reservoir {
  int64_t capacity, seen;
  uint64_t state; /* of the generator; the seed at first */
} tsr__reservoir;

/* The place, 0 .. capacity - 1, that the next item takes, from another one if need be; -1: none. */
int64_t tsr__reservoir_offer(tsr__reservoir *reservoir);

typedef struct tsr__sample_line {
  char *text; /* owned */
  size_t bytes;
  int64_t number; /* among all lines that count */
} tsr__sample_line;

typedef struct tsr__sample {
  tsr__sample_line *lines; /* [reservoir.capacity], in their order */
  int64_t count;
  tsr__reservoir reservoir;
} tsr__sample;

/* Release the sample either way. */
tsr_status tsr__sample_read(const char *const *paths, size_t count, int64_t capacity, uint64_t seed,
                            tsr__sample *out);
void tsr__sample_release(tsr__sample *sample);

#endif
