/* Progress of work that takes over a second, on a terminal; silent otherwise. */
#ifndef TESSERA_CLI_PROGRESS_H
#define TESSERA_CLI_PROGRESS_H

#include <stdint.h>

typedef struct tsr__progress {
  const char *what;
  int64_t total;
  double start, shown; /* seconds; shown = when it was last drawn, 0 = never */
  int terminal;
} tsr__progress;

void tsr__progress_begin(tsr__progress *progress, const char *what, int64_t total);
/* done: of total, never falling. Call from one thread at a time. */
void tsr__progress_update(tsr__progress *progress, int64_t done);
/* Wipes the line. */
void tsr__progress_end(tsr__progress *progress);

#endif
