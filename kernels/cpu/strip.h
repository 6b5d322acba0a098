/* Strips: the weights of the kernels that hold rows of W in vector lanes.
 *
 * A strip is strip_rows (a multiple of the lane count) consecutive rows of W. It is a list of runs,
 * each up to TSR__RUN_COLS consecutive columns that do not cross a multiple of it; the values of a
 * run are stored column by column, strip_rows floats each, so that a column is one or two vector
 * loads. Rows past m are +0.0. A token's activations x[col .. col + count) are broadcast against
 * them.
 *
 * Or a vector holds two columns side by side, of half as many rows: two activations are broadcast
 * by one load then, for as many multiplications as with strips twice as high. Of each four rows of
 * a strip, the first vector of a pair of columns holds two, (row 0: col 0, col 1; row 1: col 0,
 * col 1), the second one the other two. An odd column at the end of a run is followed by +0.0. */
#ifndef TESSERA_KERNELS_CPU_STRIP_H
#define TESSERA_KERNELS_CPU_STRIP_H

#include "kernels/kernel.h"

enum { TSR__RUN_COLS = 16 };

typedef struct tsr__run {
  int32_t col, count;
} tsr__run;

typedef struct tsr__strip_shape {
  int64_t rows;
  int32_t side_cols; /* columns that lie side by side: 1 or 2 */
} tsr__strip_shape;

/* In one allocation: this header, run_begin, column_begin, runs, values. */
typedef struct tsr__strips {
  int64_t rows, cols, strip_count;
  tsr__strip_shape shape;
  const int64_t *run_begin;    /* [strip_count + 1] */
  const int64_t *column_begin; /* [strip_count + 1], in columns of shape.rows values */
  const tsr__run *runs;        /* [run_begin[strip_count] + 1], the last one empty */
  const float *values;         /* 64-byte aligned */
} tsr__strips;

/* Consecutive columns of one strip, as a format stores them. values: row 0, column 0 of the piece;
 * element (r, c) at values[r * stride + c]. */
typedef struct tsr__piece {
  const float *values;
  int64_t stride;
  int32_t col, cols, rows;
} tsr__piece;

/* Piece `index` of strip `strip`; 0 past the strip's last one. */
typedef int (*tsr__pieces)(const tsr_packed *w, int64_t strip, int64_t strip_rows, int64_t index,
                           tsr__piece *out);

size_t tsr__strips_bytes(const tsr_packed *w, int64_t strip_count, tsr__strip_shape shape,
                         tsr__pieces pieces);
void tsr__strips_build(const tsr_packed *w, int64_t rows, int64_t cols, int64_t strip_count,
                       tsr__strip_shape shape, tsr__pieces pieces, void *out);

/* The pieces of the formats that have strips. */
int tsr__dense_pieces(const tsr_packed *w, int64_t strip, int64_t strip_rows, int64_t index,
                      tsr__piece *out);
int tsr__bcsr_pieces(const tsr_packed *w, int64_t strip, int64_t strip_rows, int64_t index,
                     tsr__piece *out);

/* Strips of a bcsr matrix: each block row is cut into block_rows / strip_rows of them. */
int64_t tsr__bcsr_strip_count(const tsr_packed *w, int64_t strip_rows);

/* Whether `tokens` tokens, `token_bytes` apart, find room in L1 beside each other: at a distance of
 * a large power of two they compete for the same lines. */
static inline int tsr__tokens_are_spread(int64_t token_bytes, int64_t tokens) {
  enum { L1_SET_BYTES = 4096, L1_WAYS = 8 };
  int64_t power = token_bytes & -token_bytes;
  int64_t sets = power && power < L1_SET_BYTES ? L1_SET_BYTES / power : 1;
  return tokens <= sets * L1_WAYS;
}

/* Multiplies the strips first..last-1 with all tokens of args; args->weights is not used.
 * args->workspace: tsr__strips_workspace_bytes. One pair per ISA. */
void tsr__strips_run_avx512(const tsr__strips *strips, int64_t first, int64_t last,
                            const tsr_spmm_args *args);
void tsr__strips_run_avx2(const tsr__strips *strips, int64_t first, int64_t last,
                          const tsr_spmm_args *args);

/* Bytes for strips of a matrix with k columns. conv: NULL if activations are tokens. */
size_t tsr__strips_workspace_avx512(int64_t k, const tsr_conv_shape *conv, tsr__strip_shape shape);
size_t tsr__strips_workspace_avx2(int64_t k, const tsr_conv_shape *conv, tsr__strip_shape shape);

#endif
