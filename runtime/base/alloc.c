#include "runtime/base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

static void store(void *out, void *memory) { memcpy(out, &memory, sizeof memory); }

static tsr_status fail(size_t count, size_t size, const char *what) {
  return tsr__error(TSR_OUT_OF_MEMORY, "out of memory: %zu x %zu bytes for %s", count, size, what);
}

tsr_status tsr__calloc(size_t count, size_t size, const char *what, void *out) {
  void *memory = calloc(count ? count : 1, size ? size : 1);
  store(out, memory);
  return memory ? TSR_OK : fail(count, size, what);
}

tsr_status tsr__aligned(size_t count, size_t size, const char *what, void *out) {
  store(out, NULL);
  if (size && count > (SIZE_MAX - TSR__CACHE_LINE) / size) return fail(count, size, what);
  size_t bytes = tsr__round_line(count * size);
  void *memory = aligned_alloc(TSR__CACHE_LINE, bytes ? bytes : TSR__CACHE_LINE);
  store(out, memory);
  return memory ? TSR_OK : fail(count, size, what);
}

tsr_status tsr__strdup(const char *text, char **out) {
  size_t bytes = strlen(text) + 1;
  TSR_TRY(tsr__calloc(bytes, 1, "a string", out));
  memcpy(*out, text, bytes);
  return TSR_OK;
}

int tsr__mul_i64(int64_t a, int64_t b, int64_t *out) {
  if (a < 0 || b < 0 || (a && b > INT64_MAX / a)) return 0;
  *out = a * b;
  return 1;
}
