/* Biases, and BatchNorm's vectors, that change with the weights that were pruned. */
#ifndef TESSERA_CLI_PRUNE_VECTORS_H
#define TESSERA_CLI_PRUNE_VECTORS_H

#include "runtime/cli/prune_layer.h"

/* What a tensor becomes. */
typedef struct tsr__changed_vector {
  const tsr_tensor *tensor;
  void *data; /* owned */
} tsr__changed_vector;

/* By the layers' scale, shift and silent rows: of a linear layer "NAME.bias"; of filters their
 * BatchNorm's shift and scale. *out: at most two for each layer, the caller's to free
 * even after a failure (then it may be NULL). */
tsr_status tsr__change_vectors(const tsr_checkpoint *checkpoint, const tsr__prune_layer *layers,
                               size_t count, tsr__changed_vector **out, size_t *out_count);
void tsr__changed_vectors_free(tsr__changed_vector *vectors, size_t count);
/* What was made of the tensor; NULL if it is not among them. */
const void *tsr__changed_vector_of(const tsr__changed_vector *vectors, size_t count,
                                   const tsr_tensor *tensor);

#endif
