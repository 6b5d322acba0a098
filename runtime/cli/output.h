/* Results: to standard output, or to a file that appears only when it is complete. */
#ifndef TESSERA_CLI_OUTPUT_H
#define TESSERA_CLI_OUTPUT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "tessera/status.h"

typedef struct tsr__output {
  FILE *stream;
  char *path, *temporary; /* NULL for standard output */
} tsr__output;

/* path: NULL or "-" = standard output. Otherwise writes a temporary file beside it, which commit
 * moves into place and discard removes. Discard after commit does nothing. */
tsr_status tsr__output_open(const char *path, tsr__output *out);
tsr_status tsr__output_commit(tsr__output *output);
void tsr__output_discard(tsr__output *output);

/* Prints value, indented, with a newline, and drops the reference to it. NULL = a json_* call that
 * made it had no memory. */
tsr_status tsr__print_json(json_t *value, FILE *stream);

/* object[key] = value, taking the reference. 0, or -1 when out of memory (value may be NULL). */
int tsr__json_set(json_t *object, const char *key, json_t *value);

/* "85.3 MB": powers of ten. */
#define TSR__BYTES_TEXT 16
const char *tsr__bytes_text(double bytes, char text[TSR__BYTES_TEXT]);

#endif
