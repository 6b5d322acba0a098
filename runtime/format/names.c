#include "runtime/format/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"

enum { SUFFIX_MAX = 64 }; /* of format and array keys, all of which are the project's own */

tsr_status tsr__names_create(const char *name, tsr__names *out) {
  static const char ending[] = ".weight";
  size_t length = strlen(name), cut = sizeof ending - 1;
  *out = (tsr__names){.prefix = length, .capacity = length + SUFFIX_MAX};
  if (length > cut && !strcmp(name + length - cut, ending)) out->prefix -= cut;
  TSR_TRY(tsr__calloc(out->capacity, 1, "a tensor's name", &out->text));
  memcpy(out->text, name, out->prefix);
  return TSR_OK;
}

void tsr__names_destroy(tsr__names *names) { free(names->text); }

const char *tsr__names_of(tsr__names *names, const char *format, const char *array) {
  snprintf(names->text + names->prefix, names->capacity - names->prefix, ".%s.%s", format, array);
  return names->text;
}
