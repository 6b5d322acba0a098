/* Layer records: what a model is made of. layers.inc lists the kinds, each with a file of its own;
 * plan/ and execute/ know a kind by its row only. */
#ifndef TESSERA_LAYER_LAYER_H
#define TESSERA_LAYER_LAYER_H

#include "kernels/layer_kernel.h"
#include "tessera/execute.h"
#include "tessera/layer.h"
#include "tessera/model.h"

/* Activations live in slots: buffers of `width` floats for each token (or sequence), without gaps
 * between the rows. An image counts as a sequence; images in NHWC order that are smaller than the
 * slot lie one behind the other all the same. */
typedef struct tsr__slot {
  int64_t width;
  int per_sequence;
} tsr__slot;

enum { TSR__NO_SLOT = -1, TSR__LAYER_NAME_MAX = 96 };

typedef struct tsr__embedding {
  const void *words; /* host, [vocabulary, width], any alignment, borrowed */
  tsr_dtype words_dtype;
  int64_t vocabulary, width;
  const float *positions; /* host, [position_count, width] */
  const float *types;     /* host, [type_count, width] */
  int64_t position_count, type_count;
} tsr__embedding;

/* Queries, keys and values lie side by side in the input, heads x head_dim floats of each. */
typedef struct tsr__attention {
  int64_t heads, head_dim;
  float scale;
} tsr__attention;

typedef struct tsr__layernorm {
  const float *gamma, *beta; /* host, [width] */
  int64_t width;
  float epsilon;
} tsr__layernorm;

typedef struct tsr__pool {
  int64_t width;
  tsr_pooling pooling;
} tsr__pool;

/* One group: linear.conv points to shape, once the model is sealed. */
typedef struct tsr__conv2d {
  tsr_linear linear; /* weight: [filters, kernel rows x kernel columns x channels / groups] */
  tsr_conv_shape shape;
  int64_t groups;
} tsr__conv2d;

typedef enum tsr__pool2d_kind { TSR__POOL2D_MAX, TSR__POOL2D_AVERAGE } tsr__pool2d_kind;

typedef struct tsr__pool2d {
  tsr_conv_shape shape;
  tsr__pool2d_kind kind;
} tsr__pool2d;

typedef struct tsr__softmax {
  int64_t width;
} tsr__softmax;

typedef struct tsr__layer {
  tsr_layer_kind kind;
  char name[TSR__LAYER_NAME_MAX];
  int32_t input;         /* slot, or TSR__NO_SLOT: the batch itself */
  int32_t residual;      /* slot that is added to the output, or TSR__NO_SLOT */
  int32_t output;        /* slot */
  int64_t output_column; /* where in the output's rows; column 0 begins a new life of the slot */
  union {
    tsr_linear linear;
    tsr__embedding embedding;
    tsr__attention attention;
    tsr__layernorm layernorm;
    tsr__pool pool;
    tsr__conv2d conv2d;
    tsr__pool2d pool2d;
    tsr__softmax softmax;
  } as;
} tsr__layer;

/* What a plan is made for. */
typedef struct tsr__layer_limits {
  int64_t max_tokens, max_batch, max_seq;
  int32_t threads;
  const tsr_layer_kernels *kernels;
} tsr__layer_limits;

/* One execution of a layer. */
typedef struct tsr__layer_io {
  const tsr_batch *batch; /* of a model of images: NULL */
  int64_t images;
  const float *x; /* the input slot; NULL if there is none */
  float *y;       /* the output slot */
  void *workspace;
  const tsr__layer_limits *limits;
} tsr__layer_io;

/* What the rows of a layer's output belong to. */
typedef enum tsr__rows { TSR__ROWS_TOKENS, TSR__ROWS_SEQUENCES, TSR__ROWS_AS_INPUT } tsr__rows;

typedef struct tsr__layer_ops {
  int64_t (*output_width)(const tsr__layer *layer);
  /* The layer's own numbers, and whether rows of input_width suit it; messages without its name. */
  tsr_status (*validate)(const tsr__layer *layer, int64_t input_width);
  /* Bytes, a multiple of the cache line; NULL = none. */
  size_t (*workspace_bytes)(const tsr__layer *layer, const tsr__layer_limits *limits);
  /* Whether the layer takes this batch; NULL = any. */
  tsr_status (*check)(const tsr__layer *layer, const tsr_batch *batch);
  /* NULL: the layer has a plan of its own, which execute/ runs. */
  void (*run)(const tsr__layer *layer, const tsr__layer_io *io);
  int takes_batch; /* has no input slot */
  tsr__rows rows;
} tsr__layer_ops;

/* NULL when out of range. */
const tsr__layer_ops *tsr__layer_ops_of(tsr_layer_kind kind);

/* The weights of a linear layer or of a convolution, NULL for another kind. */
tsr_linear *tsr__layer_linear(tsr__layer *layer);
/* Whether execution takes a plan of its own: linear layers, convolutions of one group. */
int tsr__layer_is_planned(const tsr__layer *layer);

/* What a layer of images reads and writes. */
typedef struct tsr__layer_images {
  int64_t in_pixels, in_channels, out_pixels, out_channels;
} tsr__layer_images;

/* 0: the layer is of another kind. */
int tsr__layer_images_of(const tsr__layer *layer, tsr__layer_images *out);

/* TSR_UNSUPPORTED_SHAPE, naming the value, unless every field is in range and the kernel fits. */
tsr_status tsr__conv_shape_check(const tsr_conv_shape *shape);

/* Calls part(layer, io, p, parts) for p = 0 .. parts - 1, on as many threads as the limits say. */
typedef void tsr__layer_part(const tsr__layer *layer, const tsr__layer_io *io, int part, int parts);
void tsr__layer_parts(tsr__layer_part *part, const tsr__layer *layer, const tsr__layer_io *io);

/* The share of part `part` in count things: first .. end - 1. */
static inline void tsr__layer_share(int64_t count, int part, int parts, int64_t *first,
                                    int64_t *end) {
  *first = count * part / parts;
  *end = count * (part + 1) / parts;
}

#endif
