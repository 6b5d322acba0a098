/* Comparing a result with its reference. */
#ifndef TESSERA_TESTS_COMPARE_H
#define TESSERA_TESTS_COMPARE_H

#include <stdint.h>

/* How far a float result of depth k may be from the exact one. Each of k products and k additions
 * rounds by at most eps/2 of a partial sum that is at most k max_w max_x; in the usual case errors
 * of both signs cancel, so eps (k + 2) max_w max_x x 2 is generous without hiding a lost term. An
 * activation stretches that by at most 1.13 (GELU's steepest slope) and is itself evaluated to a
 * few ulps, as are the additions of bias and residual: 16 eps of (1 + max_add). */
double tsr_test_tolerance(int64_t k, double max_w, double max_x, double max_add);

/* 1 if actual [rows, ld] equals expected [rows, cols] within the tolerance, NaN being equal to NaN
 * and an infinity to itself only; else 0, and the first bad coordinate goes to stderr after
 * `what`. */
int tsr_test_close(const char *what, const double *expected, const float *actual, int64_t rows,
                   int64_t cols, int64_t ld, double tolerance);

#endif
