/* Finds the pattern that a matrix full of zeros was pruned in, by what each one would store. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/format/format.h"

/* A finer pattern has to save this share to be chosen over a coarser one, which runs faster, and
 * any pattern to be chosen over dense. */
static const double WORTH = 0.05;

typedef struct search {
  const uint8_t *nonzero; /* [rows, cols], 1 or 0 */
  tsr_packed best;        /* sizes and counts, no arrays */
  size_t best_bytes;
} search;

static tsr_packed blank(const search *s, tsr_format format) {
  return (tsr_packed){
      .format = format, .dtype = s->best.dtype, .rows = s->best.rows, .cols = s->best.cols};
}

static void offer(search *s, tsr_packed candidate) {
  size_t bytes = tsr_packed_bytes(&candidate);
  if ((double)bytes >= (1 - WORTH) * (double)s->best_bytes) return;
  s->best = candidate;
  s->best_bytes = bytes;
}

static tsr_status map_nonzeros(const tsr_matrix *dense, uint8_t **out) {
  uint32_t magnitude = dense->dtype == TSR_DTYPE_F32 ? 0x7fffffffu : 0x7fffu;
  TSR_TRY(tsr__aligned((size_t)(dense->rows * dense->cols), 1, "recognising structure", out));
  for (int64_t r = 0; r < dense->rows; r++)
    for (int64_t c = 0; c < dense->cols; c++)
      (*out)[r * dense->cols + c] = (tsr__matrix_bits(dense, r, c) & magnitude) != 0;
  return TSR_OK;
}

static int64_t count_nonzeros(const uint8_t *nonzero, int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; i++) sum += nonzero[i];
  return sum;
}

static tsr_status try_compact(search *s) {
  tsr_packed candidate = blank(s, TSR_FORMAT_COMPACT);
  uint8_t *used_cols;
  TSR_TRY(tsr__calloc((size_t)candidate.cols, 1, "recognising structure", &used_cols));
  for (int64_t r = 0; r < candidate.rows; r++) {
    const uint8_t *row = s->nonzero + r * candidate.cols;
    candidate.kept_row_count += memchr(row, 1, (size_t)candidate.cols) != NULL;
    for (int64_t c = 0; c < candidate.cols; c++) used_cols[c] |= row[c];
  }
  candidate.kept_col_count = count_nonzeros(used_cols, candidate.cols);
  free(used_cols);
  offer(s, candidate);
  return TSR_OK;
}

static void try_irregular(search *s) {
  tsr_packed candidate = blank(s, TSR_FORMAT_CSR);
  candidate.stored = count_nonzeros(s->nonzero, candidate.rows * candidate.cols);
  offer(s, candidate);
}

static int block_used(const search *s, int64_t row, int64_t col, int rows, int cols) {
  int64_t end = tsr__min_i64(row + rows, s->best.rows);
  size_t width = (size_t)tsr__min_i64(cols, s->best.cols - col);
  for (; row < end; row++)
    if (memchr(s->nonzero + row * s->best.cols + col, 1, width)) return 1;
  return 0;
}

static int64_t count_blocks(const search *s, int block_rows, int block_cols) {
  int64_t count = 0;
  for (int64_t r = 0; r < s->best.rows; r += block_rows)
    for (int64_t c = 0; c < s->best.cols; c += block_cols)
      count += block_used(s, r, c, block_rows, block_cols);
  return count;
}

static const struct {
  int32_t rows, cols;
} blocks[] = {{128, 128}, {64, 64}, {32, 32}, {16, 16}, {8, 8}, {4, 4},
              {16, 1},    {1, 16},  {8, 1},   {1, 8},   {4, 1}, {1, 4}};
enum { BLOCKS = sizeof blocks / sizeof *blocks };

static void try_blocks(search *s) {
  for (int b = 0; b < BLOCKS; b++) {
    tsr_packed candidate = blank(s, TSR_FORMAT_BCSR);
    candidate.block_rows = blocks[b].rows;
    candidate.block_cols = blocks[b].cols;
    candidate.nnzb = count_blocks(s, blocks[b].rows, blocks[b].cols);
    offer(s, candidate);
  }
}

static int fits_nm(const search *s, int n, int m) {
  for (int64_t r = 0; r < s->best.rows; r++) {
    const uint8_t *row = s->nonzero + r * s->best.cols;
    for (int64_t c = 0; c < s->best.cols; c += m)
      if (count_nonzeros(row + c, tsr__min_i64(m, s->best.cols - c)) > n) return 0;
  }
  return 1;
}

/* Of those that store the same, the one that allows fewest masks comes first. */
static const struct {
  int32_t n, m;
} ratios[] = {{1, 2},  {2, 4}, {4, 8},  {8, 16}, {1, 4},  {2, 8},
              {4, 16}, {1, 8}, {2, 16}, {1, 16}, {1, 32}, {2, 32}};
enum { RATIOS = sizeof ratios / sizeof *ratios };

static void try_nm(search *s) {
  for (int i = 0; i < RATIOS; i++) {
    if (!fits_nm(s, ratios[i].n, ratios[i].m)) continue;
    tsr_packed candidate = blank(s, TSR_FORMAT_NM);
    candidate.n = ratios[i].n;
    candidate.m = ratios[i].m;
    offer(s, candidate);
  }
}

/* Rows top..bottom-1 use at most four of the group's columns. */
static int fits_panel(const search *s, int64_t top, int64_t bottom, int64_t col, int64_t width) {
  int count = 0;
  for (int64_t c = col; c < col + width; c++) {
    int64_t r = top;
    while (r < bottom && !s->nonzero[r * s->best.cols + c]) r++;
    count += r < bottom;
    if (count > TSR__VNM_COLUMNS) return 0;
  }
  return 1;
}

static int fits_panels(const search *s, int v, int m) {
  for (int64_t r = 0; r < s->best.rows; r += v)
    for (int64_t c = 0; c < s->best.cols; c += m)
      if (!fits_panel(s, r, tsr__min_i64(r + v, s->best.rows), c,
                      tsr__min_i64(m, s->best.cols - c)))
        return 0;
  return 1;
}

/* m = 4 is left to 2:4, which stores less. */
static void try_vnm(search *s) {
  for (int m = 32; m > TSR__VNM_COLUMNS; m--) {
    if (!fits_nm(s, TSR__VNM_KEPT, m)) continue;
    for (int v = 128; v >= 16; v /= 2) {
      if (!fits_panels(s, v, m)) continue;
      tsr_packed candidate = blank(s, TSR_FORMAT_VNM);
      candidate.v = v;
      candidate.n = TSR__VNM_KEPT;
      candidate.m = m;
      offer(s, candidate);
      break;
    }
  }
}

static void try_two_levels(search *s) {
  if (!fits_nm(s, 2, 4)) return;
  for (int b = 0; b < BLOCKS; b++) {
    if (blocks[b].cols % 4) continue;
    tsr_packed candidate = blank(s, TSR_FORMAT_BCSR_NM);
    candidate.block_rows = blocks[b].rows;
    candidate.block_cols = blocks[b].cols;
    candidate.n = 2;
    candidate.m = 4;
    candidate.nnzb = count_blocks(s, blocks[b].rows, blocks[b].cols);
    offer(s, candidate);
  }
}

/* From coarse to fine. */
static tsr_status try_all(search *s) {
  TSR_TRY(try_compact(s));
  try_blocks(s);
  try_vnm(s);
  try_nm(s);
  try_two_levels(s);
  try_irregular(s);
  return TSR_OK;
}

static double sparsity_of(const tsr_packed *packed) {
  tsr__array arrays[TSR__ARRAYS_MAX];
  int64_t stored = 0;
  size_t bytes;
  double size = (double)packed->rows * (double)packed->cols;
  tsr__format_ops_of(packed->format)->arrays(packed, arrays);
  if (!size || !tsr__array_size(&arrays[0], &stored, &bytes)) return 0;
  return (double)stored < size ? 1 - (double)stored / size : 0; /* edge blocks are padded */
}

tsr_status tsr_recognise(const tsr_matrix *dense, tsr_pattern *pattern, double *sparsity) {
  TSR_CHECK(pattern && sparsity, TSR_INVALID_ARGUMENT, "tsr_recognise: an argument is NULL");
  TSR_TRY(tsr__check_matrix("tsr_recognise", dense));
  search s = {.best = {.format = TSR_FORMAT_DENSE,
                       .dtype = dense->dtype,
                       .rows = dense->rows,
                       .cols = dense->cols}};
  TSR_TRY(tsr__check_sizes(&s.best, TSR_INVALID_ARGUMENT));
  s.best_bytes = tsr_packed_bytes(&s.best);
  uint8_t *nonzero;
  TSR_TRY(map_nonzeros(dense, &nonzero));
  s.nonzero = nonzero;
  tsr_status status = try_all(&s);
  free(nonzero);
  if (status) return status;
  *pattern = tsr_packed_pattern(&s.best);
  *sparsity = sparsity_of(&s.best);
  return TSR_OK;
}
