/* Values of a config.json replaced in its text, so that everything else stays as it was written. */
#ifndef TESSERA_CLI_CONFIG_EDIT_H
#define TESSERA_CLI_CONFIG_EDIT_H

#include "tessera/status.h"

enum { TSR__CONFIG_VALUE_MAX = 256 };

/* A member of the object and its new value, as JSON. */
typedef struct tsr__config_edit {
  const char *key;
  char value[TSR__CONFIG_VALUE_MAX];
} tsr__config_edit;

/* *out: a copy of text with the members replaced, or added in front where there are none; the
 * caller frees it. Members of objects within the object are left alone. TSR_MALFORMED, naming
 * `file`: no JSON object, or one that has a member twice. */
tsr_status tsr__config_edit_text(const char *file, const char *text, const tsr__config_edit *edits,
                                 int count, char **out);

#endif
