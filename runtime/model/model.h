/* A model while it is built and once it is. */
#ifndef TESSERA_MODEL_MODEL_H
#define TESSERA_MODEL_MODEL_H

#include "runtime/image/images.h"
#include "runtime/layer/layer.h"

enum { TSR__SLOTS_MAX = 8, TSR__CLASS_NAME_MAX = 128 };

struct tsr_model {
  tsr_model_info info;
  tsr__layer *layers;
  size_t layer_count, layer_capacity;
  tsr__slot slots[TSR__SLOTS_MAX];
  int32_t slot_count;
  int32_t hidden_slot, pooled_slot; /* what execution hands out */
  /* The same of a model of images: where the pixels come in, what it hands out. */
  int32_t image_slot, logits_slot, probabilities_slot;
  char (*class_names)[TSR__CLASS_NAME_MAX]; /* [info.classes], or NULL; owned */
  void **owned;                             /* weights that lie in no checkpoint */
  size_t owned_count, owned_capacity;
  int weights_taken; /* by the last plan: those of planned layers are gone */
};

tsr_status tsr__model_create(const char *family, const char *name, tsr_model **out);

/* *slot: the new slot's number. */
tsr_status tsr__model_add_slot(tsr_model *model, int64_t width, int per_sequence, int32_t *slot);

/* Appends a layer (copied) after checking that it fits its slots; the message names it. A linear
 * layer's weight->owned is the model's from then on, also on failure. */
tsr_status tsr__model_add_layer(tsr_model *model, const tsr__layer *layer);

/* Points layers to their own names and shapes; the last step, as layers move while they are added.
 */
void tsr__model_seal(tsr_model *model);

/* Memory for count floats that the model frees. */
tsr_status tsr__model_floats(tsr_model *model, int64_t rows, int64_t cols, const char *what,
                             float **out);

/* Channels that nothing but these layers sees, so that their order is free. */
typedef struct tsr__channels {
  int64_t count;
  int64_t segment; /* channels may change places within segments of so many neighbours; 1: none */
  int layer_count;
  struct {
    char name[TSR__LAYER_NAME_MAX]; /* of a linear layer, or a convolution */
    int reads;                      /* 1: the channels are its inputs, 0: its outputs */
  } layers[2];
} tsr__channels;

/* A family of models: one row of models.inc, one file. */
typedef struct tsr__model_family {
  const char *name; /* model_type of config.json */
  tsr_status (*load)(const tsr_checkpoint *checkpoint, tsr_model *model);
  /* The names of its presets, NULL past the end, and the model of one of them. */
  const char *(*preset_name)(size_t index);
  tsr_status (*preset)(size_t index, uint64_t seed, tsr_model *model);
  /* 1 and *out = the set of that number, 0 past the end; NULL: none is known. */
  int (*channels)(const tsr_model *model, int64_t index, tsr__channels *out);
} tsr__model_family;

/* The same of a model. */
int tsr__model_channels(const tsr_model *model, int64_t index, tsr__channels *out);

/* Replaces the bias of a layer with weights by a copy of bias[m]. */
tsr_status tsr__model_set_bias(tsr_model *model, size_t index, const float *bias);

/* What images become before a model of images sees them. */
tsr__image_input tsr__model_image_input(const tsr_model_info *info);

#endif
