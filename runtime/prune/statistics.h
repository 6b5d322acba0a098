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
  /* NULL unless there is a reference: what the same rows are in the unpruned model. */
  double *cross;          /* [features, features]: reference^T X */
  double *reference_sums; /* [features] */
};

/* As tsr_statistics_add, for statistics with a Gram matrix; each row comes with what it is in the
 * unpruned model. reference: like x. To be used for all rows or none. */
tsr_status tsr__statistics_add_pair(tsr_statistics *statistics, const float *x,
                                    const float *reference, int64_t rows, int64_t ld,
                                    int32_t threads);

#endif
