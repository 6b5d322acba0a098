/* How work is cut into parts. */
#ifndef TESSERA_KERNELS_CPU_PARTS_H
#define TESSERA_KERNELS_CPU_PARTS_H

#include <stdint.h>

/* Rows and tokens that one part computes, half-open. */
typedef struct tsr__span {
  int64_t begin, end;
} tsr__span;

/* Part `part` of 0..count-1 cut into `parts` nearly equal pieces of whole units. */
static inline tsr__span tsr__part_of(int64_t count, int64_t unit, int part, int parts) {
  int64_t units = count / unit + (count % unit != 0);
  int64_t share = units / parts, rest = units % parts;
  int64_t begin = (share * part + (part < rest ? part : rest)) * unit;
  int64_t end = begin + (share + (part < rest)) * unit;
  return (tsr__span){begin < count ? begin : count, end < count ? end : count};
}

#endif
