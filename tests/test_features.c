/* Features that go as a whole, and biases that make up for means, against naive sums in double. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/alloc_failures.h"
#include "tests/prune_case.h"

enum { ROWS = 12, COLS = 36, TOKENS = 200 };

typedef struct features_case {
  prune_case c;
  double means[COLS], h[COLS * COLS]; /* h: moments, or covariances if centred */
  double shift[ROWS];
  uint8_t kept[COLS];
} features_case;

static int available(void) { return tsr_prune_method_available(TSR_METHOD_ADMM); }

/* Every third feature is around 2, not around 0. */
static void begin(features_case *f, int centred) {
  prune_case *c = &f->c;
  prune_case_init(c, ROWS, COLS, TOKENS, TSR_STATISTICS_GRAM);
  tsr_statistics_destroy(c->statistics);
  memset(f->means, 0, sizeof f->means);
  memset(f->h, 0, sizeof f->h);
  for (int t = 0; t < TOKENS; t++)
    for (int i = 0; i < COLS; i++) {
      c->x[t * COLS + i] += i % 3 ? 0 : 2;
      f->means[i] += (double)c->x[t * COLS + i] / TOKENS;
    }
  for (int t = 0; t < TOKENS; t++)
    for (int i = 0; i < COLS; i++)
      for (int j = 0; j < COLS; j++) {
        double a = (double)c->x[t * COLS + i] - (centred ? f->means[i] : 0);
        double b = (double)c->x[t * COLS + j] - (centred ? f->means[j] : 0);
        f->h[i * COLS + j] += a * b / TOKENS;
      }
  cr_assert_eq(tsr_statistics_create(COLS, TSR_STATISTICS_GRAM, &c->statistics), TSR_OK);
  cr_assert_eq(tsr_statistics_add(c->statistics, c->x, TOKENS, COLS, 1), TSR_OK);
}

static tsr_status run(features_case *f, tsr_prune_method method, double sparsity, int64_t features,
                      int centred, int32_t threads) {
  tsr_prune_options options = {.method = method,
                               .sparsity = sparsity,
                               .threads = threads,
                               .shift = centred ? f->shift : NULL};
  memcpy(f->c.pruned, f->c.weights, ROWS * COLS * sizeof *f->c.pruned);
  memset(f->shift, 0, sizeof f->shift);
  return tsr_prune_features(&options, f->c.statistics, f->c.pruned, ROWS, COLS, features, f->kept,
                            NULL);
}

/* Of the output, with what was added to the bias. */
static double error_of(const features_case *f) {
  double sum = 0;
  for (int r = 0; r < ROWS; r++)
    for (int t = 0; t < TOKENS; t++) {
      double y = -f->shift[r];
      for (int i = 0; i < COLS; i++)
        y += ((double)f->c.weights[r * COLS + i] - (double)f->c.pruned[r * COLS + i]) *
             (double)f->c.x[t * COLS + i];
      sum += y * y;
    }
  return sum;
}

/* Of the columns that are left: the gradient of the damped error. */
static double steepest(const features_case *f, int64_t features) {
  double mean = 0, greatest = 0;
  for (int i = 0; i < COLS; i++) mean += f->h[i * COLS + i] / COLS;
  for (int r = 0; r < ROWS; r++)
    for (int i = 0; i < COLS; i++) {
      double sum = 0;
      for (int j = 0; j < COLS; j++)
        sum += ((double)f->c.pruned[r * COLS + j] - (double)f->c.weights[r * COLS + j]) *
               (f->h[i * COLS + j] + (i == j ? 0.01 * mean : 0));
      if (f->kept[i % features]) greatest = fmax(greatest, fabs(sum));
    }
  return greatest;
}

Test(features, what_is_left_are_the_least_squares) {
  static const int64_t widths[] = {COLS, COLS / 3, COLS / 9};
  if (!available()) return;
  for (int centred = 0; centred < 2; centred++) {
    features_case f;
    begin(&f, centred);
    for (size_t w = 0; w < 3; w++)
      for (int m = TSR_METHOD_SPARSEGPT; m <= TSR_METHOD_ADMM; m++) {
        int64_t features = widths[w], kept = 0;
        cr_assert_eq(run(&f, (tsr_prune_method)m, 0.5, features, centred, 2), TSR_OK, "%s",
                     tsr_last_error());
        for (int64_t i = 0; i < features; i++) kept += f.kept[i];
        cr_assert_eq(kept, features / 2);
        for (int i = 0; i < ROWS * COLS; i++)
          if (!f.kept[i % COLS % features])
            cr_assert(f.c.pruned[i] == 0 && !signbit(f.c.pruned[i]));
        cr_assert_lt(steepest(&f, features), 1e-4);
      }
    prune_case_release(&f.c);
  }
}

/* One feature goes: the one without which the least squares, solved anew, lose least. */
Test(features, the_cheapest_goes_first) {
  if (!available()) return;
  features_case f;
  begin(&f, 1);
  double best = INFINITY, mean = 0;
  int64_t cheapest = -1, features = COLS / 3;
  for (int i = 0; i < COLS; i++) mean += f.h[i * COLS + i] / COLS;
  for (int64_t gone = 0; gone < features; gone++) {
    /* Gauss-Seidel on the damped normal equations of the columns that are left. */
    double loss = 0;
    for (int r = 0; r < ROWS; r++) {
      double d[COLS]; /* new - old */
      for (int i = 0; i < COLS; i++)
        d[i] = i % features == gone ? -(double)f.c.weights[r * COLS + i] : 0;
      for (int sweep = 0; sweep < 500; sweep++)
        for (int i = 0; i < COLS; i++) {
          double sum = 0;
          if (i % features == gone) continue;
          for (int j = 0; j < COLS; j++) sum += j == i ? 0 : f.h[i * COLS + j] * d[j];
          d[i] = -sum / (f.h[i * COLS + i] + 0.01 * mean);
        }
      for (int i = 0; i < COLS; i++)
        for (int j = 0; j < COLS; j++)
          loss += d[i] * d[j] * (f.h[i * COLS + j] + (i == j ? 0.01 * mean : 0));
    }
    if (loss < best) best = loss, cheapest = gone;
  }
  cr_assert_eq(run(&f, TSR_METHOD_ADMM, 1.0 / (double)features, features, 1, 1), TSR_OK);
  for (int64_t i = 0; i < features; i++) cr_assert_eq(f.kept[i], i != cheapest, "%d", (int)i);
  prune_case_release(&f.c);
}

static double error_without(features_case *f, tsr_prune_method method, int64_t features) {
  cr_assert_eq(run(f, method, 0.5, features, 1, 1), TSR_OK, "%s", tsr_last_error());
  return error_of(f);
}

/* The columns of the features with the least magnitude go, and nothing makes up for them. */
static double error_by_magnitude(features_case *f, int64_t features) {
  double sums[COLS] = {0};
  for (int i = 0; i < ROWS * COLS; i++)
    sums[i % COLS % features] += (double)(f->c.weights[i] * f->c.weights[i]);
  for (int64_t i = 0; i < features; i++) {
    int64_t less = 0;
    for (int64_t j = 0; j < features; j++) less += sums[j] < sums[i];
    f->kept[i] = less >= features / 2;
  }
  memset(f->shift, 0, sizeof f->shift);
  for (int i = 0; i < ROWS * COLS; i++)
    f->c.pruned[i] = f->kept[i % COLS % features] ? f->c.weights[i] : 0;
  return error_of(f);
}

Test(features, methods_beat_magnitude) {
  if (!available()) return;
  features_case f;
  begin(&f, 1);
  for (int64_t features = COLS; features >= COLS / 3; features -= 2 * COLS / 3) {
    double magnitude = error_by_magnitude(&f, features);
    double wanda = error_without(&f, TSR_METHOD_WANDA, features);
    cr_assert_lt(wanda, magnitude);
    cr_assert_lt(error_without(&f, TSR_METHOD_SPARSEGPT, features), 0.8 * wanda);
    cr_assert_lt(error_without(&f, TSR_METHOD_ADMM, features), 0.8 * wanda);
  }
  prune_case_release(&f.c);
}

Test(features, threads_change_nothing_but_rounding) {
  if (!available()) return;
  features_case f;
  float alone[ROWS * COLS];
  begin(&f, 1);
  for (int m = TSR_METHOD_WANDA; m <= TSR_METHOD_ADMM; m++) {
    cr_assert_eq(run(&f, (tsr_prune_method)m, 0.4, COLS / 3, 1, 1), TSR_OK);
    memcpy(alone, f.c.pruned, sizeof alone);
    cr_assert_eq(run(&f, (tsr_prune_method)m, 0.4, COLS / 3, 1, 5), TSR_OK);
    for (int i = 0; i < ROWS * COLS; i++)
      cr_assert_float_eq((double)alone[i], (double)f.c.pruned[i], 1e-5);
  }
  prune_case_release(&f.c);
}

/* ---- biases ---- */

/* The error without a bias to change, and with one, of one method under one pattern. */
static void both_errors(features_case *f, tsr_prune_method method, const prune_pattern *p,
                        double *without, double *with) {
  prune_case *c = &f->c;
  prune_case_run(c, method, p->text, p->sparsity, 2);
  memset(f->shift, 0, sizeof f->shift);
  *without += error_of(f);
  tsr_prune_options options = {
      .method = method, .sparsity = p->sparsity, .threads = 2, .shift = f->shift};
  cr_assert_eq(tsr_pattern_parse(p->text, &options.pattern), TSR_OK);
  memcpy(c->pruned, c->weights, ROWS * COLS * sizeof *c->pruned);
  cr_assert_eq(tsr_prune_matrix(&options, c->statistics, c->pruned, ROWS, COLS, c->mask, NULL),
               TSR_OK, "%s", tsr_last_error());
  *with += error_of(f);
}

/* With a bias the mean output over the calibration is what it was, and errors are smaller. */
Test(features, biases_make_up_for_means) {
  if (!available()) return;
  features_case f;
  begin(&f, 1);
  for (int m = TSR_METHOD_WANDA; m <= TSR_METHOD_ADMM; m++) {
    double without = 0, with = 0;
    for (const prune_pattern *p = prune_patterns; p->text; p++) {
      both_errors(&f, (tsr_prune_method)m, p, &without, &with);
      for (int r = 0; r < ROWS; r++) {
        double sum = -f.shift[r];
        for (int i = 0; i < COLS; i++)
          sum +=
              ((double)f.c.weights[r * COLS + i] - (double)f.c.pruned[r * COLS + i]) * f.means[i];
        cr_assert_float_eq(sum, 0, 1e-4, "%s: row %d", p->text, r);
      }
    }
    cr_assert_lt(with, without, "method %d: %g, %g", m, with, without);
  }
  prune_case_release(&f.c);
}

/* What never changes is the bias's, whatever its weights were. */
Test(features, constants_go_into_the_bias) {
  if (!available()) return;
  features_case f;
  begin(&f, 1);
  prune_case *c = &f.c;
  for (int t = 0; t < TOKENS; t++) c->x[t * COLS + 7] = 3.25f;
  tsr_statistics_destroy(c->statistics);
  cr_assert_eq(tsr_statistics_create(COLS, TSR_STATISTICS_GRAM, &c->statistics), TSR_OK);
  cr_assert_eq(tsr_statistics_add(c->statistics, c->x, TOKENS, COLS, 1), TSR_OK);
  for (int m = TSR_METHOD_SPARSEGPT; m <= TSR_METHOD_ADMM; m++) {
    cr_assert_eq(run(&f, (tsr_prune_method)m, 1.0 / COLS, COLS, 1, 1), TSR_OK);
    for (int i = 0; i < COLS; i++) cr_assert_eq(f.kept[i], i != 7);
    cr_assert_lt(error_of(&f), 1e-4);
  }
  prune_case_release(c);
}

/* ---- failures ---- */

/* 10 rows of 64 features leave a matrix of rank 10, which next to no damping does not mend. */
Test(features, damping_is_raised_until_the_matrix_can_be_factorised) {
  if (!available()) return;
  prune_case c;
  uint8_t kept[64];
  prune_case_init(&c, 16, 64, 10, TSR_STATISTICS_GRAM);
  tsr_prune_options options = {
      .method = TSR_METHOD_SPARSEGPT, .sparsity = 0.25, .threads = 1, .damping = 1e-25};
  tsr_prune_result result;
  memcpy(c.pruned, c.weights, (size_t)(c.rows * c.cols) * sizeof *c.pruned);
  tsr_status status =
      tsr_prune_features(&options, c.statistics, c.pruned, c.rows, c.cols, 64, kept, &result);
  cr_assert(status == TSR_OK || status == TSR_UNSUPPORTED, "%s", tsr_last_error());
  cr_assert_gt(result.damping_raises, 0);
  cr_assert_float_eq(result.damping, 1e-25 * pow(10, result.damping_raises), 1e-9 * result.damping);
  options.damping = 0;
  memcpy(c.pruned, c.weights, (size_t)(c.rows * c.cols) * sizeof *c.pruned);
  cr_assert_eq(
      tsr_prune_features(&options, c.statistics, c.pruned, c.rows, c.cols, 64, kept, &result),
      TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(result.damping_raises, 0);
  prune_case_release(&c);
}

Test(features, running_out_of_memory_is_survived) {
  if (!available()) return;
  features_case f;
  begin(&f, 1);
  EXPECT_OUT_OF_MEMORY(run(&f, TSR_METHOD_ADMM, 0.5, COLS / 3, 1, 1));
  EXPECT_OUT_OF_MEMORY(run(&f, TSR_METHOD_WANDA, 0.5, COLS / 3, 1, 1));
  prune_case_release(&f.c);
}

Test(features, bad_arguments_are_refused) {
  if (!available()) return;
  features_case f;
  begin(&f, 1);
  const tsr_prune_options good = {.method = TSR_METHOD_ADMM, .sparsity = 0.5, .threads = 1};
  tsr_prune_options bad = good;
  const tsr_statistics *s = f.c.statistics;
  float *w = f.c.pruned;
  memcpy(w, f.c.weights, ROWS * COLS * sizeof *w);
#define EXPECT_REFUSED(...) \
  cr_assert_eq(tsr_prune_features(__VA_ARGS__, NULL), TSR_INVALID_ARGUMENT, "%s", tsr_last_error())
  EXPECT_REFUSED(NULL, s, w, ROWS, COLS, COLS, f.kept);
  EXPECT_REFUSED(&good, NULL, w, ROWS, COLS, COLS, f.kept);
  EXPECT_REFUSED(&good, s, NULL, ROWS, COLS, COLS, f.kept);
  EXPECT_REFUSED(&good, s, w, ROWS, COLS, COLS, NULL);
  EXPECT_REFUSED(&good, s, w, -1, COLS, COLS, f.kept);
  EXPECT_REFUSED(&good, s, w, ROWS, COLS - 1, COLS - 1, f.kept);
  EXPECT_REFUSED(&good, s, w, ROWS, COLS, 0, f.kept);
  EXPECT_REFUSED(&good, s, w, ROWS, COLS, 7, f.kept);
  EXPECT_REFUSED(&good, s, w, ROWS, COLS, 2 * COLS, f.kept);
  bad.sparsity = 1.5;
  EXPECT_REFUSED(&bad, s, w, ROWS, COLS, COLS, f.kept);
  bad.sparsity = NAN;
  EXPECT_REFUSED(&bad, s, w, ROWS, COLS, COLS, f.kept);
  bad = good, bad.method = TSR_METHOD_MAGNITUDE_L1;
  EXPECT_REFUSED(&bad, s, w, ROWS, COLS, COLS, f.kept);
  bad = good, bad.threads = 0;
  EXPECT_REFUSED(&bad, s, w, ROWS, COLS, COLS, f.kept);
  w[5] = NAN;
  EXPECT_REFUSED(&good, s, w, ROWS, COLS, COLS, f.kept);
#undef EXPECT_REFUSED
  prune_case_release(&f.c);
}
