/* A BERT small enough for tests: 2 layers, hidden 32, intermediate 64, 4 heads, 24 tokens. */
#ifndef TESSERA_TESTS_TINY_BERT_H
#define TESSERA_TESTS_TINY_BERT_H

enum {
  TINY_LAYERS = 2,
  TINY_HIDDEN = 32,
  TINY_INTERMEDIATE = 64,
  TINY_HEADS = 4,
  TINY_POSITIONS = 20,
  TINY_LINEARS = 6 * TINY_LAYERS
};

/* The tokens of its vocabulary, in order; NULL at the end. */
extern const char *const tiny_vocabulary[];

/* Makes the folder with model.safetensors, config.json and vocab.txt; seeded random weights. */
void tiny_bert_write(const char *folder);

#endif
