/* Least squares on a fixed support. */
#ifndef TESSERA_PRUNE_LEAST_SQUARES_H
#define TESSERA_PRUNE_LEAST_SQUARES_H

#include "tessera/prune.h"

/* Each row of x minimises x a x^T / 2 - target x^T among the rows that are 0 where the mask is. */
typedef struct tsr__least_squares {
  int64_t rows, cols;
  const float *a;      /* [cols, cols], symmetric, positive definite, its diagonal near 1 */
  const float *target; /* [rows, cols] */
  const tsr_mask *mask;
  float *x; /* [rows, cols]: where to begin, 0 outside the mask; the result */
  int32_t threads;
} tsr__least_squares;

/* Conjugate gradients on all rows at once, until the residual on the support is 1e-4 of the
 * target's, or for 40 steps. */
tsr_status tsr__solve_least_squares(const tsr__least_squares *problem);

#endif
