/* What the host hands to the CUDA SpMM kernels, by value. Shared by C17 and CUDA C++. */
#ifndef TESSERA_KERNELS_CUDA_ARGS_H
#define TESSERA_KERNELS_CUDA_ARGS_H

#include <stdint.h>

enum { TSR_CUDA_STEP_COLUMNS = 4 };

/* Fragments that a step holds at most: all those under its columns; or, of convolutions in blocks,
 * five eighths of them. Weights with more zeros than that fill every step, and a stage is so small
 * that a multiprocessor has two CTAs of 128 x 128. */
#define TSR_CUDA_STEP_FRAGMENTS(tile_m, tile_k, depth) ((tile_m) / 16 * ((tile_k) / (depth)))
#define TSR_CUDA_CONV_BLOCK_FRAGMENTS(tile_m, tile_k) \
  (TSR_CUDA_STEP_FRAGMENTS(tile_m, tile_k, 16) * 5 / 8)

/* What a CTA multiplies between two barriers: up to four columns of fragments, which its rows of
 * fragments hold or not. A fragment is 16 rows x 16 columns of A, or of 2:4 x 32 columns. */
typedef struct tsr_cuda_step {
  int32_t columns[TSR_CUDA_STEP_COLUMNS]; /* in fragments, ascending; -1 = none */
  uint16_t masks[TSR_CUDA_STEP_COLUMNS];  /* bit r: the CTA's row of fragments r holds it */
  int32_t first, count;                   /* its fragments, in the order of columns, then rows */
} tsr_cuda_step;

/* Where a convolution's activations lie: b is NHWC images, ldb elements from pixel to pixel, n
 * output pixels, and the k columns of one are (kernel row, kernel column, channel), zeros in the
 * padding. Reciprocals are ceil(2^32 / divisor), 0 for a divisor of 1. */
typedef struct tsr_cuda_conv {
  int32_t height, width;
  int32_t channels, pitch; /* pitch: columns of a tap, channels rounded up to a multiple of 8 */
  int32_t out_width, out_pixels;
  int32_t kernel[2], stride[2], padding[2], dilation[2]; /* rows, columns */
  uint32_t pitch_reciprocal, columns_reciprocal;         /* of pitch and kernel[1] */
} tsr_cuda_conv;

/* A convolution's activations as the kernels of V:N:M take them: b is chunks of eight lanes,
 * [group][channel][row][column][8], zeros in the padding. A lane is a band of `lines` output rows
 * of an image: lane l of group g is band l % bands of image (8 g + l) / bands. A chunk thus holds
 * one element for each of eight output pixels that lie in different bands, and under another tap
 * they lie in another chunk together: 16 aligned bytes, whichever way the kernel is shifted. The
 * kernel counts tokens in this order: [group][line][out column][lane], some of them outside of
 * images. */
typedef struct tsr_cuda_fold {
  int32_t groups; /* 0: b is not folded */
  int32_t bands_log2, lines;
  int32_t rows, columns;                       /* under a band's kernels, with the padding */
  uint32_t width_reciprocal, lines_reciprocal; /* of out_width and lines, as above */
} tsr_cuda_fold;

/* C[m,n] = activation(A[m,k] B[k,n] + bias) + residual; B, C and residual token-major. Pointers
 * are device memory; elements are f16 or bf16, as the kernel's name says. */
typedef struct tsr_cuda_spmm_args {
  const void *values;          /* as the kernel's prepack wrote them, 16-byte aligned */
  const void *meta;            /* 2:4 metadata likewise; CSR: [stored] columns; V:N:M: rows of B
                                * (vnm_step.h); else NULL */
  const tsr_cuda_step *steps;  /* [step_offsets[tiles]], 16-byte aligned; CSR, V:N:M: NULL */
  const int32_t *step_offsets; /* [ceil(m / tile_m) + 1]; CSR: of elements, [m + 1] */
  const void *b;               /* [n, ldb], V:N:M: [k, ldb]; 16-byte aligned; ldb a multiple of 8
                                * elements; or images, or what fold says */
  void *c;                     /* [n, ldc], aligned to an element */
  const float *bias;           /* [m], or NULL */
  const void *residual;        /* [n, ldr], aligned to an element, or NULL; may be c */
  float *partial;              /* [splits, n, m] where splits > 1, else NULL */
  int64_t ldb, ldc, ldr;
  int32_t m, k, n;
  int32_t splits;         /* parts that the steps of a CTA's rows are cut into; gridDim.z */
  int32_t activation;     /* tsr_activation */
  int32_t residual_first; /* 1: the residual is added before the activation */
  tsr_cuda_conv conv;     /* kernels of convolutions only */
  tsr_cuda_fold fold;     /* those of V:N:M only */

  /* compact only, whose m, k and b are those of the matrix that is left */
  int32_t rows;           /* of the whole matrix */
  const int32_t *gather;  /* [k]: the column of the whole matrix; NULL = all are kept */
  const int32_t *scatter; /* [rows]: the row of what is left, or -1; NULL = all are kept */
} tsr_cuda_spmm_args;

#endif
