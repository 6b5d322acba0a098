/* Compact weights: strips of the smaller dense matrix, and where its rows and columns lie in the
 * whole one. Columns are gathered before, rows scattered after the multiplication. */
#ifndef TESSERA_KERNELS_CPU_COMPACT_H
#define TESSERA_KERNELS_CPU_COMPACT_H

#include "kernels/cpu/strip_ops.h"

/* Sixteen consecutive rows or columns of the whole matrix: which of them are kept, and how many
 * were kept before them. */
typedef struct tsr__segment {
  int32_t before;
  uint16_t kept;
} tsr__segment;

enum { TSR__SEGMENT = 16 };

/* At the start of the prepacked weights. */
typedef struct tsr__compact {
  int64_t rows, cols, kept_rows, kept_cols;
  const tsr__segment *row_segments; /* [ceil(rows / 16)], NULL = all rows kept */
  const tsr__segment *col_segments; /* [ceil(cols / 16)], NULL = all columns kept */
  const tsr__strips *strips;        /* of [kept_rows, kept_cols] */
} tsr__compact;

size_t tsr__compact_bytes(const tsr_packed *w, tsr__strip_shape shape);
void tsr__compact_prepack(const tsr_packed *w, tsr__strip_shape shape, void *out);

/* Tokens that are gathered, multiplied and scattered together: what they need stays in L2. */
enum { TSR__COMPACT_TOKENS = 84 };

/* The leading dimension of gathered activations and unscattered outputs: room for the full vector
 * that the last segment writes, and not a power of two. */
static inline int64_t tsr__compact_ld(int64_t kept) { return (kept + 31) / 16 * 16 + 16; }

#endif
