/* Lines are flushed one by one. Reading a buffer larger than the last-level cache would do as well,
 * but servers have 260 MB and more of it, which makes 20 ms per timed run; and enough copies of the
 * weights to rotate among would take gigabytes. clflushopt takes 4 ns a line, clflush, which every
 * x86-64 has, 100 ns (measured on a Sapphire Rapids): this file is compiled for the former and
 * asks the CPU first. */
#include "bench/evict.h"

#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>

enum { CACHE_LINE = 64, LEAF_FEATURES = 7, EBX_CLFLUSHOPT = 1 << 23 };

static int has_clflushopt(void) {
  unsigned a, b = 0, c, d;
  return __get_cpuid_count(LEAF_FEATURES, 0, &a, &b, &c, &d) && (b & EBX_CLFLUSHOPT);
}

static void flush_unordered(const char *line, const char *end) {
  for (; line < end; line += CACHE_LINE) _mm_clflushopt((void *)(uintptr_t)line);
}

static void flush_ordered(const char *line, const char *end) {
  for (; line < end; line += CACHE_LINE) _mm_clflush(line);
}

void tsr__evict(const tsr__range *ranges, size_t count) {
  void (*flush)(const char *, const char *) = has_clflushopt() ? flush_unordered : flush_ordered;
  for (size_t r = 0; r < count; r++) {
    if (!ranges[r].bytes) continue;
    const char *data = ranges[r].data;
    flush(data - (uintptr_t)data % CACHE_LINE, data + ranges[r].bytes);
  }
  _mm_mfence();
}
