/* The sparse variants of a weight matrix that a benchmark compares. */
#ifndef TESSERA_BENCH_VARIANT_H
#define TESSERA_BENCH_VARIANT_H

#include "tessera/pack.h"
#include "tessera/types.h"

typedef struct tsr__variant {
  tsr_pattern pattern;
  double sparsity;
  int32_t as_is; /* 1 = the weights as they came; pattern and sparsity are unused */
} tsr__variant;

typedef struct tsr__variants {
  tsr__variant *items;
  size_t count;
} tsr__variants;

/* Every pattern at every sparsity. A pattern that dictates its sparsity (dense, N:M, V:N:M) comes
 * once; block+N:M only at sparsities that it can have. TSR_INVALID_ARGUMENT if nothing is left.
 * as_is adds the variant of that name. */
tsr_status tsr__variants_list(const tsr_pattern *patterns, size_t pattern_count,
                              const double *sparsities, size_t sparsity_count, int as_is,
                              tsr__variants *out);
void tsr__variants_release(tsr__variants *variants); /* NULL is fine */

/* Prunes a copy of weights[rows, cols] by magnitude and packs it into the pattern's format. */
tsr_status tsr__variant_pack(const tsr__variant *variant, const float *weights, int64_t rows,
                             int64_t cols, tsr_packed *out);

/* count uniformly distributed floats in [-1, 1), the same for the same seed. */
void tsr__random_floats(uint64_t seed, float *out, size_t count);
uint64_t tsr__random_next(uint64_t *state);

#endif
