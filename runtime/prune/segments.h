/* Parts of methods that prune a matrix some columns at a time. */
#ifndef TESSERA_PRUNE_SEGMENTS_H
#define TESSERA_PRUNE_SEGMENTS_H

#include "runtime/prune/method.h"

/* The least number of columns that the pattern can be projected on by themselves; `free_width`
 * where any number will do. */
int64_t tsr__segment_width(const tsr_pattern *pattern, int64_t free_width);

/* The sparsity of each segment, so that all together have the task's. */
typedef struct tsr__shares {
  double *sparsity; /* [segments]; NULL: every segment has the pattern's own */
  double own;
} tsr__shares;

/* Projects scores[rows, cols] as a whole and counts what is pruned in each segment. */
tsr_status tsr__shares_find(const tsr__prune_task *task, const float *scores, int64_t segment,
                            tsr__shares *out);
double tsr__shares_of(const tsr__shares *shares, int64_t segment);
void tsr__shares_release(tsr__shares *shares);

/* Weights of features of no power become +0.0. */
void tsr__zero_dead_columns(const tsr__prune_task *task);

/* The pattern `row`: the rows that put the least into the output go, w H w^T being what a row puts
 * in. Nothing within the matrix can make up for a row. */
tsr_status tsr__prune_rows(const tsr__prune_task *task);

#endif
