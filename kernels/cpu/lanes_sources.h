/* What the sources of bundles share. */
#ifndef TESSERA_KERNELS_CPU_LANES_SOURCES_H
#define TESSERA_KERNELS_CPU_LANES_SOURCES_H

#include "kernels/cpu/lanes_ops.h"

static inline int tsr__single_row(const tsr_packed *w, int64_t row) {
  (void)w;
  (void)row;
  return 1;
}

/* The first i in [begin, end) with indices[i] >= value; indices ascend. */
static inline int64_t tsr__lower_bound(const int32_t *indices, int64_t begin, int64_t end,
                                       int64_t value) {
  while (begin < end) {
    int64_t middle = begin + (end - begin) / 2;
    if (indices[middle] < value)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}

#endif
