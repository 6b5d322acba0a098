#include "tests/compare.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

double tsr_test_tolerance(int64_t k, double max_w, double max_x, double max_add) {
  double sum = 2.0 * (double)(k + 2) * max_w * max_x;
  return (double)FLT_EPSILON * (1.13 * sum + 16.0 * (1.0 + max_add));
}

static int close_enough(double expected, double actual, double tolerance) {
  if (isnan(expected)) return isnan(actual);
  if (isinf(expected)) return expected == actual;
  return fabs(expected - actual) <= tolerance; /* false for NaN */
}

int tsr_test_close(const char *what, const double *expected, const float *actual, int64_t rows,
                   int64_t cols, int64_t ld, double tolerance) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < cols; c++) {
      double e = expected[r * cols + c], a = (double)actual[r * ld + c];
      if (close_enough(e, a, tolerance)) continue;
      fprintf(stderr, "%s: [%" PRId64 ", %" PRId64 "] is %.9g, not %.9g (tolerance %.2g)\n", what,
              r, c, a, e, tolerance);
      return 0;
    }
  return 1;
}
