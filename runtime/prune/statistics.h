/* Statistics of a layer's input, as methods read them. */
#ifndef TESSERA_PRUNE_STATISTICS_H
#define TESSERA_PRUNE_STATISTICS_H

#include "tessera/prune.h"

struct tsr_statistics {
  tsr_statistics_kind kind;
  int64_t features, rows;
  double *norms; /* [features]: sums of squares */
};

#endif
