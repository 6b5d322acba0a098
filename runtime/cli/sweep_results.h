/* The results of a sweep as a file of JSON lines that only grows. */
#ifndef TESSERA_CLI_SWEEP_RESULTS_H
#define TESSERA_CLI_SWEEP_RESULTS_H

#include <jansson.h>

#include "tessera/status.h"

typedef struct tsr__sweep_results {
  const char *path; /* borrowed */
  int fd;           /* locked: one sweep at a time writes */
  json_t *lines;    /* array of objects, in the file's order */
  int torn;         /* 1 = the last line was incomplete, a sweep having been killed; it is gone */
} tsr__sweep_results;

/* Opens or makes the file. TSR_MALFORMED names a line other than the last that is no JSON object.
 * Close it either way. */
tsr_status tsr__sweep_results_open(const char *path, tsr__sweep_results *out);
void tsr__sweep_results_close(tsr__sweep_results *results);

/* The last line with this "command", or NULL. Borrowed. */
const json_t *tsr__sweep_results_find(const tsr__sweep_results *results, const char *command);

/* Adds a line in one piece and makes it durable. Takes the reference to record, NULL being out of
 * memory. */
tsr_status tsr__sweep_results_append(tsr__sweep_results *results, json_t *record);

#endif
