/* Pruning the weights of a checkpoint, several at a time. */
#ifndef TESSERA_CLI_PRUNE_LAYER_H
#define TESSERA_CLI_PRUNE_LAYER_H

#include "tessera/tessera.h"

typedef struct tsr__prune_rule {
  tsr_pattern pattern;
  tsr_prune_method method;
  double sparsity; /* < 0: the pattern's own */
  tsr_dtype dtype; /* of the results; TSR_DTYPE_COUNT = as they were */
  int global;      /* the sparsity is that of all layers together */
} tsr__prune_rule;

typedef struct tsr__prune_layer {
  const tsr_tensor *tensor; /* 2-D */
  tsr_dtype dtype;
  void *data;               /* the result, [shape[0], shape[1]] of dtype */
  int64_t pruned;           /* elements */
  double score, kept_score; /* sums over all and over the kept elements */
  float *values, *scores;   /* while it is being pruned */
  tsr_mask *mask;
} tsr__prune_layer;

/* *out: a layer for each tensor, to be released and freed by the caller even after a failure (then
 * it may be NULL). Each mask is checked by tsr_mask_verify. Shows progress. */
tsr_status tsr__prune_layers(const tsr__prune_rule *rule, int threads,
                             const tsr_tensor *const *tensors, size_t count,
                             tsr__prune_layer **out);
void tsr__prune_layer_release(tsr__prune_layer *layer);

#endif
