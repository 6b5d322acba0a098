/* Weights full of zeros in the formats that cuSPARSE takes. */
#ifndef TESSERA_BENCH_BLOCKS_H
#define TESSERA_BENCH_BLOCKS_H

#include <stdint.h>

#include "tessera/status.h"

/* A matrix in square blocks, each kept whole if it has a nonzero; in blocks of 1 that is CSR. */
typedef struct tsr__blocks {
  int64_t block_rows, kept;
  int32_t *offsets; /* [block_rows + 1] */
  int32_t *columns; /* [kept], ascending within a row of blocks */
  float *values;    /* [kept, block, block] */
} tsr__blocks;

/* weights: [rows, cols], multiples of block. */
tsr_status tsr__blocks_create(const float *weights, int64_t rows, int64_t cols, int32_t block,
                              tsr__blocks *out);
void tsr__blocks_release(tsr__blocks *blocks); /* an all-zero struct is fine */

/* As many blocks in every row as the fullest one has: columns [block_rows, width], -1 where there
 * is no block, and values [block_rows * block, width * block]. */
typedef struct tsr__padded_blocks {
  int64_t width;
  int32_t *columns;
  float *values;
} tsr__padded_blocks;

tsr_status tsr__blocks_pad(const tsr__blocks *blocks, int32_t block, tsr__padded_blocks *out);
void tsr__padded_blocks_release(tsr__padded_blocks *padded);

#endif
