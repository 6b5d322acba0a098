/* Memory: sizes that cannot overflow, and failures that say what was wanted. */
#ifndef TESSERA_BASE_ALLOC_H
#define TESSERA_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/status.h"

enum { TSR__CACHE_LINE = 64 };

/* *out = count * size bytes, zeroed / uninitialised and aligned to a cache line. Zero bytes give a
 * valid pointer. TSR_OUT_OF_MEMORY names `what`, leaving *out NULL. Free all three with free(). */
tsr_status tsr__calloc(size_t count, size_t size, const char *what, void *out);
tsr_status tsr__aligned(size_t count, size_t size, const char *what, void *out);
tsr_status tsr__strdup(const char *text, char **out);

/* Rounds up to a cache line. */
static inline size_t tsr__round_line(size_t bytes) {
  return (bytes + TSR__CACHE_LINE - 1) / TSR__CACHE_LINE * TSR__CACHE_LINE;
}

/* 1 and *out = a * b, or 0 on overflow (or if an operand is negative). */
int tsr__mul_i64(int64_t a, int64_t b, int64_t *out);

#endif
