/* The shapes of packed filters, as metadata. */
#include <stdio.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/weights.h"

enum { KEY_MAX = 512, NUMBERS = 4 };

static tsr_status key_of(const char *name, char key[KEY_MAX]) {
  int bytes = snprintf(key, KEY_MAX, "tessera.shape.%s", name);
  TSR_CHECK(bytes > 0 && bytes < KEY_MAX, TSR_UNSUPPORTED, "%.160s...: the name is too long", name);
  return TSR_OK;
}

tsr_status tsr__conv_shape_save(tsr_checkpoint_writer *writer, const tsr_tensor *tensor) {
  char key[KEY_MAX], value[96];
  const int64_t *s = tensor->shape;
  TSR_TRY(key_of(tensor->name, key));
  snprintf(value, sizeof value, "%lld,%lld,%lld,%lld", (long long)s[0], (long long)s[1],
           (long long)s[2], (long long)s[3]);
  return tsr_checkpoint_writer_metadata(writer, key, value);
}

static tsr_status parse(const char *name, const char *value, int64_t shape[NUMBERS]) {
  long long numbers[NUMBERS];
  char rest;
  int found = sscanf(value, "%18lld,%18lld,%18lld,%18lld%c", &numbers[0], &numbers[1], &numbers[2],
                     &numbers[3], &rest);
  TSR_CHECK(found == NUMBERS, TSR_MALFORMED, "%.160s: tessera.shape is '%.64s', not four numbers",
            name, value);
  for (int d = 0; d < NUMBERS; d++) {
    TSR_CHECK(numbers[d] >= 0, TSR_MALFORMED, "%.160s: tessera.shape holds %lld", name, numbers[d]);
    shape[d] = numbers[d];
  }
  return TSR_OK;
}

tsr_status tsr__conv_shape_load(const tsr_checkpoint *checkpoint, const char *name,
                                const tsr_packed *packed, int *ndim, int64_t shape[NUMBERS]) {
  char key[KEY_MAX];
  *ndim = 2;
  shape[0] = packed->rows;
  shape[1] = packed->cols;
  TSR_TRY(key_of(name, key));
  const char *value = tsr_checkpoint_metadata(checkpoint, key);
  if (!value) return TSR_OK;
  TSR_TRY(parse(name, value, shape));
  int64_t cols;
  int fits = tsr__mul_i64(shape[1], shape[2], &cols) && tsr__mul_i64(cols, shape[3], &cols) &&
             shape[0] == packed->rows && cols == packed->cols;
  TSR_CHECK(fits, TSR_MALFORMED, "%.160s: tessera.shape is '%.64s', the packed matrix %lld x %lld",
            name, value, (long long)packed->rows, (long long)packed->cols);
  *ndim = NUMBERS;
  return TSR_OK;
}
