/* Linear models on top of embeddings. */
#ifndef TESSERA_EVALUATE_PROBE_H
#define TESSERA_EVALUATE_PROBE_H

#include <stdint.h>

#include "tessera/status.h"

typedef enum tsr__probe_loss {
  TSR__LOSS_LOGISTIC, /* log(1 + exp(z)) - t z; targets t are 0 or 1 */
  TSR__LOSS_SQUARED   /* (z - t)^2 / 2 */
} tsr__probe_loss;

typedef struct tsr__probe_rows {
  const float *x;  /* [rows, cols], all finite */
  const double *t; /* [rows] */
  int64_t rows, cols;
} tsr__probe_rows;

/* Minimises |w|^2 / 2 + c sum of loss(w . x + b), z = w . x + b, over w and b; b is not penalised,
 * so the squared loss is ridge regression with alpha = 1 / c. Newton's method, its steps by
 * conjugate gradients, until the gradient is 1e-9 of what it was at 0. The result does not depend
 * on the number of threads.
 *
 * weights: [cols + 1], written: w, then b. */
tsr_status tsr__probe_fit(tsr__probe_loss loss, const tsr__probe_rows *rows, double c,
                          double *weights);

/* w . x + b. */
double tsr__probe_apply(const double *weights, const float *x, int64_t cols);

#endif
