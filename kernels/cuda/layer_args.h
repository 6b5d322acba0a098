/* What the host hands to the CUDA kernels of the layers that are not linear, by value. Shared by
 * C17 and CUDA C++. Pointers are device memory, "elements" f16 or bf16 as the kernel's name says,
 * leading dimensions (ld) in elements, all sizes >= 0. A batch is sequences without padding, one
 * after the other: sequence s is tokens offsets[s] .. offsets[s + 1] - 1. */
#ifndef TESSERA_KERNELS_CUDA_LAYER_ARGS_H
#define TESSERA_KERNELS_CUDA_LAYER_ARGS_H

#include <stdint.h>

#include "kernels/cuda/args.h"

/* Shapes that kernels and launches agree on. */
enum {
  TSR_CUDA_ROW_WARPS = 4,      /* of a CTA with one row for each warp */
  TSR_CUDA_CHUNK_ELEMENTS = 8, /* that a thread or lane takes at once */
  TSR_CUDA_CHUNK_THREADS = 256,
  TSR_CUDA_WORDS = 1000, /* arguments of a kernel have 4 KiB */
  TSR_CUDA_POOL_WARPS = 16,
  TSR_CUDA_TRANSPOSE_TILE = 64,
  TSR_CUDA_TRANSPOSE_WARPS = 4,
  TSR_CUDA_ATTENTION_QUERIES = 64,
  TSR_CUDA_ATTENTION_KEYS = 64,
  TSR_CUDA_ATTENTION_WARPS = 4,
  TSR_CUDA_ATTENTION_MAX_DIM = 128
};

/* y[t, :] = (x[t, :] - mean) / sqrt(variance + epsilon) gamma + beta. */
typedef struct tsr_cuda_layernorm_args {
  const void *x;             /* [n, ldx] elements, aligned to one */
  void *y;                   /* [n, ldy] elements, aligned to one; may be x */
  const float *gamma, *beta; /* [width] */
  int64_t ldx, ldy;
  int32_t n, width;
  float epsilon;
} tsr_cuda_layernorm_args;

/* y[t, :] = words[ids[t], :] + positions[p, :] + types[types_of[t], :], p counted from the start of
 * t's sequence. A token with an index outside of its table gets a row of NaN. */
typedef struct tsr_cuda_embedding_args {
  const void *words;       /* [vocabulary, width] elements, aligned to one */
  const float *positions;  /* [position_count, width] */
  const float *types;      /* [type_count, width] */
  const int32_t *ids;      /* [n] */
  const int32_t *types_of; /* [n], or NULL = all 0 */
  const int32_t *offsets;  /* [sequences + 1] */
  void *y;                 /* [n, ldy] elements, aligned to one */
  int64_t ldy;
  int32_t n, width, sequences;
  int32_t vocabulary, position_count, type_count;
} tsr_cuda_embedding_args;

/* y[s, :] = the mean of sequence s's rows of x, or the first of them; NaN if there are none. */
typedef struct tsr_cuda_pool_args {
  const void *x;          /* [tokens, ldx] elements, aligned to one */
  const int32_t *offsets; /* [sequences + 1] */
  float *y;               /* [sequences, width] */
  int64_t ldx;
  int32_t sequences, width;
  int32_t first;     /* 1 = the first row, 0 = the mean */
  int32_t normalise; /* 1 = to length 1; a vector of zeros stays one */
} tsr_cuda_pool_args;

/* y[t, :] = x[t, :] in another type or with another ld, and zeros in columns width .. padded - 1.
 */
typedef struct tsr_cuda_convert_args {
  const void *x; /* [n, ldx], aligned to an element of its type */
  void *y;       /* [n, ldy], likewise */
  int64_t ldx, ldy;
  int32_t n, width, padded; /* width <= padded <= ldy */
} tsr_cuda_convert_args;

/* y[p, c] = x[image of p, c, p's place in it], and zeros in columns channels .. padded - 1: images
 * that come channels first. */
typedef struct tsr_cuda_nchw_args {
  const float *x; /* [n / image_pixels, channels, image_pixels] */
  void *y;        /* [n, ldy] elements, aligned to one */
  int64_t ldy;
  int32_t n;                              /* pixels of all images */
  int32_t image_pixels, channels, padded; /* channels <= padded <= ldy */
} tsr_cuda_nchw_args;

/* Maximum or average of each channel over a window; pixels in the padding take no part in a maximum
 * and count as zeros in an average. NaN wins. */
typedef struct tsr_cuda_pool2d_args {
  const void *x; /* [images, height, width, ldx] elements, aligned to one */
  void *y;       /* [n, ldy] elements, aligned to one */
  int64_t ldx, ldy;
  tsr_cuda_conv conv;
  int32_t n; /* output pixels of all images */
  int32_t average;
} tsr_cuda_pool2d_args;

/* A convolution of several groups: filter r sees only its group's channels. */
typedef struct tsr_cuda_grouped_args {
  const void *x;       /* [images, height, width, ldx] elements, aligned to one */
  const void *weights; /* [filters, kernel rows, kernel columns, channels / groups] elements */
  const float *bias;   /* [filters], or NULL */
  void *y;             /* [n, ldy] elements, aligned to one */
  int64_t ldx, ldy;
  tsr_cuda_conv conv;
  int32_t n; /* output pixels of all images */
  int32_t filters, groups;
  int32_t activation; /* tsr_activation */
} tsr_cuda_grouped_args;

/* y[i, :] = softmax of x[i, :]. */
typedef struct tsr_cuda_softmax_args {
  const void *x; /* [n, ldx] elements, aligned to one */
  float *y;      /* [n, width] */
  int64_t ldx;
  int32_t n, width;
} tsr_cuda_softmax_args;

/* y[i] = words[i]. */
typedef struct tsr_cuda_words_args {
  int32_t *y; /* [count] */
  int32_t count;
  int32_t words[TSR_CUDA_WORDS];
} tsr_cuda_words_args;

/* y[t, i] = x[t, columns[i]], and zeros in columns width .. padded - 1. */
typedef struct tsr_cuda_gather_args {
  const void *x;          /* [n, ldx] elements, aligned to one */
  void *y;                /* [n, ldy] elements, aligned to one */
  const int32_t *columns; /* [width] */
  int64_t ldx, ldy;
  int32_t n, width, padded; /* width <= padded <= ldy */
} tsr_cuda_gather_args;

/* y[r, t] = x[t, r], and zeros in columns n .. padded - 1. */
typedef struct tsr_cuda_transpose_args {
  const void *x; /* [n, ldx] elements, aligned to one */
  void *y;       /* [width, ldy] elements, aligned to one */
  int64_t ldx, ldy;
  int32_t n, width, padded; /* n <= padded <= ldy */
} tsr_cuda_transpose_args;

/* y = x as fold says. */
typedef struct tsr_cuda_fold_args {
  const void *x; /* [images, height, width, ldx] elements, aligned to one */
  void *y;       /* elements, 16-byte aligned */
  int64_t ldx;
  tsr_cuda_conv conv;
  tsr_cuda_fold fold;
  int32_t n; /* output pixels of all images */
} tsr_cuda_fold_args;

/* For each head of each sequence: y[t, :] = sum over s of softmax_s(scale q[t, :] . k[s, :]) v[s,
 * :]. Head h has columns h head_dim .. of y, the same ones of qkv for q, and heads head_dim and
 * twice that further right for k and v. */
typedef struct tsr_cuda_attention_args {
  const void *qkv;        /* [tokens, ld] elements, 16-byte aligned; ld a multiple of 8 */
  const int32_t *offsets; /* [sequences + 1] */
  void *y;                /* [tokens, ldy] elements, 16-byte aligned; ldy a multiple of 8 */
  int64_t ld, ldy;
  int32_t sequences, longest; /* longest: tokens of the longest sequence, or more */
  int32_t heads, head_dim;    /* head_dim: a multiple of 8, at most 128 */
  float scale;                /* > 0 */
} tsr_cuda_attention_args;

#endif
