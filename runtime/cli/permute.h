/* Reordering a model's channels before it is pruned. */
#ifndef TESSERA_CLI_PERMUTE_H
#define TESSERA_CLI_PERMUTE_H

#include "runtime/cli/prune_layer.h"

/* A weight that is to be pruned. */
typedef struct tsr__permute_weight {
  const tsr_tensor *tensor;
  /* NULL, and it is magnitude that is kept; or [columns], the power of what each column multiplies,
   * and it is w^2 times that (Wanda's score). */
  const float *powers;
  const float *sensitivities; /* NULL, or [rows]: that score is multiplied with them */
} tsr__permute_weight;

/* Puts those channels of the checkpoint's model whose order is free into the order under which the
 * rule keeps the most of the weights to be pruned: rows, columns and biases move, in memory only,
 * so that the model computes what it did. weights: [count]. TSR_UNSUPPORTED for a model of which no
 * such channels are known. */
tsr_status tsr__permute_checkpoint(const tsr__prune_rule *rule, int threads,
                                   tsr_checkpoint *checkpoint, const tsr__permute_weight *weights,
                                   size_t count);

#endif
