/* The layers that are not linear, on the GPU: one row of layers.inc each. */
#ifndef TESSERA_CUDA_LAYERS_H
#define TESSERA_CUDA_LAYERS_H

#include "kernels/cuda/layer_launch.h"
#include "runtime/cuda/context.h"
#include "runtime/layer/layer.h"

/* One execution. Pointers are device memory, x and y f16 or bf16 as the layer was prepared for,
 * except that pooled sequences and probabilities are floats. Pixels lie without gaps, their
 * channels rounded up to a multiple of 8; ldx and ldy are not theirs. */
typedef struct tsr__cuda_layer_io {
  const void *x;
  int64_t ldx;
  void *y;
  int64_t ldy;
  const int32_t *ids, *types, *offsets; /* the batch; types may be NULL */
  int32_t tokens, sequences, longest;   /* an image counts as a sequence */
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
    tsr_cuda_grouped_args grouped;
    tsr_cuda_pool2d_args pool2d;
    tsr_cuda_softmax_args softmax;
  } args;
} tsr__cuda_layer;

typedef struct tsr__cuda_layer_ops {
  tsr_status (*prepare)(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                        tsr__cuda_layer *out);
  tsr_status (*run)(const tsr__cuda *cuda, const tsr__cuda_layer *layer,
                    const tsr__cuda_layer_io *io);
} tsr__cuda_layer_ops;

/* Every kind's operations. */
#define TSR_CUDA_LAYER(kind, name) extern const tsr__cuda_layer_ops tsr__cuda_##name##_ops;
#include "runtime/cuda/layers.inc"
#undef TSR_CUDA_LAYER

/* Called between enter and leave. The layer must outlive *out; release what failed, too. */
tsr_status tsr__cuda_layer_prepare(tsr__cuda *cuda, const tsr__layer *layer, tsr_dtype dtype,
                                   tsr__cuda_layer *out);
void tsr__cuda_layer_release(const tsr__cuda *cuda, tsr__cuda_layer *layer);

/* values: host, [count], of type `from`; *out: the same in dtype, on the device. */
tsr_status tsr__cuda_upload_rounded(const tsr__cuda *cuda, const void *values, tsr_dtype from,
                                    size_t count, tsr_dtype dtype, const char *what, void **out);

/* Finds tsr_<f16 or bf16>_<suffix>__sm80. */
tsr_status tsr__cuda_find_typed(tsr__cuda *cuda, tsr__cuda_image image, tsr_dtype dtype,
                                const char *suffix, tsr__cuda_function *out);

#endif
