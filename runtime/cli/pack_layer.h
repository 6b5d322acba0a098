/* Packing one weight of a checkpoint. */
#ifndef TESSERA_CLI_PACK_LAYER_H
#define TESSERA_CLI_PACK_LAYER_H

#include "tessera/tessera.h"

typedef struct tsr__pack_rule {
  int choose_format; /* 1 = the one that suits the pattern */
  tsr_format format;
  int recognise; /* 1 = look for the pattern in the zeros */
  tsr_pattern pattern;
  tsr_dtype dtype; /* of the values; TSR_DTYPE_COUNT = as they were */
} tsr__pack_rule;

typedef struct tsr__pack_layer {
  const tsr_tensor *tensor; /* a matrix, or filters */
  tsr_pattern pattern;
  tsr_packed packed; /* owns its arrays */
  void *filters;     /* of filters that stay dense: their values as the tensor orders them; owned */
} tsr__pack_layer;

void tsr__pack_layer_release(tsr__pack_layer *layer);

/* *out: a layer for each tensor, filled several at a time, to be released and freed by the caller
 * even after a failure (then it may be NULL). Negative zeros become +0.0. Shows progress. */
tsr_status tsr__pack_layers(const tsr__pack_rule *rule, int threads,
                            const tsr_tensor *const *tensors, size_t count, tsr__pack_layer **out);

#endif
