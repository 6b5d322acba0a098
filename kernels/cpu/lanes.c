#include "kernels/cpu/lanes.h"

#include <stdlib.h>

#include "kernels/cpu/parts.h"

static int64_t next_bundle(const tsr_packed *w, const tsr__lanes_source *source, int64_t row) {
  return row + source->height(w, row);
}

typedef struct totals {
  int64_t bundles, columns, values;
  int height;
} totals;

static void count_column(void *user, int64_t col, const float *values, int64_t stride) {
  totals *t = user;
  (void)col;
  (void)values;
  (void)stride;
  t->columns++;
  t->values += t->height;
}

static totals count_all(const tsr_packed *w, const tsr__lanes_source *source) {
  totals t = {0};
  for (int64_t row = 0; row < w->rows; row = next_bundle(w, source, row)) {
    t.height = source->height(w, row);
    t.bundles++;
    source->columns(w, row, 0, w->cols, count_column, &t);
  }
  return t;
}

typedef struct layout {
  size_t unit_rows, tiles, bundles, offsets, values, end;
} layout;

static layout lay_out(const tsr_packed *w, tsr__lanes_shape shape, totals t) {
  int64_t chunks = tsr__lanes_chunks(w->cols, shape), units = tsr__lanes_units(w->rows);
  int64_t tiles = (units + TSR__BLOCK_UNITS - 1) / TSR__BLOCK_UNITS * chunks + 1;
  layout l;
  l.unit_rows = tsr__round_to_line(sizeof(tsr__lanes));
  l.tiles = tsr__round_to_line(l.unit_rows + (size_t)(units + 1) * sizeof(int64_t));
  l.bundles = tsr__round_to_line(l.tiles + (size_t)tiles * sizeof(tsr__lanes_tile));
  l.offsets = tsr__round_to_line(l.bundles + (size_t)(t.bundles * chunks) * sizeof(tsr__bundle));
  l.values = tsr__round_to_line(l.offsets + (size_t)t.columns * sizeof(uint16_t));
  l.end = tsr__round_to_line(l.values + (size_t)t.values * sizeof(float));
  return l;
}

size_t tsr__lanes_bytes(const tsr_packed *w, const tsr__lanes_source *source,
                        tsr__lanes_shape shape) {
  return lay_out(w, shape, count_all(w, source)).end;
}

/* One pass over a row block for one chunk: either counts each bundle's columns or copies them. */
typedef struct chunk_pass {
  int64_t first_col;
  uint32_t count;
  int height;
  int64_t panel_tokens;
  uint16_t *offset; /* NULL = count only */
  float *value;
} chunk_pass;

static void visit_column(void *user, int64_t col, const float *values, int64_t stride) {
  chunk_pass *pass = user;
  pass->count++;
  if (!pass->offset) return;
  *pass->offset++ = (uint16_t)((col - pass->first_col) * pass->panel_tokens / TSR__OFFSET_FLOATS);
  for (int r = 0; r < pass->height; r++) *pass->value++ = values[r * stride];
}

static int by_height_and_count(const void *left, const void *right) {
  const tsr__bundle *a = left, *b = right;
  if (a->height != b->height) return a->height > b->height ? -1 : 1;
  if (a->count != b->count) return a->count < b->count ? -1 : 1;
  return a->row < b->row ? -1 : 1;
}

/* Fills one (row block, chunk) from `at` on and returns where the next one begins. */
static tsr__lanes_tile fill_tile(const tsr_packed *w, const tsr__lanes_source *source,
                                 const tsr__lanes *lanes, int64_t first_row, int64_t last_row,
                                 int64_t chunk, tsr__lanes_tile at) {
  tsr__bundle *bundles = (tsr__bundle *)lanes->bundles + at.bundle;
  int64_t begin = chunk * lanes->shape.chunk_cols, end = begin + lanes->shape.chunk_cols;
  if (end > w->cols) end = w->cols;
  chunk_pass pass = {.first_col = begin, .panel_tokens = lanes->shape.panel_tokens};
  int64_t count = 0;
  for (int64_t row = first_row; row < last_row; row = next_bundle(w, source, row)) {
    pass.count = 0;
    source->columns(w, row, begin, end, visit_column, &pass);
    if (pass.count || chunk == 0)
      bundles[count++] =
          (tsr__bundle){(uint16_t)(row - first_row), (uint16_t)source->height(w, row), pass.count};
  }
  qsort(bundles, (size_t)count, sizeof *bundles, by_height_and_count);
  pass.offset = (uint16_t *)lanes->offsets + at.column;
  pass.value = (float *)lanes->values + at.value;
  for (int64_t i = 0; i < count; i++) {
    pass.height = bundles[i].height;
    source->columns(w, first_row + bundles[i].row, begin, end, visit_column, &pass);
  }
  return (tsr__lanes_tile){at.bundle + count, pass.offset - lanes->offsets,
                           pass.value - lanes->values};
}

void tsr__lanes_build(const tsr_packed *w, const tsr__lanes_source *source, tsr__lanes_shape shape,
                      void *out) {
  layout l = lay_out(w, shape, count_all(w, source));
  char *base = out;
  tsr__lanes *lanes = out;
  int64_t *unit_rows = (int64_t *)(base + l.unit_rows);
  tsr__lanes_tile *tile = (tsr__lanes_tile *)(base + l.tiles);
  *lanes = (tsr__lanes){
      .rows = w->rows,
      .cols = w->cols,
      .units = tsr__lanes_units(w->rows),
      .chunks = tsr__lanes_chunks(w->cols, shape),
      .shape = shape,
      .unit_rows = unit_rows,
      .tiles = tile,
      .bundles = (const tsr__bundle *)(base + l.bundles),
      .offsets = (const uint16_t *)(base + l.offsets),
      .values = (const float *)(base + l.values),
  };
  int64_t row = 0;
  for (int64_t u = 0; u <= lanes->units; u++) {
    while (row < w->rows && row < u * TSR__UNIT_ROWS) row = next_bundle(w, source, row);
    unit_rows[u] = row;
  }
  tile[0] = (tsr__lanes_tile){0, 0, 0};
  for (int64_t u = 0; u < lanes->units; u += TSR__BLOCK_UNITS) {
    int64_t last = u + TSR__BLOCK_UNITS < lanes->units ? u + TSR__BLOCK_UNITS : lanes->units;
    for (int64_t chunk = 0; chunk < lanes->chunks; chunk++, tile++)
      tile[1] = fill_tile(w, source, lanes, unit_rows[u], unit_rows[last], chunk, tile[0]);
  }
}
