/* Weights that follow the unpruned model, against the normal equations. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/prune/statistics.h"
#include "tessera/tessera.h"
#include "tests/alloc_failures.h"

enum { ROWS = 6, COLS = 20, TOKENS = 600 };
static const double DAMPING = 0.05;

static float weights[ROWS * COLS], pruned[ROWS * COLS], x[TOKENS * COLS], reference[TOKENS * COLS];
static tsr_mask mask[ROWS * COLS];
static tsr_statistics *statistics;

static double noise(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return (double)(*state >> 8) / (1 << 24) - 0.5;
}

/* Correlated features with means; the reference is something else in part. 0: there is no BLAS. */
static int make(void) {
  uint32_t state = 7;
  if (!tsr_prune_method_available(TSR_METHOD_SPARSEGPT)) return 0;
  for (int i = 0; i < ROWS * COLS; i++) weights[i] = (float)noise(&state);
  for (int t = 0; t < TOKENS; t++) {
    double common = noise(&state);
    for (int c = 0; c < COLS; c++) {
      double value = 0.3 + common + noise(&state);
      x[t * COLS + c] = (float)value;
      reference[t * COLS + c] = (float)(0.2 + 1.3 * value + 0.4 * noise(&state));
    }
  }
  cr_assert_eq(tsr_statistics_create(COLS, TSR_STATISTICS_GRAM, &statistics), TSR_OK);
  return 1;
}

static void add(int pairs) {
  for (int first = 0; first < TOKENS; first += TOKENS / 2) {
    const float *rows = x + first * COLS;
    tsr_status status = pairs ? tsr__statistics_add_pair(statistics, rows, reference + first * COLS,
                                                         TOKENS / 2, COLS, 2)
                              : tsr_statistics_add(statistics, rows, TOKENS / 2, COLS, 2);
    cr_assert_eq(status, TSR_OK, "%s", tsr_last_error());
  }
}

static tsr_status prune(tsr_prune_method method, double sparsity, double *shift) {
  tsr_prune_options options = {
      .method = method, .sparsity = sparsity, .threads = 2, .damping = DAMPING, .shift = shift};
  cr_assert_eq(tsr_pattern_parse("irregular", &options.pattern), TSR_OK);
  memcpy(pruned, weights, sizeof pruned);
  return tsr_prune_matrix(&options, statistics, pruned, ROWS, COLS, mask, NULL);
}

static double mean(const float *values, int c) {
  double sum = 0;
  for (int t = 0; t < TOKENS; t++) sum += (double)values[t * COLS + c];
  return sum / TOKENS;
}

/* a_i x_j, per token, about the means if centred. */
static double moment(const float *a, int i, int j, int centred) {
  double sum = 0;
  for (int t = 0; t < TOKENS; t++) sum += (double)a[t * COLS + i] * (double)x[t * COLS + j];
  return sum / TOKENS - (centred ? mean(a, i) * mean(x, j) : 0);
}

/* What the output is added to lacks so much; of row r and token t. */
static double lack(int r, int t) { return 0.1 * r + 0.5 * (double)x[t * COLS + r] - 0.2; }

static double lack_moment(int r, int j, int centred) {
  double sum = 0, own = 0;
  for (int t = 0; t < TOKENS; t++) {
    sum += lack(r, t) * (double)x[t * COLS + j];
    own += lack(r, t);
  }
  return sum / TOKENS - (centred ? own / TOKENS * mean(x, j) : 0);
}

/* The unpruned layer's output, of row r and token t. */
static double output(int r, int t) {
  double sum = 0;
  for (int c = 0; c < COLS; c++)
    sum += (double)weights[r * COLS + c] * (double)reference[t * COLS + c];
  return sum;
}

/* The unpruned model's sum, in rows of one value more. */
static void add_with_lack(void) {
  static float residual[TOKENS * ROWS], sum[TOKENS * (ROWS + 1)], bias[ROWS];
  for (int r = 0; r < ROWS; r++) bias[r] = (float)r - 1.5f;
  for (int t = 0; t < TOKENS; t++)
    for (int r = 0; r < ROWS; r++) {
      double now = (t * ROWS + r) % 11;
      residual[t * ROWS + r] = (float)now;
      sum[t * (ROWS + 1) + r] = (float)(output(r, t) + (double)bias[r] + now + lack(r, t));
    }
  for (int first = 0; first < TOKENS; first += TOKENS / 2) {
    tsr__sum_goal goal = {
        sum + first * (ROWS + 1), residual + first * ROWS, bias, ROWS, ROWS + 1, ROWS};
    cr_assert_eq(tsr__statistics_add_goal(statistics, x + first * COLS, TOKENS / 2, COLS, &goal, 2),
                 TSR_OK, "%s", tsr_last_error());
  }
}

/* With nothing pruned: new (H + d) = old (C + d) + what the output is to make up for. */
static void check_equations(int centred, int lacks) {
  double h[COLS][COLS], c[COLS][COLS], d = 0;
  for (int i = 0; i < COLS; i++)
    for (int j = 0; j < COLS; j++) {
      h[i][j] = moment(x, i, j, centred);
      c[i][j] = moment(reference, i, j, centred);
    }
  for (int i = 0; i < COLS; i++) d += DAMPING * h[i][i] / COLS;
  for (int r = 0; r < ROWS; r++)
    for (int j = 0; j < COLS; j++) {
      double left = d * (double)pruned[r * COLS + j], right = d * (double)weights[r * COLS + j];
      if (lacks) right += lack_moment(r, j, centred);
      for (int i = 0; i < COLS; i++) {
        left += (double)pruned[r * COLS + i] * h[i][j];
        right += (double)weights[r * COLS + i] * c[i][j];
      }
      cr_assert_float_eq(left, right, 1e-5, "%d, %d: %g, not %g", r, j, left, right);
    }
}

Test(follow, weights_are_the_least_squares_of_the_reference) {
  if (!make()) return;
  add(1);
  cr_assert_eq(prune(TSR_METHOD_SPARSEGPT, 0, NULL), TSR_OK, "%s", tsr_last_error());
  check_equations(0, 0);
  tsr_statistics_destroy(statistics);
}

Test(follow, the_bias_takes_over_what_the_means_differ_by) {
  double shift[ROWS] = {0};
  if (!make()) return;
  add(1);
  cr_assert_eq(prune(TSR_METHOD_SPARSEGPT, 0.5, shift), TSR_OK, "%s", tsr_last_error());
  for (int r = 0; r < ROWS; r++) {
    double wanted = 0, now = shift[r];
    for (int c = 0; c < COLS; c++) {
      wanted += (double)weights[r * COLS + c] * mean(reference, c);
      now += (double)pruned[r * COLS + c] * mean(x, c);
    }
    cr_assert_float_eq(now, wanted, 1e-6);
  }
  memset(shift, 0, sizeof shift);
  cr_assert_eq(prune(TSR_METHOD_SPARSEGPT, 0, shift), TSR_OK, "%s", tsr_last_error());
  check_equations(1, 0);
  tsr_statistics_destroy(statistics);
}

Test(follow, weights_make_up_for_what_the_sum_lacks) {
  double shift[ROWS] = {0};
  if (!make()) return;
  add_with_lack();
  cr_assert_eq(prune(TSR_METHOD_SPARSEGPT, 0, NULL), TSR_OK, "%s", tsr_last_error());
  check_equations(0, 1);
  cr_assert_eq(prune(TSR_METHOD_SPARSEGPT, 0, shift), TSR_OK, "%s", tsr_last_error());
  check_equations(1, 1);
  for (int r = 0; r < ROWS; r++) {
    double wanted = 0, now = shift[r];
    for (int t = 0; t < TOKENS; t++) wanted += lack(r, t) / TOKENS;
    for (int c = 0; c < COLS; c++) {
      wanted += (double)weights[r * COLS + c] * mean(reference, c);
      now += (double)pruned[r * COLS + c] * mean(x, c);
    }
    cr_assert_float_eq(now, wanted, 1e-5);
  }
  tsr_statistics_destroy(statistics);
}

/* Of the output, against what the unpruned layer makes of the reference. */
static double error(void) {
  double sum = 0;
  for (int t = 0; t < TOKENS; t++)
    for (int r = 0; r < ROWS; r++) {
      double away = 0;
      for (int c = 0; c < COLS; c++)
        away += (double)pruned[r * COLS + c] * (double)x[t * COLS + c] -
                (double)weights[r * COLS + c] * (double)reference[t * COLS + c];
      sum += away * away;
    }
  return sum;
}

Test(follow, pruned_layers_are_nearer_to_the_unpruned_model) {
  static const tsr_prune_method methods[] = {TSR_METHOD_SPARSEGPT, TSR_METHOD_ADMM};
  double alone[2];
  for (int pairs = 0; pairs < 2; pairs++) {
    if (!make()) return;
    add(pairs);
    for (int m = 0; m < 2; m++) {
      cr_assert_eq(prune(methods[m], 0.5, NULL), TSR_OK, "%s", tsr_last_error());
      if (pairs)
        cr_assert_lt(error(), 0.9 * alone[m]);
      else
        alone[m] = error();
    }
    tsr_statistics_destroy(statistics);
  }
}

static tsr_status add_one(void) {
  tsr_statistics *s;
  tsr_status status = tsr_statistics_create(COLS, TSR_STATISTICS_GRAM, &s);
  if (status != TSR_OK) return status;
  status = tsr__statistics_add_pair(s, x, reference, 9, COLS, 1);
  tsr_statistics_destroy(s);
  if (status != TSR_OK) return status;
  status = tsr_statistics_create(COLS, TSR_STATISTICS_GRAM, &s);
  if (status != TSR_OK) return status;
  tsr__sum_goal goal = {reference, x, NULL, ROWS, COLS, COLS};
  status = tsr__statistics_add_goal(s, x, 9, COLS, &goal, 1);
  tsr_statistics_destroy(s);
  return status;
}

Test(follow, running_out_of_memory_is_survived) {
  if (!make()) return;
  add(1);
  EXPECT_OUT_OF_MEMORY(add_one());
  EXPECT_OUT_OF_MEMORY(prune(TSR_METHOD_SPARSEGPT, 0.5, NULL));
  tsr_statistics_destroy(statistics);
}

Test(follow, bad_input_is_refused) {
  tsr_statistics *norms;
  if (!make()) return;
  reference[3 * COLS + 2] = NAN;
  cr_assert_eq(tsr__statistics_add_pair(statistics, x, reference, TOKENS, COLS, 1),
               TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "row 3, feature 2"), "%s", tsr_last_error());
  cr_assert_eq(tsr_statistics_rows(statistics), 0);
  tsr_statistics_destroy(statistics);
  cr_assert_eq(tsr_statistics_create(COLS, TSR_STATISTICS_NORMS, &norms), TSR_OK);
  cr_assert_eq(tsr__statistics_add_pair(norms, x, x, TOKENS, COLS, 1), TSR_INVALID_ARGUMENT);
  tsr__sum_goal goal = {x, x, NULL, ROWS, COLS, COLS};
  cr_assert_eq(tsr__statistics_add_goal(norms, x, TOKENS, COLS, &goal, 1), TSR_INVALID_ARGUMENT);
  tsr_statistics_destroy(norms);
}
