#include "tests/reference.h"

#include <math.h>

void tsr_test_sums(const float *w, const uint8_t *stored, int64_t m, int64_t k, const float *x,
                   int64_t ldx, int64_t tokens, double *sums) {
  for (int64_t t = 0; t < tokens; t++)
    for (int64_t r = 0; r < m; r++) {
      double sum = 0.0;
      for (int64_t c = 0; c < k; c++)
        if (stored[r * k + c]) sum += (double)w[r * k + c] * (double)x[t * ldx + c];
      sums[t * m + r] = sum;
    }
}

double tsr_test_activate(tsr_activation activation, double x) {
  if (isnan(x)) return x;
  if (activation == TSR_ACTIVATION_GELU) return x / 2 * (1 + erf(x / sqrt(2.0)));
  if (activation == TSR_ACTIVATION_RELU) return fmax(x, 0.0);
  if (activation == TSR_ACTIVATION_TANH) return tanh(x);
  return x;
}
