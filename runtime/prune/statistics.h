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
  /* NULL unless the layer adds to something that differs there: what is missing from it. */
  double *missing;      /* [outputs, features]: missing^T X */
  double *missing_sums; /* [outputs] */
};

/* As tsr_statistics_add, for statistics with a Gram matrix; each row comes with what it is in the
 * unpruned model. reference: like x. To be used for all rows or none. */
tsr_status tsr__statistics_add_pair(tsr_statistics *statistics, const float *x,
                                    const float *reference, int64_t rows, int64_t ld,
                                    int32_t threads);

/* What the layer's output is added to, in this model and in the unpruned one. */
typedef struct tsr__residual_pair {
  const float *now, *wanted; /* [rows, ld], `outputs` of a row used */
  int64_t outputs, ld;
} tsr__residual_pair;

/* For rows that have been added as pairs, x being the same again: the layer is to make up for what
 * its output's other summand lacks, too. */
tsr_status tsr__statistics_add_missing(tsr_statistics *statistics, const float *x, int64_t rows,
                                       int64_t ld, const tsr__residual_pair *residual,
                                       int32_t threads);

#endif
