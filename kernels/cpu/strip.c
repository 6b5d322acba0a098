#include "kernels/cpu/strip.h"

#include <string.h>

#include "kernels/cpu/parts.h"

/* The run that begins at column `col` of the matrix, within the piece. */
static tsr__run run_at(const tsr__piece *piece, int32_t col) {
  int32_t room = TSR__RUN_COLS - col % TSR__RUN_COLS, left = piece->col + piece->cols - col;
  return (tsr__run){col, left < room ? left : room};
}

/* Columns that a run takes in memory. */
static int64_t stored_cols(tsr__run run, tsr__strip_shape shape) {
  return (run.count + shape.side_cols - 1) / shape.side_cols * shape.side_cols;
}

static void count(const tsr_packed *w, int64_t strip_count, tsr__strip_shape shape,
                  tsr__pieces pieces, int64_t *runs, int64_t *columns) {
  tsr__piece piece;
  *runs = *columns = 0;
  for (int64_t s = 0; s < strip_count; s++)
    for (int64_t i = 0; pieces(w, s, shape.rows, i, &piece); i++)
      for (int32_t c = piece.col; c < piece.col + piece.cols; c += run_at(&piece, c).count) {
        ++*runs;
        *columns += stored_cols(run_at(&piece, c), shape);
      }
}

/* Byte offsets of the arrays behind the header, and the end. */
typedef struct layout {
  size_t run_begin, column_begin, runs, values, end;
} layout;

static layout lay_out(int64_t strip_count, int64_t strip_rows, int64_t runs, int64_t columns) {
  layout l;
  l.run_begin = tsr__round_to_line(sizeof(tsr__strips));
  l.column_begin = l.run_begin + (size_t)(strip_count + 1) * sizeof(int64_t);
  l.runs = l.column_begin + (size_t)(strip_count + 1) * sizeof(int64_t);
  l.values = tsr__round_to_line(l.runs + (size_t)(runs + 1) * sizeof(tsr__run));
  l.end = tsr__round_to_line(l.values + (size_t)columns * (size_t)strip_rows * sizeof(float));
  return l;
}

size_t tsr__strips_bytes(const tsr_packed *w, int64_t strip_count, tsr__strip_shape shape,
                         tsr__pieces pieces) {
  int64_t runs, columns;
  count(w, strip_count, shape, pieces, &runs, &columns);
  return lay_out(strip_count, shape.rows, runs, columns).end;
}

/* Where row r, column c of a run lies among its values. */
static int64_t value_index(tsr__strip_shape shape, int64_t r, int32_t c) {
  if (shape.side_cols == 1) return c * shape.rows + r;
  return c / 2 * 2 * shape.rows + r % 4 / 2 * shape.rows + r / 4 * 4 + r % 2 * 2 + c % 2;
}

static void copy_run(const tsr__piece *piece, tsr__run run, tsr__strip_shape shape, float *out) {
  const float *values = piece->values + (run.col - piece->col);
  memset(out, 0, (size_t)(stored_cols(run, shape) * shape.rows) * sizeof *out);
  for (int32_t r = 0; r < piece->rows; r++)
    for (int32_t c = 0; c < run.count; c++)
      out[value_index(shape, r, c)] = values[r * piece->stride + c];
}

void tsr__strips_build(const tsr_packed *w, int64_t rows, int64_t cols, int64_t strip_count,
                       tsr__strip_shape shape, tsr__pieces pieces, void *out) {
  int64_t run_total, column_total;
  count(w, strip_count, shape, pieces, &run_total, &column_total);
  layout l = lay_out(strip_count, shape.rows, run_total, column_total);
  char *base = out;
  int64_t *run_begin = (int64_t *)(base + l.run_begin);
  int64_t *column_begin = (int64_t *)(base + l.column_begin);
  tsr__run *run = (tsr__run *)(base + l.runs);
  float *values = (float *)(base + l.values);
  *(tsr__strips *)out = (tsr__strips){
      .rows = rows,
      .cols = cols,
      .strip_count = strip_count,
      .shape = shape,
      .run_begin = run_begin,
      .column_begin = column_begin,
      .runs = run,
      .values = values,
  };
  tsr__piece piece;
  int64_t columns = 0;
  for (int64_t s = 0; s < strip_count; s++) {
    run_begin[s] = run - (tsr__run *)(base + l.runs);
    column_begin[s] = columns;
    for (int64_t i = 0; pieces(w, s, shape.rows, i, &piece); i++)
      for (int32_t c = piece.col; c < piece.col + piece.cols; c += run++->count) {
        *run = run_at(&piece, c);
        copy_run(&piece, *run, shape, values + columns * shape.rows);
        columns += stored_cols(*run, shape);
      }
  }
  *run = (tsr__run){0, 0};
  run_begin[strip_count] = run_total;
  column_begin[strip_count] = columns;
}

static int32_t clamp(int64_t value, int64_t low, int64_t high) {
  return (int32_t)(value < low ? low : value > high ? high : value);
}

int tsr__dense_pieces(const tsr_packed *w, int64_t strip, int64_t strip_rows, int64_t index,
                      tsr__piece *out) {
  int64_t rows = w->kept_rows ? w->kept_row_count : w->rows;
  int64_t cols = w->kept_cols ? w->kept_col_count : w->cols;
  if (index > 0 || cols == 0) return 0;
  *out = (tsr__piece){
      .values = (const float *)w->values + strip * strip_rows * cols,
      .stride = cols,
      .cols = (int32_t)cols,
      .rows = clamp(rows - strip * strip_rows, 0, strip_rows),
  };
  return 1;
}

int64_t tsr__bcsr_strip_count(const tsr_packed *w, int64_t strip_rows) {
  return (w->rows + w->block_rows - 1) / w->block_rows * (w->block_rows / strip_rows);
}

int tsr__bcsr_pieces(const tsr_packed *w, int64_t strip, int64_t strip_rows, int64_t index,
                     tsr__piece *out) {
  int64_t strips_per_block = w->block_rows / strip_rows;
  int64_t block_row = strip / strips_per_block, sub = strip % strips_per_block;
  int64_t block = w->row_offsets[block_row] + index;
  if (block >= w->row_offsets[block_row + 1]) return 0;
  int64_t col = (int64_t)w->col_indices[block] * w->block_cols;
  *out = (tsr__piece){
      .values =
          (const float *)w->values + (block * w->block_rows + sub * strip_rows) * w->block_cols,
      .stride = w->block_cols,
      .col = (int32_t)col,
      .cols = clamp(w->cols - col, 0, w->block_cols),
      .rows = clamp(w->rows - strip * strip_rows, 0, strip_rows),
  };
  return 1;
}
