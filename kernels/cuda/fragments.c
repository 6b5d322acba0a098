#include "kernels/cuda/fragments.h"

#include <string.h>

enum { GROUP = 4, KEPT = 2 };

static int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

int tsr__fragment_sparse(tsr_format format) {
  return format == TSR_FORMAT_NM || format == TSR_FORMAT_BCSR_NM || format == TSR_FORMAT_VNM;
}

int tsr__fragment_depth(tsr_format format) {
  return tsr__fragment_sparse(format) ? TSR__FRAGMENT_ROWS * GROUP / KEPT : TSR__FRAGMENT_ROWS;
}

/* The entry of the block at (block_row, block_col), or -1. */
static int64_t find_block(const tsr_packed *w, int64_t block_row, int64_t block_col) {
  int64_t low = w->row_offsets[block_row], high = w->row_offsets[block_row + 1];
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (w->col_indices[middle] < block_col)
      low = middle + 1;
    else
      high = middle;
  }
  int found = low < w->row_offsets[block_row + 1] && w->col_indices[low] == block_col;
  return found ? low : -1;
}

/* Stored elements in a row of `cols` columns. */
static int64_t kept_cols(const tsr_packed *w, int64_t cols) {
  return tsr__fragment_sparse(w->format) ? (cols + w->m - 1) / w->m * KEPT : cols;
}

/* A fragment of a matrix of rows x cols stored elements that begins at `base`. */
static tsr__fragment piece(int64_t base, int64_t rows, int64_t cols, int64_t row, int64_t col) {
  int64_t size = TSR__FRAGMENT_ROWS;
  return (tsr__fragment){.first = base + row * size * cols + col * size,
                         .ld = cols,
                         .rows = (int)min_i64(size, rows - row * size),
                         .cols = (int)min_i64(size, cols - col * size)};
}

int tsr__fragment_find(const tsr_packed *w, int64_t row, int64_t col, tsr__fragment *out) {
  if (w->format == TSR_FORMAT_DENSE || w->format == TSR_FORMAT_NM || w->format == TSR_FORMAT_VNM) {
    *out = piece(0, w->rows, kept_cols(w, w->cols), row, col);
    return 1;
  }
  int64_t high = w->block_rows / TSR__FRAGMENT_ROWS;
  int64_t wide = w->block_cols / tsr__fragment_depth(w->format);
  int64_t entry = find_block(w, row / high, col / wide);
  if (entry < 0) return 0;
  int64_t cols = kept_cols(w, w->block_cols);
  *out = piece(entry * w->block_rows * cols, w->block_rows, cols, row % high, col % wide);
  return 1;
}

void tsr__fragment_values(const tsr_packed *w, const tsr__fragment *fragment, uint16_t *out) {
  const uint16_t *values = w->values;
  for (int lane = 0; lane < 32; lane++)
    for (int i = 0; i < 8; i++) {
      int row = lane / 4 + i / 2 % 2 * 8, col = lane % 4 * 2 + i % 2 + i / 4 * 8;
      int inside = row < fragment->rows && col < fragment->cols;
      out[lane * 8 + i] = inside ? values[fragment->first + row * fragment->ld + col] : 0;
    }
}

/* The four bits of group `group` of a row. Where a group has one column only, its surplus element
 * is +0.0 with the same position as the first: the next one is as good, and legal. Of V:N:M a
 * position is one among the four columns that a panel keeps. */
static uint32_t group_bits(const tsr_packed *w, const tsr__fragment *fragment, int row, int group) {
  if (row >= fragment->rows || group * KEPT >= fragment->cols) return 0 | 1 << 2;
  const uint8_t *positions = w->positions + fragment->first + row * fragment->ld + group * KEPT;
  uint32_t low = positions[0], high = positions[1] > low ? positions[1] : low + 1;
  return low | high << 2;
}

void tsr__fragment_meta(const tsr_packed *w, const tsr__fragment *fragment, uint32_t *out) {
  memset(out, 0, TSR__FRAGMENT_META * sizeof *out);
  for (int row = 0; row < TSR__FRAGMENT_ROWS; row++)
    for (int group = 0; group < 8; group++)
      out[row % 8 * 2 + group / 4] |= group_bits(w, fragment, row, group)
                                      << (row / 8 * 16 + group % 4 * 4);
}
