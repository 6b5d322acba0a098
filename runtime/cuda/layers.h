/* The layers that are not linear, on the GPU: one row of layers.inc each. */
#ifndef TESSERA_CUDA_LAYERS_H
#define TESSERA_CUDA_LAYERS_H

#include "kernels/cuda/layer_launch.h"
#include "runtime/cuda/context.h"
#include "runtime/layer/layer.h"

/* One execution. Pointers are device memory, x and y f16 or bf16 as the layer was prepared for,
 * except that a layer with one row per sequence writes floats. */
typedef struct tsr__cuda_layer_io {
  const void *x;
  int64_t ldx;
  void *y;
  int64_t ldy;
  const int32_t *ids, *types, *offsets; /* the batch; types may be NULL */
  int32_t tokens, sequences, longest;
  int32_t normalise;
  void *stream;
} tsr__cuda_layer_io;

enum { TSR__CUDA_LAYER_TABLES = 3 };

/* A prepared layer: its kernel, its constants in device memory, and the arguments that stay. */
typedef struct tsr__cuda_layer {
  const struct tsr__cuda_layer_ops *ops; /* NULL: not prepared */
  const char *name;                      /* borrowed */
  tsr__cuda_function function;
  void *tables[TSR__CUDA_LAYER_TABLES];
  union {
    tsr_cuda_embedding_args embedding;
    tsr_cuda_attention_args attention;
    tsr_cuda_layernorm_args layernorm;
    tsr_cuda_pool_args pool;
  } args;
} tsr__cuda_layer;

typedef struct tsr__cuda_layer_ops {
  tsr_status (*prepare)(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                        tsr__cuda_layer *out);
  tsr_status (*run)(const tsr__cuda *cuda, const tsr__cuda_layer *layer,
                    const tsr__cuda_layer_io *io);
} tsr__cuda_layer_ops;

/* Called between enter and leave. The layer must outlive *out; release what failed, too. */
tsr_status tsr__cuda_layer_prepare(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                                   tsr__cuda_layer *out);
void tsr__cuda_layer_release(const tsr__cuda *cuda, tsr__cuda_layer *layer);

/* Finds tsr_<f16 or bf16>_<suffix>__sm80. */
tsr_status tsr__cuda_find_typed(tsr__cuda *cuda, tsr__cuda_image image, tsr_dtype dtype,
                                const char *suffix, tsr__cuda_function *out);

#endif
