/* SparseGPT and ADMM against naive ones in double, and what holds for both. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/alloc_failures.h"
#include "tests/prune_case.h"

static const tsr_prune_method methods[] = {TSR_METHOD_SPARSEGPT, TSR_METHOD_ADMM};

/* A build without BLAS has nothing to test here but that it says so. */
static int available(void) {
  if (tsr_prune_method_available(TSR_METHOD_ADMM)) return 1;
  tsr_statistics *s;
  cr_assert_eq(tsr_statistics_create(4, TSR_STATISTICS_GRAM, &s), TSR_UNSUPPORTED);
  return 0;
}

/* ---- naive linear algebra ---- */

/* The Gram matrix per row, features without input at 1, plus damping x its mean diagonal. */
static void damped(const prune_case *c, double damping, double *h) {
  double mean = 0;
  for (int64_t i = 0; i < c->cols * c->cols; i++) h[i] = c->gram[i] / (double)c->tokens;
  for (int64_t i = 0; i < c->cols; i++) {
    if (h[i * c->cols + i] <= 0) h[i * c->cols + i] = 1;
    mean += h[i * c->cols + i] / (double)c->cols;
  }
  for (int64_t i = 0; i < c->cols; i++) h[i * c->cols + i] += damping * mean;
}

/* Gauss-Jordan without pivoting, which a positive definite matrix does not need. */
static void invert(double *a, int64_t n, double *out) {
  for (int64_t i = 0; i < n * n; i++) out[i] = i / n == i % n;
  for (int64_t p = 0; p < n; p++) {
    double pivot = a[p * n + p];
    for (int64_t j = 0; j < n; j++) a[p * n + j] /= pivot, out[p * n + j] /= pivot;
    for (int64_t i = 0; i < n; i++) {
      double factor = a[i * n + p];
      if (i == p) continue;
      for (int64_t j = 0; j < n; j++) {
        a[i * n + j] -= factor * a[p * n + j];
        out[i * n + j] -= factor * out[p * n + j];
      }
    }
  }
}

/* The inverse without feature j, whose row and column become 0. */
static void drop_feature(double *inverse, int64_t n, int64_t j) {
  double pivot = inverse[j * n + j], row[256] = {0};
  for (int64_t k = 0; k < n; k++) row[k] = inverse[j * n + k];
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < n; k++) inverse[i * n + k] -= row[i] * row[k] / pivot;
}

/* ---- SparseGPT, from the optimal brain surgeon's rule ---- */

/* Of every four weights the two go that cost least, w^2 over the diagonal of the inverse as it
 * will be when their turn comes. */
static void naive_two_of_four(int64_t n, const double *inverse, const double *row, int64_t group,
                              tsr_mask *mask) {
  double later[256 * 256], cost[4] = {0};
  memcpy(later, inverse, (size_t)(n * n) * sizeof *later);
  for (int i = 0; i < 4; i++) {
    int64_t j = group + i;
    cost[i] = row[j] * row[j] / later[j * n + j];
    drop_feature(later, n, j);
  }
  for (int i = 0; i < 4; i++) {
    int cheaper = 0;
    for (int k = 0; k < 4; k++) cheaper += cost[k] < cost[i];
    mask[group + i] = cheaper >= 2;
  }
}

/* One row, from the left; chosen: the mask, or NULL to choose 2:4 here. */
static void naive_sparsegpt_row(const prune_case *c, const double *inverse, const float *weights,
                                const tsr_mask *chosen, double *row) {
  int64_t n = c->cols;
  double *left = malloc((size_t)(n * n) * sizeof *left);
  tsr_mask own[256];
  memcpy(left, inverse, (size_t)(n * n) * sizeof *left);
  for (int64_t j = 0; j < n; j++) row[j] = (double)weights[j];
  for (int64_t j = 0; j < n; j++) {
    if (!chosen && j % 4 == 0) naive_two_of_four(n, left, row, j, own);
    const tsr_mask *mask = chosen ? chosen : own;
    double error = mask[j] ? 0 : row[j] / left[j * n + j];
    for (int64_t k = j; k < n; k++) row[k] -= error * left[j * n + k];
    drop_feature(left, n, j);
  }
  free(left);
}

static void check_sparsegpt(prune_case *c, const char *pattern, double sparsity, int choose) {
  size_t square = (size_t)(c->cols * c->cols);
  double *h = calloc(square, sizeof *h), *inverse = calloc(square, sizeof *h), row[256] = {0};
  prune_case_run(c, TSR_METHOD_SPARSEGPT, pattern, sparsity, 1);
  damped(c, 0.01, h);
  invert(h, c->cols, inverse);
  for (int64_t r = 0; r < c->rows; r++) {
    const tsr_mask *mask = choose ? NULL : c->mask + r * c->cols;
    naive_sparsegpt_row(c, inverse, c->weights + r * c->cols, mask, row);
    for (int64_t j = 0; j < c->cols; j++)
      cr_assert_float_eq((double)c->pruned[r * c->cols + j], row[j], 2e-4, "%s: row %d, column %d",
                         pattern, (int)r, (int)j);
  }
  free(h);
  free(inverse);
}

Test(methods_gram, sparsegpt_is_the_naive_one) {
  if (!available()) return;
  prune_case c;
  prune_case_init(&c, 12, 48, 200, TSR_STATISTICS_GRAM);
  check_sparsegpt(&c, "2:4", -1, 1);
  for (const prune_pattern *p = prune_patterns; p->text; p++)
    if (strcmp(p->text, "row") != 0) check_sparsegpt(&c, p->text, p->sparsity, 0);
  prune_case_release(&c);
  /* More than one batch of 128 columns. */
  prune_case_init(&c, 5, 150, 400, TSR_STATISTICS_GRAM);
  check_sparsegpt(&c, "irregular", 0.6, 0);
  check_sparsegpt(&c, "block:3x5", 0.6, 0);
  prune_case_release(&c);
}

/* ---- ADMM ---- */

/* What is kept solves (W - W0)(H + 0.1 D) = 0 on its support, D being the diagonal of H. */
static void check_normal_equations(const prune_case *c, const char *text) {
  int64_t n = c->cols;
  double worst = 0, scale = 0;
  for (int64_t r = 0; r < c->rows; r++)
    for (int64_t j = 0; j < n; j++) {
      double gradient = 0, target = 0, norm = sqrt(c->gram[j * n + j]);
      for (int64_t i = 0; i < n; i++) {
        double a = c->gram[i * n + j] * (i == j ? 1.1 : 1);
        gradient += ((double)c->pruned[r * n + i] - (double)c->weights[r * n + i]) * a;
        target += (double)c->weights[r * n + i] * a;
      }
      if (!c->mask[r * n + j]) continue;
      worst += gradient / norm * (gradient / norm);
      scale += target / norm * (target / norm);
    }
  cr_assert_leq(sqrt(worst), 2e-4 * sqrt(scale), "%s: %g of %g", text, sqrt(worst), sqrt(scale));
}

Test(methods_gram, admm_solves_the_normal_equations_on_its_support) {
  if (!available()) return;
  prune_case c;
  prune_case_init(&c, 48, 64, 300, TSR_STATISTICS_GRAM);
  for (const prune_pattern *p = prune_patterns; p->text; p++) {
    if (!strcmp(p->text, "row")) continue;
    prune_case_run(&c, TSR_METHOD_ADMM, p->text, p->sparsity, 1);
    check_normal_equations(&c, p->text);
  }
  prune_case_release(&c);
}

/* ---- both ---- */

Test(methods_gram, whole_rows_go_by_what_they_put_into_the_output) {
  if (!available()) return;
  prune_case c;
  prune_case_init(&c, 20, 30, 80, TSR_STATISTICS_GRAM);
  for (int m = 0; m < 2; m++) {
    prune_case_run(&c, methods[m], "row", 0.4, 2);
    for (int64_t r = 0; r < c.rows; r++) {
      double energies[20] = {0};
      int64_t less = 0;
      for (int64_t q = 0; q < c.rows; q++)
        for (int64_t i = 0; i < c.cols; i++)
          for (int64_t j = 0; j < c.cols; j++)
            energies[q] += c.gram[i * c.cols + j] * (double)c.weights[q * c.cols + i] *
                           (double)c.weights[q * c.cols + j];
      for (int64_t q = 0; q < c.rows; q++) less += energies[q] < energies[r];
      cr_assert_eq(c.mask[r * c.cols], less >= 8, "row %d", (int)r);
    }
  }
  prune_case_release(&c);
}

static void check_result(const prune_case *c, const char *text, double sparsity) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK);
  if (sparsity < 0) sparsity = tsr_pattern_fixed_sparsity(&pattern);
  cr_assert_eq(tsr_mask_verify(&pattern, sparsity, c->mask, c->rows, c->cols), TSR_OK, "%s: %s",
               text, tsr_last_error());
  int64_t bad = 0;
  for (int64_t i = 0; i < c->rows * c->cols; i++)
    bad += !isfinite(c->pruned[i]) || (!c->mask[i] && (c->pruned[i] != 0 || signbit(c->pruned[i])));
  cr_assert_eq(bad, 0, "%s", text);
}

Test(methods_gram, every_pattern_is_obeyed_and_beats_magnitude) {
  if (!available()) return;
  static const int64_t sizes[][2] = {{48, 64}, {37, 75}};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    prune_case c;
    prune_case_init(&c, sizes[s][0], sizes[s][1], 300, TSR_STATISTICS_GRAM);
    for (const prune_pattern *p = prune_patterns; p->text; p++) {
      prune_case_run(&c, TSR_METHOD_MAGNITUDE_L2, p->text, p->sparsity, 1);
      double magnitude = prune_case_error(&c);
      for (int m = 0; m < 2; m++) {
        prune_case_run(&c, methods[m], p->text, p->sparsity, 1);
        check_result(&c, p->text, p->sparsity);
        /* With nothing pruned there is rounding only. */
        cr_assert_leq(prune_case_error(&c), magnitude + 1e-2, "%s, %s", p->text,
                      tsr_prune_method_name(methods[m]));
      }
    }
    prune_case_release(&c);
  }
}

Test(methods_gram, threads_change_nothing_but_rounding) {
  if (!available()) return;
  prune_case c;
  prune_case_init(&c, 40, 160, 400, TSR_STATISTICS_GRAM);
  float *alone = malloc((size_t)(c.rows * c.cols) * sizeof *alone);
  for (int m = 0; m < 2; m++) {
    prune_case_run(&c, methods[m], "2:4", -1, 1);
    memcpy(alone, c.pruned, (size_t)(c.rows * c.cols) * sizeof *alone);
    prune_case_run(&c, methods[m], "2:4", -1, 5);
    for (int64_t i = 0; i < c.rows * c.cols; i++)
      cr_assert_float_eq((double)alone[i], (double)c.pruned[i], 1e-4);
  }
  free(alone);
  prune_case_release(&c);
}

Test(methods_gram, features_that_are_always_zero_lose_their_weights) {
  if (!available()) return;
  prune_case c;
  prune_case_init(&c, 8, 32, 50, TSR_STATISTICS_GRAM);
  for (int64_t t = 0; t < c.tokens; t++) c.x[t * c.cols + 5] = c.x[t * c.cols + 31] = 0;
  tsr_statistics_destroy(c.statistics);
  cr_assert_eq(tsr_statistics_create(c.cols, TSR_STATISTICS_GRAM, &c.statistics), TSR_OK);
  cr_assert_eq(tsr_statistics_add(c.statistics, c.x, c.tokens, c.cols, 1), TSR_OK);
  for (int m = 0; m < 2; m++) {
    prune_case_run(&c, methods[m], "irregular", 0.5, 1);
    check_result(&c, "irregular", 0.5);
    for (int64_t r = 0; r < c.rows; r++)
      cr_assert(c.pruned[r * c.cols + 5] == 0 && c.pruned[r * c.cols + 31] == 0);
  }
  prune_case_release(&c);
}

/* 10 rows of 64 features leave a matrix of rank 10, which next to no damping does not mend. */
Test(methods_gram, damping_is_raised_until_the_matrix_can_be_factorised) {
  if (!available()) return;
  prune_case c;
  prune_case_init(&c, 16, 64, 10, TSR_STATISTICS_GRAM);
  tsr_prune_options options = {
      .method = TSR_METHOD_SPARSEGPT, .sparsity = 0.5, .threads = 1, .damping = 1e-25};
  tsr_prune_result result;
  cr_assert_eq(tsr_pattern_parse("irregular", &options.pattern), TSR_OK);
  memcpy(c.pruned, c.weights, (size_t)(c.rows * c.cols) * sizeof *c.pruned);
  cr_assert_eq(tsr_prune_matrix(&options, c.statistics, c.pruned, c.rows, c.cols, c.mask, &result),
               TSR_OK, "%s", tsr_last_error());
  cr_assert_gt(result.damping_raises, 0);
  cr_assert_float_eq(result.damping, 1e-25 * pow(10, result.damping_raises), 1e-9 * result.damping);
  check_result(&c, "irregular", 0.5);
  options.damping = 0;
  cr_assert_eq(tsr_prune_matrix(&options, c.statistics, c.pruned, c.rows, c.cols, c.mask, &result),
               TSR_OK);
  cr_assert_eq(result.damping_raises, 0);
  cr_assert_eq(result.damping, 0.01);
  options.damping = -1;
  cr_assert_eq(tsr_prune_matrix(&options, c.statistics, c.pruned, c.rows, c.cols, c.mask, &result),
               TSR_INVALID_ARGUMENT);
  prune_case_release(&c);
}

static tsr_status prune_once(prune_case *c, tsr_prune_method method, const char *pattern) {
  tsr_prune_options options = {.method = method, .sparsity = 0.5, .threads = 1};
  tsr_statistics *statistics;
  cr_assert_eq(tsr_pattern_parse(pattern, &options.pattern), TSR_OK);
  memcpy(c->pruned, c->weights, (size_t)(c->rows * c->cols) * sizeof *c->pruned);
  tsr_status status = tsr_statistics_create(c->cols, TSR_STATISTICS_GRAM, &statistics);
  if (status == TSR_OK) status = tsr_statistics_add(statistics, c->x, c->tokens, c->cols, 1);
  if (status == TSR_OK)
    status = tsr_prune_matrix(&options, statistics, c->pruned, c->rows, c->cols, c->mask, NULL);
  tsr_statistics_destroy(statistics);
  return status;
}

Test(methods_gram, running_out_of_memory_is_survived) {
  if (!available()) return;
  prune_case c;
  prune_case_init(&c, 8, 16, 20, TSR_STATISTICS_GRAM);
  for (int m = 0; m < 2; m++) {
    EXPECT_OUT_OF_MEMORY(prune_once(&c, methods[m], "irregular"));
    EXPECT_OUT_OF_MEMORY(prune_once(&c, methods[m], "row"));
  }
  prune_case_release(&c);
}
