#include "runtime/evaluate/texts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

static tsr_status grow(void *array, size_t *capacity, size_t wanted, size_t size) {
  if (wanted <= *capacity) return TSR_OK;
  size_t next = *capacity ? *capacity : 64;
  while (next < wanted) {
    TSR_CHECK(next <= SIZE_MAX / 2 / size, TSR_OUT_OF_MEMORY, "out of memory for %zu texts",
              wanted);
    next *= 2;
  }
  void *memory;
  memcpy(&memory, array, sizeof memory);
  memory = realloc(memory, next * size);
  TSR_CHECK(memory, TSR_OUT_OF_MEMORY, "out of memory: %zu bytes of texts", next * size);
  memcpy(array, &memory, sizeof memory);
  *capacity = next;
  return TSR_OK;
}

static size_t used(const tsr__texts *texts) { return tsr__text_begin(texts, texts->count); }

tsr_status tsr__texts_extend(tsr__texts *texts, const char *text, size_t bytes) {
  TSR_TRY(grow(&texts->bytes, &texts->byte_capacity, used(texts) + bytes, 1));
  if (bytes) memcpy(texts->bytes + used(texts), text, bytes);
  texts->ends[texts->count - 1] += bytes;
  return TSR_OK;
}

tsr_status tsr__texts_add(tsr__texts *texts, const char *text, size_t bytes) {
  size_t begin = used(texts);
  TSR_TRY(grow(&texts->ends, &texts->end_capacity, texts->count + 1, sizeof *texts->ends));
  TSR_TRY(grow(&texts->bytes, &texts->byte_capacity, begin + bytes + 1, 1));
  texts->ends[texts->count++] = begin;
  return tsr__texts_extend(texts, text, bytes);
}

void tsr__texts_release(tsr__texts *texts) {
  free(texts->ends);
  free(texts->bytes);
  *texts = (tsr__texts){0};
}
