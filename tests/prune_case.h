/* A matrix to prune and what its layer reads, with correlated features. */
#ifndef TESSERA_TESTS_PRUNE_CASE_H
#define TESSERA_TESTS_PRUNE_CASE_H

#include "tessera/prune.h"

typedef struct prune_case {
  int64_t rows, cols, tokens;
  float *weights; /* [rows, cols] */
  float *x;       /* [tokens, cols] */
  double *gram;   /* [cols, cols]: X^T X, summed naively */
  float *pruned;  /* [rows, cols]: the result of prune_case_run */
  tsr_mask *mask; /* [rows, cols] */
  tsr_statistics *statistics;
} prune_case;

void prune_case_init(prune_case *c, int64_t rows, int64_t cols, int64_t tokens,
                     tsr_statistics_kind kind);
void prune_case_release(prune_case *c);
/* Prunes a copy of the weights; sparsity < 0: the pattern's own. It must succeed. */
void prune_case_run(prune_case *c, tsr_prune_method method, const char *pattern, double sparsity,
                    int32_t threads);
/* The squared error of the output over all tokens, in double. */
double prune_case_error(const prune_case *c);
/* The patterns that every method is tried with, and a sparsity for each; NULL at the end. */
typedef struct prune_pattern {
  const char *text;
  double sparsity;
} prune_pattern;
extern const prune_pattern prune_patterns[];

#endif
