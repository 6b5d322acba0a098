/* Statistics of a layer's input, as methods read them. */
#ifndef TESSERA_PRUNE_STATISTICS_H
#define TESSERA_PRUNE_STATISTICS_H

#include "tessera/prune.h"

enum { TSR__STATISTICS_ROWS = 1024 };

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
  /* NULL unless the layer's output goes into a sum: what is to be added to reach the unpruned
   * model's sum. In place of cross. */
  double *goal;      /* [outputs, features]: goal^T X */
  double *goal_sums; /* [outputs] */
};

/* As tsr_statistics_add, for statistics with a Gram matrix; each row comes with what it is in the
 * unpruned model. reference: like x. To be used for all rows or none. */
tsr_status tsr__statistics_add_pair(tsr_statistics *statistics, const float *x,
                                    const float *reference, int64_t rows, int64_t ld,
                                    int32_t threads);

/* Of a layer whose output is added to something. */
typedef struct tsr__sum_goal {
  const float *sum;      /* [rows, lds], `outputs` of a row used: of the unpruned model */
  const float *residual; /* [rows, ldr]: what this model's output will be added to */
  const float *bias;     /* [outputs], or NULL: what the layer adds besides */
  int64_t outputs, lds, ldr;
} tsr__sum_goal;

/* As tsr__statistics_add_pair: the layer is to bring the sum to what it is in the unpruned model,
 * whatever its other summand lacks. */
tsr_status tsr__statistics_add_goal(tsr_statistics *statistics, const float *x, int64_t rows,
                                    int64_t ld, const tsr__sum_goal *goal, int32_t threads);

/* Whether weights are to follow an unpruned model. */
int tsr__statistics_follow(const tsr_statistics *statistics);

#endif
