/* A small BERT with random weights, its checkpoint on disk, and what it computes, in double. */
#ifndef TESSERA_TESTS_SMALL_BERT_H
#define TESSERA_TESTS_SMALL_BERT_H

#include <stdint.h>

#include "tessera/checkpoint.h"

enum {
  SMALL_LAYERS = 2,
  SMALL_HIDDEN = 24,
  SMALL_HEADS = 3,
  SMALL_INNER = 40,
  SMALL_VOCABULARY = 50,
  SMALL_POSITIONS = 20,
  SMALL_TYPES = 2,
  SMALL_TENSORS_MAX = 64,
};

typedef struct small_tensor {
  char name[96];
  int64_t rows, cols; /* rows = 0: a vector */
  float *data;
} small_tensor;

typedef struct small_bert {
  int count;
  small_tensor tensors[SMALL_TENSORS_MAX];
} small_bert;

void small_bert_init(small_bert *bert, uint64_t seed);
void small_bert_release(small_bert *bert);
/* NULL if there is none of that name. */
small_tensor *small_bert_find(small_bert *bert, const char *name);

/* Writes folder/model.safetensors with every name after the prefix; dtype F32, F16 or BF16 (then
 * the weights in memory are rounded to it, too). old_names: LayerNorm's gamma and beta. */
void small_bert_save(small_bert *bert, const char *folder, const char *prefix, tsr_dtype dtype,
                     int old_names);

/* Writes folder/config.json with key's value replaced by `value` (JSON text), or left out if value
 * is NULL. key may be NULL. */
void small_bert_config(const char *folder, const char *key, const char *value);

/* hidden: [tokens, SMALL_HIDDEN], the last layer's states of one sequence. types may be NULL. */
void small_bert_forward(small_bert *bert, const int32_t *ids, const int32_t *types, int64_t tokens,
                        double *hidden);
/* The same after the first `blocks` blocks. */
void small_bert_forward_blocks(small_bert *bert, const int32_t *ids, const int32_t *types,
                               int64_t tokens, int blocks, double *hidden);

#endif
