/* Layers: what is computed, with which weights. How is the plan's business. */
#ifndef TESSERA_LAYER_H
#define TESSERA_LAYER_H

#include "tessera/pack.h"
#include "tessera/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* y = activation(W x + bias) + residual, or activation(W x + bias + residual) if residual_first. */
typedef struct tsr_linear {
  const char *name;  /* for messages; may be NULL */
  tsr_packed weight; /* [m, k]; a view, borrowed */
  const float *bias; /* host, [m], or NULL; borrowed */
  tsr_activation activation;
  int32_t residual_first;
  /* NULL: x holds tokens. Else x holds images, k = kernel[0] x kernel[1] x channels, and the tokens
   * of y are output pixels, image after image, row after row. Borrowed; a plan copies it. */
  const tsr_conv_shape *conv;
} tsr_linear;

/* One row per kind of layer: enumerator suffix, text. */
#define TSR_LAYER_MAP(X)    \
  X(EMBEDDING, "embedding") \
  X(LINEAR, "linear")       \
  X(ATTENTION, "attention") \
  X(LAYERNORM, "layernorm") \
  X(POOL, "pool")           \
  X(CONV2D, "conv2d")       \
  X(POOL2D, "pool2d")       \
  X(SOFTMAX, "softmax")

typedef enum tsr_layer_kind {
#define TSR_LAYER_ENUMERATOR(name, text) TSR_LAYER_##name,
  TSR_LAYER_MAP(TSR_LAYER_ENUMERATOR)
#undef TSR_LAYER_ENUMERATOR
      TSR_LAYER_COUNT
} tsr_layer_kind;

TSR_API const char *tsr_layer_kind_name(tsr_layer_kind kind);

#ifdef __cplusplus
}
#endif
#endif
