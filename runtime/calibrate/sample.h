/* A seeded sample of the lines of text files. */
#ifndef TESSERA_CALIBRATE_SAMPLE_H
#define TESSERA_CALIBRATE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/status.h"

typedef struct tsr__sample_line {
  char *text; /* owned */
  size_t bytes;
  int64_t number; /* among all lines that count */
} tsr__sample_line;

typedef struct tsr__sample {
  tsr__sample_line *lines; /* [capacity], in their order */
  int64_t count, capacity;
  int64_t seen;
  uint64_t state; /* of the generator */
} tsr__sample;

/* Release the sample either way. */
tsr_status tsr__sample_read(const char *const *paths, size_t count, int64_t capacity, uint64_t seed,
                            tsr__sample *out);
void tsr__sample_release(tsr__sample *sample);

#endif
