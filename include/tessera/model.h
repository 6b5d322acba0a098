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

/* Loads a model from a checkpoint (dense or packed weights; config.json tells family and sizes).
 * BERT: with or without the "bert." prefix or a pooler. ResNet: torchvision's tensor names and
 * config.json with the keys of Hugging Face's ResNetConfig, and image_size (224 if there is none).
 * The checkpoint must outlive the model. */
TSR_API tsr_status tsr_model_load(const tsr_checkpoint *checkpoint, tsr_model **out);

/* A model of a known size with seeded random weights: "minilm", "bert-base", "bert-large",
 * "resnet18", "resnet50" (224 x 224 x 3, 1000 classes), "fashion-resnet" (28 x 28 x 1, 10). */
TSR_API tsr_status tsr_model_preset(const char *name, uint64_t seed, tsr_model **out);
/* The presets' names; NULL past the end. */
TSR_API const char *tsr_model_preset_name(size_t index);

TSR_API void tsr_model_destroy(tsr_model *model); /* NULL is fine */

enum { TSR_IMAGE_CHANNELS_MAX = 4 };

/* Sizes of a loaded model; those of the other kind of model are 0. */
typedef struct tsr_model_info {
  const char *family; /* "bert", "resnet", "fashion-resnet" */
  char name[64];      /* preset name, or the checkpoint's folder name */
  int64_t layers, hidden, heads, intermediate, vocabulary, max_positions;
  tsr_pooling pooling;
  int64_t image_height, image_width, image_channels; /* of a model of images */
  int64_t classes;
  /* A pixel is (value in [0, 1] - mean) / std of its channel. 0 and 1 unless config.json says. */
  float image_mean[TSR_IMAGE_CHANNELS_MAX], image_std[TSR_IMAGE_CHANNELS_MAX];
} tsr_model_info;
TSR_API const tsr_model_info *tsr_model_get_info(const tsr_model *model);

/* What config.json's id2label calls a class; NULL if it does not, or out of range. */
TSR_API const char *tsr_model_class_name(const tsr_model *model, int64_t index);

TSR_API size_t tsr_model_layer_count(const tsr_model *model);
TSR_API const char *tsr_model_layer_name(const tsr_model *model, size_t index);
TSR_API tsr_layer_kind tsr_model_layer_kind(const tsr_model *model, size_t index);
/* The weights of a linear layer, or of a convolution: [filters, kernel rows x kernel columns x
 * channels / groups], a BatchNorm behind it folded in. NULL for another kind. */
TSR_API const tsr_linear *tsr_model_linear(const tsr_model *model, size_t index);
/* Replaces such a layer's weight; takes over weight->owned (also on failure). Shapes must agree.
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
