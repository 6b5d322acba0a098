/* One projection per pattern: scores -> the mask. */
#ifndef TESSERA_PRUNE_PROJECTION_H
#define TESSERA_PRUNE_PROJECTION_H

#include "tessera/prune.h"

/* What is to be projected; all arguments are checked. */
typedef struct tsr__projection {
  const tsr_pattern *pattern;
  double sparsity;
  const tsr_project_item *items;
  size_t count;
  int by_elements; /* 1: sparsity is a share of elements over all items; 0: of units (one item) */
} tsr__projection;

typedef struct tsr__pattern_ops {
  /* The sparsity that the pattern dictates, or the least it can have; NULL: 0. */
  double (*fixed_sparsity)(const tsr_pattern *pattern);
  int fixed; /* 1: it can have no other */
  tsr_status (*project)(const tsr__projection *projection);
} tsr__pattern_ops;

#define TSR__PATTERN(enumerator, name) extern const tsr__pattern_ops tsr__pattern_##name;
#include "runtime/prune/patterns.inc"
#undef TSR__PATTERN

/* The rectangles that a pattern keeps or prunes as a whole. */
typedef struct tsr__unit {
  int64_t rows, cols;
} tsr__unit;

typedef tsr__unit (*tsr__unit_of)(const tsr_pattern *pattern, const tsr_project_item *item);

/* Ranks units by the mean of their masked scores and clears the mask of the lowest ones until
 * `sparsity` is reached; kept units' masks stay as they are. */
tsr_status tsr__prune_units(const tsr__projection *projection, tsr__unit_of unit_of,
                            double sparsity);

/* Keeps the n best of every m elements of a row; groups start anew every `span` columns. */
void tsr__keep_n_of_m(const tsr_pattern *pattern, const tsr_project_item *item, int64_t span);

#endif
