/* Reordering a model's channels before it is pruned. */
#ifndef TESSERA_CLI_PERMUTE_H
#define TESSERA_CLI_PERMUTE_H

#include "runtime/cli/prune_layer.h"

/* Puts those channels of the checkpoint's model whose order is free into the order under which the
 * rule keeps the most magnitude of the weights to be pruned: rows, columns and biases move, in
 * memory only, so that the model computes what it did. tensors: [count], the weights to be pruned.
 * TSR_UNSUPPORTED for a model of which no such channels are known. */
tsr_status tsr__permute_checkpoint(const tsr__prune_rule *rule, int threads,
                                   tsr_checkpoint *checkpoint, const tsr_tensor *const *tensors,
                                   size_t count);

#endif
