/* Compressed rows: offsets and ascending indices, shared by csr, bcsr and bcsr_nm. */
#ifndef TESSERA_FORMAT_COMPRESSED_H
#define TESSERA_FORMAT_COMPRESSED_H

#include "runtime/format/format.h"

/* offsets: [lines + 1], from 0 to entries, monotone; indices: [entries], in 0..limit-1, strictly
 * ascending within a line. */
tsr_status tsr__check_compressed(const tsr_packed *packed, int64_t lines, int64_t entries,
                                 int64_t limit);

/* A block of the grid, clipped at the matrix's edge. */
typedef struct tsr__block {
  int64_t row, col;   /* its first element */
  int64_t rows, cols; /* what lies inside the matrix */
} tsr__block;

static inline int64_t tsr__block_grid_rows(const tsr_packed *p) {
  return tsr__ceil_div(p->rows, p->block_rows);
}
static inline int64_t tsr__block_grid_cols(const tsr_packed *p) {
  return tsr__ceil_div(p->cols, p->block_cols);
}
tsr__block tsr__block_at(const tsr_packed *packed, int64_t i, int64_t j);

/* nnzb = the blocks with a nonzero element; then their row_offsets and col_indices. */
tsr_status tsr__blocks_count(const tsr_matrix *dense, tsr_packed *packed);
void tsr__blocks_index(const tsr_matrix *dense, tsr_packed *packed);
tsr_status tsr__blocks_check(const tsr_packed *packed);

/* Where blocks are unpacked to: the context of a visitor. */
typedef struct tsr__block_target {
  void *out;
  int64_t ld;
} tsr__block_target;

/* Calls visit for each stored block in order, until one fails. */
typedef tsr_status (*tsr__block_visitor)(const tsr_packed *packed, int64_t entry, tsr__block block,
                                         void *context);
tsr_status tsr__blocks_visit(const tsr_packed *packed, tsr__block_visitor visit, void *context);

#endif
