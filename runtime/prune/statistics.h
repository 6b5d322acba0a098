/* Statistics of a layer's input, as methods read them. */
#ifndef TESSERA_PRUNE_STATISTICS_H
#define TESSERA_PRUNE_STATISTICS_H

#include "tessera/prune.h"

enum { TSR__STATISTICS_ROWS = 256 };

struct tsr_statistics {
  tsr_statistics_kind kind;
  int64_t features, rows;
  double *norms; /* [features]: sums of squares */
  double *sums;  /* [features] */
  double *gram;  /* [features, features], the upper triangle; NULL if only norms are kept */
  double *rows_in_double; /* [TSR__STATISTICS_ROWS, features]: what dsyrk reads */
};

#endif
