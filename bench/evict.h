/* Emptying the caches of chosen memory. */
#ifndef TESSERA_BENCH_EVICT_H
#define TESSERA_BENCH_EVICT_H

#include <stddef.h>

typedef struct tsr__range {
  const void *data;
  size_t bytes;
} tsr__range;

/* Evicts every cache line of ranges[count] from all caches, and waits until that is done. A range
 * of no bytes may have NULL data. */
void tsr__evict(const tsr__range *ranges, size_t count);

#endif
