/* The probes against scikit-learn (scripts/make_statistics_golden.py) and against the condition
 * that the objective's gradient vanishes. */
#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/evaluate/probe.h"
#include "tessera/tessera.h"

#define CHECK(call) cr_assert_eq(call, TSR_OK, "%s", tsr_last_error())

enum { ROWS = 90, COLS = 7 };

static tsr_checkpoint *golden;

static void enter(void) {
  CHECK(tsr_checkpoint_open(TESSERA_TEST_DATA "/golden/statistics.safetensors", &golden));
}
static void leave(void) { tsr_checkpoint_close(golden); }

TestSuite(probe, .init = enter, .fini = leave);

static const void *find(const char *name) {
  const tsr_tensor *tensor = tsr_checkpoint_find(golden, name);
  cr_assert_not_null(tensor, "%s", name);
  return tensor->data;
}

static tsr__probe_rows rows_with(const char *targets) {
  return (tsr__probe_rows){.x = find("x"), .t = find(targets), .rows = ROWS, .cols = COLS};
}

static void compare(const double *got, const char *expected_name) {
  const double *expected = find(expected_name);
  for (int j = 0; j <= COLS; j++)
    cr_assert_float_eq(got[j], expected[j], 1e-7, "%s [%d]: %.12g, not %.12g", expected_name, j,
                       got[j], expected[j]);
}

Test(probe, logistic_regression_is_scikit_learns) {
  double weights[COLS + 1];
  tsr__probe_rows rows = rows_with("signs");
  CHECK(tsr__probe_fit(TSR__LOSS_LOGISTIC, &rows, 1, weights));
  compare(weights, "logistic");
}

Test(probe, ridge_regression_is_scikit_learns) {
  double weights[COLS + 1];
  tsr__probe_rows rows = rows_with("ratings");
  CHECK(tsr__probe_fit(TSR__LOSS_SQUARED, &rows, 1, weights));
  compare(weights, "ridge");
}

/* The derivative of |w|^2 / 2 + c sum of losses, written out anew. */
static void assert_gradient_vanishes(const tsr__probe_rows *rows, double c, const double *w) {
  for (int64_t j = 0; j <= rows->cols; j++) {
    double sum = j < rows->cols ? w[j] : 0, size = fabs(sum);
    for (int64_t i = 0; i < rows->rows; i++) {
      double z = w[rows->cols];
      for (int64_t k = 0; k < rows->cols; k++) z += w[k] * (double)rows->x[i * rows->cols + k];
      double x = j < rows->cols ? (double)rows->x[i * rows->cols + j] : 1;
      sum += c * (1 / (1 + exp(-z)) - rows->t[i]) * x;
      size += c * fabs(x);
    }
    cr_assert_leq(fabs(sum), 1e-8 * (1 + size), "c %g, unknown %lld: %g", c, (long long)j, sum);
  }
}

Test(probe, gradient_vanishes_for_weak_and_strong_penalties) {
  static const double strengths[] = {1e-3, 1, 1e3, 1e6};
  tsr__probe_rows rows = rows_with("signs");
  double weights[COLS + 1];
  for (int i = 0; i < 4; i++) {
    CHECK(tsr__probe_fit(TSR__LOSS_LOGISTIC, &rows, strengths[i], weights));
    assert_gradient_vanishes(&rows, strengths[i], weights);
  }
}

/* Without the penalty's help the weights of separable classes would grow without end. */
Test(probe, separable_classes_converge) {
  float x[40];
  double t[40], weights[2];
  for (int i = 0; i < 40; i++) {
    x[i] = (float)(i - 20) + 0.5f;
    t[i] = x[i] > 0;
  }
  tsr__probe_rows rows = {x, t, 40, 1};
  CHECK(tsr__probe_fit(TSR__LOSS_LOGISTIC, &rows, 1, weights));
  assert_gradient_vanishes(&rows, 1, weights);
  cr_assert_float_eq(weights[1], 0, 1e-8);
}

/* One column of zeros: only the intercept is left, the log odds, or the mean. */
Test(probe, closed_forms) {
  float x[10] = {0};
  double t[10] = {1, 1, 1, 1, 1, 1, 1, 0, 0, 0}, weights[2];
  tsr__probe_rows rows = {x, t, 10, 1};
  CHECK(tsr__probe_fit(TSR__LOSS_LOGISTIC, &rows, 1, weights));
  cr_assert_float_eq(weights[0], 0, 1e-12);
  cr_assert_float_eq(weights[1], log(7.0 / 3), 1e-8);
  CHECK(tsr__probe_fit(TSR__LOSS_SQUARED, &rows, 1, weights));
  cr_assert_float_eq(weights[1], 0.7, 1e-12);
}

Test(probe, threads_do_not_change_a_bit) {
  enum { MANY = 12000 }; /* enough that threads are used */
  double one[COLS + 1], many[COLS + 1];
  tsr__probe_rows rows = rows_with("signs");
  float *x = malloc((size_t)MANY * COLS * sizeof *x);
  double *t = malloc(MANY * sizeof *t);
  for (int i = 0; i < MANY * COLS; i++) x[i] = rows.x[i % (ROWS * COLS)] + (float)(i % 1013) / 2048;
  for (int i = 0; i < MANY; i++) t[i] = rows.t[i % ROWS];
  rows = (tsr__probe_rows){x, t, MANY, COLS};
  omp_set_num_threads(1);
  CHECK(tsr__probe_fit(TSR__LOSS_LOGISTIC, &rows, 1, one));
  omp_set_num_threads(5);
  CHECK(tsr__probe_fit(TSR__LOSS_LOGISTIC, &rows, 1, many));
  cr_assert_eq(memcmp(one, many, sizeof one), 0);
  assert_gradient_vanishes(&rows, 1, one);
  free(x);
  free(t);
}

Test(probe, bad_arguments) {
  float x[4] = {1, 2, NAN, 4};
  double t[4] = {0, 1, 0, 1}, weights[2];
  tsr__probe_rows rows = {x, t, 4, 1};
  cr_assert_eq(tsr__probe_fit(TSR__LOSS_LOGISTIC, &rows, 1, weights), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "embedding 2 holds nan"), "%s", tsr_last_error());
  x[2] = 3;
  cr_assert_eq(tsr__probe_fit(TSR__LOSS_LOGISTIC, &rows, 0, weights), TSR_INVALID_ARGUMENT);
  rows.rows = 0;
  cr_assert_eq(tsr__probe_fit(TSR__LOSS_SQUARED, &rows, 1, weights), TSR_INVALID_ARGUMENT);
}
