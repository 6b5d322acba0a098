/* Products of other libraries, to race against. */
#ifndef TESSERA_BENCH_BASELINE_H
#define TESSERA_BENCH_BASELINE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/evict.h"
#include "tessera/status.h"
#include "tessera/types.h"

/* What a library of the GPU needs besides. Device memory is aligned to 16 bytes at least, and holds
 * tsr__gpu_tokens(n) tokens, all of x initialised: a library that only knows whole groups of tokens
 * computes the surplus ones as well. */
typedef struct tsr__gpu_operands {
  tsr_dtype dtype;           /* of x and y, and what weights and bias are rounded to: F16 or BF16.
                                Sums are f32 */
  const void *x;             /* device, [tokens, k]; of a convolution images */
  void *y;                   /* device, [tokens, m]; initialised where a sum adds to it */
  void *stream;              /* CUstream of the calling thread's context; NULL = its default one */
  int32_t block;             /* edge of the square blocks that the weights keep; 0 = no blocks */
  const float *bias;         /* host, [m], or NULL; a convolution has its own */
  tsr_activation activation; /* applied to the sum with the bias; not of a convolution */
} tsr__gpu_operands;

enum { TSR__GPU_TOKEN_GROUP = 8 };
static inline int64_t tsr__gpu_tokens(int64_t n) {
  return (n + TSR__GPU_TOKEN_GROUP - 1) / TSR__GPU_TOKEN_GROUP * TSR__GPU_TOKEN_GROUP;
}

/* A convolution: y = relu(W x + bias + y), each part of it where the field says. */
typedef struct tsr__conv_product {
  tsr_conv_shape shape;
  int64_t images;
  const float *bias; /* host, [m]; 0 = none */
  int relu, sum;
  /* Host, [shared_floats] each: where layers of a model keep activations in the library's layout,
   * so that they meet in the caches as they would; NULL or too small = memory of its own. */
  float *shared[2];
  size_t shared_floats;
} tsr__conv_product;

/* y[t, :] = W x[t, :]. All memory is the caller's and outlives the state made from it. */
typedef struct tsr__product {
  int64_t m, k, n;
  int32_t threads;              /* of the CPU */
  const float *weights;         /* host, [m, k] */
  const float *x;               /* host, [n, k]; the CPU's */
  float *y;                     /* host, [n, m]; the CPU's */
  const tsr__gpu_operands *gpu; /* NULL = the CPU's baselines */
  /* NULL = none. Else x is [images, height, width, channels], k is ordered (kernel row, kernel
   * column, channel), n counts output pixels. The CPU's create computes y once, which run does not
   * (it leaves the result in the library's own layout). */
  const tsr__conv_product *conv;
} tsr__product;

typedef struct tsr__baseline {
  const char *key;  /* "onednn" */
  const char *name; /* "onednn matmul (packed weights)" */
  tsr_backend backend;
  /* What is made of the weights: DENSE multiplies by their zeros too, NM is 2:4. */
  tsr_format format;
  /* TSR_NOT_FOUND, with the reason, if the library cannot be used; loads it on the first call.
   * *version: static text. Not to be called by two threads at once. */
  tsr_status (*open)(const char **version);
  /* The GPU's: copies and arranges the weights, takes workspace, chooses among the library's
   * algorithms, and waits for all of that. TSR_UNSUPPORTED or TSR_UNSUPPORTED_SHAPE, with the
   * reason, where the library has no such product. */
  tsr_status (*create)(const tsr__product *product, void **out);
  /* The GPU's: puts the product on the stream and waits for nothing. */
  tsr_status (*run)(void *state);
  /* The weights as the baseline keeps them; the GPU's: device memory. */
  tsr__range (*weights)(const void *state);
  void (*destroy)(void *state); /* NULL is fine */
} tsr__baseline;

/* The baseline of that key, NULL for "none". TSR_INVALID_ARGUMENT lists the keys. Whether the
 * library behind it is there is told by open. */
tsr_status tsr__baseline_find(const char *key, const tsr__baseline **out);

/* Every baseline in turn, NULL after the last. */
const tsr__baseline *tsr__baseline_at(size_t index);

#define TSR__BASELINE(key) extern const tsr__baseline tsr__baseline_##key;
#include "bench/baseline/baselines.inc"
#undef TSR__BASELINE

/* For the CPU baselines' create: refuses a product without matrices, sizes or threads; *out = NULL.
 */
tsr_status tsr__product_check(const tsr__product *product, void **out);

#endif
