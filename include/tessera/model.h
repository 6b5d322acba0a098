/* Models: arrays of layer records over a checkpoint's weights; the tokenizer. */
#ifndef TESSERA_MODEL_H
#define TESSERA_MODEL_H

#include "tessera/checkpoint.h"
#include "tessera/layer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tsr_model tsr_model;

typedef enum tsr_pooling { TSR_POOLING_MEAN, TSR_POOLING_CLS } tsr_pooling;

/* Loads a model from a checkpoint (dense or packed weights, with or without the "bert." prefix or a
 * pooler; config.json tells the sizes). The checkpoint must outlive the model. */
TSR_API tsr_status tsr_model_load(const tsr_checkpoint *checkpoint, tsr_model **out);

/* A model of a known size with seeded random weights: "minilm", "bert-base", "bert-large". */
TSR_API tsr_status tsr_model_preset(const char *name, uint64_t seed, tsr_model **out);
/* The presets' names; NULL past the end. */
TSR_API const char *tsr_model_preset_name(size_t index);

TSR_API void tsr_model_destroy(tsr_model *model); /* NULL is fine */

/* Sizes of a loaded model. */
typedef struct tsr_model_info {
  const char *family; /* "bert" */
  char name[64];      /* preset name, or the checkpoint's folder name */
  int64_t layers, hidden, heads, intermediate, vocabulary, max_positions;
  tsr_pooling pooling;
} tsr_model_info;
TSR_API const tsr_model_info *tsr_model_get_info(const tsr_model *model);

TSR_API size_t tsr_model_layer_count(const tsr_model *model);
TSR_API const char *tsr_model_layer_name(const tsr_model *model, size_t index);
TSR_API tsr_layer_kind tsr_model_layer_kind(const tsr_model *model, size_t index);
/* The weights of a linear layer; NULL for another kind. */
TSR_API const tsr_linear *tsr_model_linear(const tsr_model *model, size_t index);
/* Replaces a linear layer's weight; takes over weight->owned (also on failure). Shapes must agree.
 * Plans made before keep what they had. */
TSR_API tsr_status tsr_model_set_weight(tsr_model *model, size_t index, tsr_packed *weight);

/* Pools differently from what the checkpoint says. Plans made before must not be used again. */
TSR_API tsr_status tsr_model_set_pooling(tsr_model *model, tsr_pooling pooling);

/* ---- tokenizer: uncased WordPiece as BERT uses it ---- */

typedef struct tsr_tokenizer tsr_tokenizer;

/* vocab.txt: one token a line, the line number is the id. TSR_MALFORMED names file and line. */
TSR_API tsr_status tsr_tokenizer_open(const char *vocab_path, tsr_tokenizer **out);
TSR_API void tsr_tokenizer_close(tsr_tokenizer *tokenizer); /* NULL is fine */
/* ids: caller's, [capacity]. Writes [CLS] ... [SEP], cut to max_tokens (>= 2) by dropping tokens
 * before [SEP]. text: bytes, not necessarily valid UTF-8 (an invalid sequence counts as U+FFFD),
 * may hold NUL. *count is the number of ids of the cut sequence, even when larger than capacity:
 * then TSR_INVALID_ARGUMENT, and only capacity ids were written. Reads only the tokenizer, so
 * threads may share one. */
TSR_API tsr_status tsr_tokenizer_encode(const tsr_tokenizer *tokenizer, const char *text,
                                        size_t bytes, size_t max_tokens, int32_t *ids,
                                        size_t capacity, size_t *count);
TSR_API size_t tsr_tokenizer_vocabulary(const tsr_tokenizer *tokenizer);
/* NULL when out of range. */
TSR_API const char *tsr_tokenizer_token(const tsr_tokenizer *tokenizer, int32_t id);

#ifdef __cplusplus
}
#endif
#endif
