#include "tests/prune_case.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/random.h"

const prune_pattern prune_patterns[] = {{"irregular", 0.5},
                                        {"irregular", 0.83},
                                        {"row", 0.25},
                                        {"column", 0.5},
                                        {"block:4x4", 0.5},
                                        {"block:16x8", 0.3},
                                        {"block:3x5", 0.7},
                                        {"2:4", -1},
                                        {"1:16", -1},
                                        {"vnm:8:2:8", -1},
                                        {"vnm:64:2:16", -1},
                                        {"block:8x8+2:4", 0.5},
                                        {"block:8x16+1:4", 0.9},
                                        {"irregular", 0},
                                        {"block:4x4", 1},
                                        {NULL, 0}};

static float uniform(random_state *random) { return (float)(2 * random_unit(random) - 1); }

static void fill_gram(prune_case *c) {
  for (int64_t i = 0; i < c->cols; i++)
    for (int64_t j = 0; j < c->cols; j++)
      for (int64_t t = 0; t < c->tokens; t++)
        c->gram[i * c->cols + j] += (double)c->x[t * c->cols + i] * (double)c->x[t * c->cols + j];
}

void prune_case_init(prune_case *c, int64_t rows, int64_t cols, int64_t tokens,
                     tsr_statistics_kind kind) {
  random_state random = random_seed((uint64_t)(rows * 1000 + cols));
  *c = (prune_case){.rows = rows, .cols = cols, .tokens = tokens};
  c->weights = malloc((size_t)(rows * cols) * sizeof *c->weights);
  c->pruned = malloc((size_t)(rows * cols) * sizeof *c->pruned);
  c->mask = malloc((size_t)(rows * cols));
  c->x = calloc((size_t)(tokens * cols), sizeof *c->x);
  c->gram = calloc((size_t)(cols * cols), sizeof *c->gram);
  cr_assert(c->weights && c->pruned && c->mask && c->x && c->gram);
  for (int64_t i = 0; i < rows * cols; i++) c->weights[i] = uniform(&random);
  /* Neighbouring features share a part, and some are much larger than others. */
  for (int64_t t = 0; t < tokens; t++)
    for (int64_t f = 0; f < cols; f++) {
      float before = f ? c->x[t * cols + f - 1] : 0;
      c->x[t * cols + f] = 0.6f * before + uniform(&random) * (float)(1 + f % 7);
    }
  fill_gram(c);
  cr_assert_eq(tsr_statistics_create(cols, kind, &c->statistics), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_statistics_add(c->statistics, c->x, tokens, cols, 2), TSR_OK);
}

void prune_case_release(prune_case *c) {
  free(c->weights);
  free(c->pruned);
  free(c->mask);
  free(c->x);
  free(c->gram);
  tsr_statistics_destroy(c->statistics);
}

void prune_case_run(prune_case *c, tsr_prune_method method, const char *pattern, double sparsity,
                    int32_t threads) {
  tsr_prune_options options = {.method = method, .sparsity = sparsity, .threads = threads};
  cr_assert_eq(tsr_pattern_parse(pattern, &options.pattern), TSR_OK);
  memcpy(c->pruned, c->weights, (size_t)(c->rows * c->cols) * sizeof *c->pruned);
  cr_assert_eq(
      tsr_prune_matrix(&options, c->statistics, c->pruned, c->rows, c->cols, c->mask, NULL), TSR_OK,
      "%s: %s", pattern, tsr_last_error());
}

double prune_case_error(const prune_case *c) {
  double sum = 0;
  for (int64_t r = 0; r < c->rows; r++)
    for (int64_t t = 0; t < c->tokens; t++) {
      double y = 0;
      for (int64_t f = 0; f < c->cols; f++)
        y += ((double)c->weights[r * c->cols + f] - (double)c->pruned[r * c->cols + f]) *
             (double)c->x[t * c->cols + f];
      sum += y * y;
    }
  return sum;
}
