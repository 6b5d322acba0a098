/* Two levels. What a block is worth is what n:m leaves of it, so n:m comes first. */
#include "runtime/prune/projection.h"

static double fixed_sparsity(const tsr_pattern *p) { return 1 - (double)p->n / p->m; }

static tsr__unit block(const tsr_pattern *pattern, const tsr_project_item *item) {
  (void)item;
  return (tsr__unit){pattern->block_rows, pattern->block_cols};
}

static tsr_status project(const tsr__projection *p) {
  for (size_t i = 0; i < p->count; i++)
    tsr__keep_n_of_m(p->pattern, &p->items[i], p->pattern->block_cols);
  double kept_blocks = (1 - p->sparsity) * p->pattern->m / p->pattern->n;
  return tsr__prune_units(p, block, kept_blocks < 1 ? 1 - kept_blocks : 0);
}

const tsr__pattern_ops tsr__pattern_block_nm = {.fixed_sparsity = fixed_sparsity,
                                                .project = project};
