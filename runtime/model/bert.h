/* BERT: its sizes, and the layers that follow from them. */
#ifndef TESSERA_MODEL_BERT_H
#define TESSERA_MODEL_BERT_H

#include "runtime/model/model.h"
#include "runtime/model/weights.h"

typedef struct tsr__bert_config {
  int64_t layers, hidden, heads, intermediate, vocabulary, max_positions, types;
  float epsilon; /* of LayerNorm */
  tsr_activation activation;
  tsr_pooling pooling;
} tsr__bert_config;

/* Fills an empty model. */
tsr_status tsr__bert_build(const tsr__bert_config *config, tsr__weights *weights, tsr_model *model);

/* As tsr__model_family has them. */
const char *tsr__bert_preset_name(size_t index);
tsr_status tsr__bert_preset(size_t index, uint64_t seed, tsr_model *model);
/* What may be reordered: of each block the inner channels, those of the values within a head, and
 * those of queries and keys within a head. */
int tsr__bert_channels(const tsr_model *model, int64_t index, tsr__channels *out);

#endif
