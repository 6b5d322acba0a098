/* Pieces of a packed matrix in the order in which the lanes of a warp hold mma's A operand. */
#ifndef TESSERA_KERNELS_CUDA_FRAGMENTS_H
#define TESSERA_KERNELS_CUDA_FRAGMENTS_H

#include "tessera/pack.h"

enum {
  TSR__FRAGMENT_ROWS = 16,
  TSR__FRAGMENT_ELEMENTS = 256, /* stored ones: 16 rows of 16 */
  TSR__FRAGMENT_META = 16       /* words of 2:4 metadata */
};

/* Whether fragments of this format keep two of four elements. */
int tsr__fragment_sparse(tsr_format format);

/* Columns of the matrix under a fragment: 16, or 32 of which 16 are kept. Of V:N:M, columns that
 * the panel keeps. */
int tsr__fragment_depth(tsr_format format);

/* The stored elements of one fragment, row-major in values (and positions) of a packed matrix. */
typedef struct tsr__fragment {
  int64_t first, ld; /* in elements */
  int rows, cols;    /* those that exist; the others are zero */
} tsr__fragment;

/* The fragment at (row, col) of the grid of fragments; 0 if the matrix stores nothing of it. */
int tsr__fragment_find(const tsr_packed *w, int64_t row, int64_t col, tsr__fragment *out);

/* out: [256] elements of 2 bytes, lane by lane, eight of each. */
void tsr__fragment_values(const tsr_packed *w, const tsr__fragment *fragment, uint16_t *out);

/* out: [16] words: 2g + h has rows g (bits 0-15) and g + 8 (bits 16-31), columns 16h .. 16h + 15.
 */
void tsr__fragment_meta(const tsr_packed *w, const tsr__fragment *fragment, uint32_t *out);

#endif
