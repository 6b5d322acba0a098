/* Results: to standard output, or to a file that appears only when it is complete. */
#ifndef TESSERA_CLI_OUTPUT_H
#define TESSERA_CLI_OUTPUT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/checkpoint/atomic_file.h"
#include "tessera/status.h"

typedef struct tsr__output {
  FILE *stream;
  tsr__atomic_file file; /* all zero for standard output */
} tsr__output;

/* path: NULL or "-" = standard output. Otherwise a temporary file beside it, which commit moves
 * into place; close removes what was not committed. path is borrowed. */
tsr_status tsr__output_open(const char *path, tsr__output *out);
tsr_status tsr__output_commit(tsr__output *output);
void tsr__output_discard(tsr__output *output); /* after any open, also a failed one */

/* Prints value, indented, with a newline, and drops the reference to it. NULL = a json_* call that
 * made it had no memory. */
tsr_status tsr__print_json(json_t *value, FILE *stream);

/* Appends value to array, taking the reference. Returns array, or NULL (having freed both) when out
 * of memory; either may be NULL already, so that a chain needs one check at its end. */
json_t *tsr__json_append(json_t *array, json_t *value);

/* "85.3 MB": powers of ten. */
#define TSR__BYTES_TEXT 16
const char *tsr__bytes_text(double bytes, char text[TSR__BYTES_TEXT]);

#endif
