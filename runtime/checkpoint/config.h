/* Values of a checkpoint's config.json, by top-level key.
 *
 * TSR_NOT_FOUND if there is no config.json, no such key, or its value is null (which is how
 * configurations spell "unset"); TSR_MALFORMED if the value has another type or the text is no
 * JSON. Messages name the file, the key and the value. The _or forms put `fallback` in place of
 * what is not found; a malformed value still fails. */
#ifndef TESSERA_CHECKPOINT_CONFIG_H
#define TESSERA_CHECKPOINT_CONFIG_H

#include <stdint.h>

#include "tessera/checkpoint.h"

enum { TSR__CONFIG_STRING_MAX = 128 };

/* FOLDER/NAME/config.json alone, as a checkpoint without tensors; TSR_NOT_FOUND if there is none.
 */
tsr_status tsr__config_open(const char *folder, const char *name, tsr_checkpoint **out);

tsr_status tsr__config_int(const tsr_checkpoint *checkpoint, const char *key, int64_t *out);
tsr_status tsr__config_double(const tsr_checkpoint *checkpoint, const char *key, double *out);
tsr_status tsr__config_bool(const tsr_checkpoint *checkpoint, const char *key, int *out);
/* TSR_UNSUPPORTED if the string is longer than the buffer takes. */
tsr_status tsr__config_string(const tsr_checkpoint *checkpoint, const char *key,
                              char out[TSR__CONFIG_STRING_MAX]);

/* An array of numbers, *count of them. TSR_UNSUPPORTED if they are more than max. */
tsr_status tsr__config_ints(const tsr_checkpoint *checkpoint, const char *key, int64_t *out,
                            int max, int *count);
tsr_status tsr__config_doubles(const tsr_checkpoint *checkpoint, const char *key, double *out,
                               int max, int *count);

/* The values of an object whose keys are numbers below count, such as id2label. out: [count]; those
 * that the object does not list stay as they are. TSR_MALFORMED for another key. */
tsr_status tsr__config_labels(const tsr_checkpoint *checkpoint, const char *key, int64_t count,
                              char (*out)[TSR__CONFIG_STRING_MAX]);

tsr_status tsr__config_int_or(const tsr_checkpoint *checkpoint, const char *key, int64_t fallback,
                              int64_t *out);
tsr_status tsr__config_double_or(const tsr_checkpoint *checkpoint, const char *key, double fallback,
                                 double *out);
tsr_status tsr__config_bool_or(const tsr_checkpoint *checkpoint, const char *key, int fallback,
                               int *out);
tsr_status tsr__config_string_or(const tsr_checkpoint *checkpoint, const char *key,
                                 const char *fallback, char out[TSR__CONFIG_STRING_MAX]);

#endif
