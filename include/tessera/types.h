/* Element types, sparsity patterns, storage formats, backends. */
#ifndef TESSERA_TYPES_H
#define TESSERA_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* safetensors' element types: enumerator suffix = the file's spelling, bits per element. */
#define TSR_DTYPE_MAP(X) \
  X(BOOL, 8)             \
  X(F4, 4)               \
  X(F6_E2M3, 6)          \
  X(F6_E3M2, 6)          \
  X(U8, 8)               \
  X(I8, 8)               \
  X(F8_E5M2, 8)          \
  X(F8_E4M3, 8)          \
  X(F8_E8M0, 8)          \
  X(I16, 16)             \
  X(U16, 16)             \
  X(F16, 16)             \
  X(BF16, 16)            \
  X(I32, 32)             \
  X(U32, 32)             \
  X(F32, 32)             \
  X(C64, 64)             \
  X(F64, 64)             \
  X(I64, 64)             \
  X(U64, 64)

typedef enum tsr_dtype {
#define TSR_DTYPE_ENUMERATOR(name, bits) TSR_DTYPE_##name,
  TSR_DTYPE_MAP(TSR_DTYPE_ENUMERATOR)
#undef TSR_DTYPE_ENUMERATOR
      TSR_DTYPE_COUNT
} tsr_dtype;

TSR_API const char *tsr_dtype_name(tsr_dtype dtype);                  /* "F32" */
TSR_API int tsr_dtype_bits(tsr_dtype dtype);                          /* 32 */
TSR_API tsr_status tsr_dtype_parse(const char *name, tsr_dtype *out); /* TSR_UNSUPPORTED */

/* Which masks are allowed. Of a weight matrix W[m, k], m = output features. */
typedef enum tsr_pattern_kind {
  TSR_PATTERN_DENSE,     /* everything kept */
  TSR_PATTERN_IRREGULAR, /* any element */
  TSR_PATTERN_ROW,       /* whole rows of W (output features) */
  TSR_PATTERN_COLUMN,    /* whole columns of W (input features) */
  TSR_PATTERN_BLOCK,     /* whole block_rows x block_cols blocks */
  TSR_PATTERN_NM,        /* n kept of every m consecutive elements of a row */
  TSR_PATTERN_VNM,       /* panels of v rows keep 4 of every m columns, each row n = 2 of those 4 */
  TSR_PATTERN_BLOCK_NM,  /* whole blocks, and n of every m inside the kept ones */
  TSR_PATTERN_COUNT
} tsr_pattern_kind;

/* Fields that a kind does not use are 0. V:N:M as in VENOM (Castro et al., SC'23). */
typedef struct tsr_pattern {
  tsr_pattern_kind kind;
  int32_t block_rows, block_cols; /* BLOCK, BLOCK_NM: 1..128 */
  int32_t v, n, m;                /* NM, VNM, BLOCK_NM */
} tsr_pattern;

/* Text form: "dense", "irregular", "row", "column", "block:16x16", "2:4", "vnm:64:2:8",
 * "block:16x16+2:4". parse: TSR_INVALID_ARGUMENT names the part that is wrong. */
#define TSR_PATTERN_TEXT_MAX 48
TSR_API tsr_status tsr_pattern_parse(const char *text, tsr_pattern *out);
TSR_API void tsr_pattern_text(const tsr_pattern *pattern, char text[TSR_PATTERN_TEXT_MAX]);

/* Storage formats; runtime/format/README.md documents each one's arrays. */
#define TSR_FORMAT_MAP(X) \
  X(DENSE, "dense")       \
  X(COMPACT, "compact")   \
  X(CSR, "csr")           \
  X(NM, "nm")             \
  X(BCSR, "bcsr")         \
  X(VNM, "vnm")           \
  X(BCSR_NM, "bcsr_nm")

typedef enum tsr_format {
#define TSR_FORMAT_ENUMERATOR(name, text) TSR_FORMAT_##name,
  TSR_FORMAT_MAP(TSR_FORMAT_ENUMERATOR)
#undef TSR_FORMAT_ENUMERATOR
      TSR_FORMAT_COUNT
} tsr_format;

TSR_API const char *tsr_format_name(tsr_format format);
TSR_API tsr_status tsr_format_parse(const char *name, tsr_format *out);

typedef enum tsr_backend { TSR_BACKEND_CPU, TSR_BACKEND_CUDA, TSR_BACKEND_COUNT } tsr_backend;

/* Instruction sets that kernels are written for: the CPU's, each including the ones before it, then
 * the GPUs'. */
typedef enum tsr_isa {
  TSR_ISA_SCALAR,
  TSR_ISA_AVX2,
  TSR_ISA_AVX512,
  TSR_ISA_CPU_COUNT,
  TSR_ISA_SM80 = TSR_ISA_CPU_COUNT, /* compute capability 8.0 and newer */
  TSR_ISA_COUNT
} tsr_isa;

TSR_API const char *tsr_backend_name(tsr_backend backend); /* "cpu", "cuda" */
TSR_API const char *tsr_isa_name(tsr_isa isa);             /* "scalar", "avx2", "avx512", "sm80" */

/* Activation functions fused into a linear layer's epilogue. GELU is the erf form. */
typedef enum tsr_activation {
  TSR_ACTIVATION_NONE,
  TSR_ACTIVATION_GELU,
  TSR_ACTIVATION_RELU,
  TSR_ACTIVATION_TANH,
  TSR_ACTIVATION_COUNT
} tsr_activation;

/* A dense matrix in row-major order. data: host, rows x ld elements of dtype, aligned to the
 * element; ld >= cols, in elements. Borrowed. */
typedef struct tsr_matrix {
  const void *data;
  tsr_dtype dtype; /* F32, F16 or BF16 */
  int64_t rows, cols, ld;
} tsr_matrix;

/* A convolution over images in NHWC order, as the equation sees it: W[m, k] with k ordered (kernel
 * row, kernel column, channel) times the k values under the kernel at each output pixel, those that
 * lie in the padding being +0.0. Pairs are (rows, columns). */
typedef struct tsr_conv_shape {
  int64_t height, width, channels; /* of one input image; channels = 0: no convolution */
  int32_t kernel[2];               /* >= 1 */
  int32_t stride[2];               /* >= 1 */
  int32_t padding[2];              /* >= 0, on either side */
  int32_t dilation[2];             /* >= 1 */
} tsr_conv_shape;

/* Output pixels along axis 0 (rows) or 1 (columns): floor((size + 2 padding - dilation (kernel - 1)
 * - 1) / stride) + 1, or 0 where the kernel does not fit. */
TSR_API int64_t tsr_conv_output_size(const tsr_conv_shape *shape, int axis);

#ifdef __cplusplus
}
#endif
#endif
