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
  const tsr_tensor *tensor; /* set by the caller, 2-D; the rest zero */
  tsr_pattern pattern;
  tsr_packed packed; /* owns its arrays */
} tsr__pack_layer;

/* Fills the layers, several at a time. Negative zeros become +0.0. Shows progress. */
tsr_status tsr__pack_layers(const tsr__pack_rule *rule, int threads, tsr__pack_layer *layers,
                            size_t count);

#endif
