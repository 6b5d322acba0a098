/* The naive reference of a linear layer: every formula as it is written down, in double. */
#ifndef TESSERA_TESTS_REFERENCE_H
#define TESSERA_TESTS_REFERENCE_H

#include <stdint.h>

#include "tessera/types.h"

/* sums[t * m + r] = sum of w[r, c] x[t, c] over the elements with stored[r, c] = 1, so that what
 * is not stored is never multiplied (0 x NaN would be NaN). w, stored: [m, k]. */
void tsr_test_sums(const float *w, const uint8_t *stored, int64_t m, int64_t k, const float *x,
                   int64_t ldx, int64_t tokens, double *sums);

/* activation(x); NaN stays NaN. */
double tsr_test_activate(tsr_activation activation, double x);

#endif
