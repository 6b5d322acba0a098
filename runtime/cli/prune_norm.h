/* BatchNorm behind filters that were pruned. */
#ifndef TESSERA_CLI_PRUNE_NORM_H
#define TESSERA_CLI_PRUNE_NORM_H

#include "runtime/cli/prune_layer.h"

/* A copy of one of BatchNorm's vectors in which the channels of pruned filters are +0.0, so that
 * they give 0. */
typedef struct tsr__pruned_norm {
  const tsr_tensor *tensor;
  void *data; /* owned */
} tsr__pruned_norm;

/* *out: at most two for each layer, scale and shift, the caller's to release and free even after a
 * failure (then it may be NULL). */
tsr_status tsr__prune_norms(const tsr_checkpoint *checkpoint, const tsr__prune_layer *layers,
                            size_t count, tsr__pruned_norm **out, size_t *out_count);
void tsr__pruned_norms_free(tsr__pruned_norm *norms, size_t count);
/* What was made of the tensor; NULL if it is not among them. */
const void *tsr__pruned_norm_of(const tsr__pruned_norm *norms, size_t count,
                                const tsr_tensor *tensor);

#endif
