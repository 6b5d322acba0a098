/* The kernels behind every layer that is not linear: one table per instruction set. */
#ifndef TESSERA_KERNELS_LAYER_KERNEL_H
#define TESSERA_KERNELS_LAYER_KERNEL_H

#include "tessera/types.h"

/* One head of one sequence: y[t, :] = sum over s of softmax_s(scale q[t, :] . k[s, :]) v[s, :]. */
typedef struct tsr_attention_args {
  const float *q, *k, *v; /* host, [tokens, ld], head_dim used; any alignment */
  int64_t ld;
  float *y; /* host, [tokens, ldy], head_dim written; overlaps no input */
  int64_t ldy;
  int64_t tokens, head_dim;
  float scale;
  void *workspace; /* host, attention_bytes, 64-byte aligned, this call's alone */
} tsr_attention_args;

/* y[t, :] = (x[t, :] - mean) / sqrt(variance + epsilon) gamma + beta for each token. */
typedef struct tsr_layernorm_args {
  const float *x; /* host, [tokens, width]; may be y */
  float *y;       /* host, [tokens, width] */
  int64_t tokens, width;
  const float *gamma, *beta; /* host, [width] */
  float epsilon;
} tsr_layernorm_args;

typedef struct tsr_layer_kernels {
  tsr_isa isa;
  size_t (*attention_bytes)(int64_t tokens, int64_t head_dim);
  void (*attention)(const tsr_attention_args *args);
  void (*layernorm)(const tsr_layernorm_args *args);
  /* y[i] = a[i] + b[i] + c[i]; host, [count]; y may be a. */
  void (*add3)(const float *a, const float *b, const float *c, float *y, int64_t count);
  /* y[i] = the greater of a[i] and b[i], NaN if either is; host, [count]; y may be a or b. */
  void (*maximum)(const float *a, const float *b, float *y, int64_t count);
  /* y[:] = mean of x[t, :] over the tokens. x: host, [tokens, width]; tokens >= 1. */
  void (*mean)(const float *x, int64_t tokens, int64_t width, float *y);
} tsr_layer_kernels;

/* By instruction set. */
extern const tsr_layer_kernels tsr__layer_kernels[TSR_ISA_CPU_COUNT];

#endif
