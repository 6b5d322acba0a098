/* Names of a packed matrix's tensors. */
#ifndef TESSERA_FORMAT_NAMES_H
#define TESSERA_FORMAT_NAMES_H

#include <stddef.h>

#include "runtime/base/status.h"

#define TSR__FORMAT_VERSION_KEY "tessera.format_version"
#define TSR__FORMAT_VERSION "1"

/* P is NAME without a trailing ".weight". */
typedef struct tsr__names {
  char *text;
  size_t prefix, capacity;
} tsr__names;

tsr_status tsr__names_create(const char *name, tsr__names *out);
void tsr__names_destroy(tsr__names *names);

/* "P.<format>.<array>"; valid until the next call. */
const char *tsr__names_of(tsr__names *names, const char *format, const char *array);

#endif
