/* A list of texts that owns their bytes. */
#ifndef TESSERA_EVALUATE_TEXTS_H
#define TESSERA_EVALUATE_TEXTS_H

#include <stddef.h>

#include "tessera/status.h"

typedef struct tsr__texts {
  size_t count;
  size_t *ends; /* [count]: text i lies at bytes[ends[i - 1]] .. bytes[ends[i] - 1] */
  char *bytes;
  size_t end_capacity, byte_capacity;
} tsr__texts;

/* Copies; an all-zero list is empty. */
tsr_status tsr__texts_add(tsr__texts *texts, const char *text, size_t bytes);
/* Puts more bytes behind the last text. */
tsr_status tsr__texts_extend(tsr__texts *texts, const char *text, size_t bytes);
void tsr__texts_release(tsr__texts *texts);

static inline size_t tsr__text_begin(const tsr__texts *texts, size_t index) {
  return index ? texts->ends[index - 1] : 0;
}
static inline const char *tsr__text_at(const tsr__texts *texts, size_t index) {
  return texts->bytes + tsr__text_begin(texts, index);
}
static inline size_t tsr__text_bytes(const tsr__texts *texts, size_t index) {
  return texts->ends[index] - tsr__text_begin(texts, index);
}

#endif
