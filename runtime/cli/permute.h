/* Reordering a model's channels before it is pruned. */
#ifndef TESSERA_CLI_PERMUTE_H
#define TESSERA_CLI_PERMUTE_H

#include "runtime/cli/prune_layer.h"

/* Puts those channels of the checkpoint's model whose order is free into the order under which the
 * rule keeps the most of the weights to be pruned: rows, columns and biases move, in memory only,
 * so that the model computes what it did. tensors: [count], the weights to be pruned. powers: NULL,
 * and it is magnitude that is kept; or [count] of [columns of the tensor], the power of what each
 * column multiplies, and it is w^2 times that (Wanda's score). TSR_UNSUPPORTED for a model of which
 * no such channels are known. */
tsr_status tsr__permute_checkpoint(const tsr__prune_rule *rule, int threads,
                                   tsr_checkpoint *checkpoint, const tsr_tensor *const *tensors,
                                   size_t count, float *const *powers);

#endif
