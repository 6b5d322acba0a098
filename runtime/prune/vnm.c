/* V:N:M: per panel of v rows and group of m columns, the four columns of which the rows' two best
 * sum to the most. Up to EXACT_WIDTH columns all quadruples are tried; above that, columns are
 * added one by one where they gain most (the sum is submodular, so this is within 1 - 1/e of the
 * best), then exchanged as long as an exchange gains. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/pattern.h"
#include "runtime/base/status.h"
#include "runtime/prune/projection.h"

enum { EXACT_WIDTH = 12, LANES = 8, LEVELS = TSR__VNM_COLUMNS };

/* One panel x group, transposed; rows are padded with zeros to a multiple of LANES. */
typedef struct tile {
  int64_t width, rows;
  float *scores; /* [width, rows] */
  /* [rows] each: level l holds the two best of each row among l columns; level 0 is all zeros. */
  float *first[LEVELS], *second[LEVELS];
} tile;

/* Level + 1 = level with column c. */
static void join(const tile *t, int level, int64_t c) {
  const float *column = t->scores + c * t->rows;
  const float *first = t->first[level], *second = t->second[level];
  float *restrict first_out = t->first[level + 1], *restrict second_out = t->second[level + 1];
  for (int64_t r = 0; r < t->rows; r++) {
    float low = first[r] < column[r] ? first[r] : column[r];
    first_out[r] = first[r] > column[r] ? first[r] : column[r];
    second_out[r] = second[r] > low ? second[r] : low;
  }
}

/* The sum of the rows' two best of level's columns and column c. It does not depend on the order in
 * which columns were joined. */
static float sum_with(const tile *t, int level, int64_t c) {
  const float *column = t->scores + c * t->rows, *first = t->first[level];
  const float *second = t->second[level];
  float sums[LANES] = {0};
  for (int64_t r = 0; r < t->rows; r += LANES)
    for (int i = 0; i < LANES; i++) {
      float a = first[r + i], b = second[r + i], x = column[r + i];
      float low = a < x ? a : x;
      sums[i] += (a > x ? a : x) + (b > low ? b : low);
    }
  float sum = 0;
  for (int i = 0; i < LANES; i++) sum += sums[i];
  return sum;
}

static void try_all(const tile *t, int64_t *columns) {
  float best = -1;
  for (int64_t a = 0; a < t->width; a++) {
    join(t, 0, a);
    for (int64_t b = a + 1; b < t->width; b++) {
      join(t, 1, b);
      for (int64_t c = b + 1; c < t->width; c++) {
        join(t, 2, c);
        for (int64_t d = c + 1; d < t->width; d++) {
          float sum = sum_with(t, 3, d);
          if (sum <= best) continue;
          best = sum;
          memcpy(columns, (int64_t[]){a, b, c, d}, 4 * sizeof *columns);
        }
      }
    }
  }
}

static int contains(const int64_t *columns, int64_t count, int64_t c) {
  for (int64_t i = 0; i < count; i++)
    if (columns[i] == c) return 1;
  return 0;
}

/* The column outside `columns` that adds most to `level`; *sum = what it makes. */
static int64_t best_addition(const tile *t, int level, const int64_t *columns, int64_t count,
                             float *sum) {
  int64_t best = 0;
  *sum = -1;
  for (int64_t c = 0; c < t->width; c++) {
    if (contains(columns, count, c)) continue;
    float with = sum_with(t, level, c);
    if (with <= *sum) continue;
    best = c;
    *sum = with;
  }
  return best;
}

/* Level 3 = the columns but columns[out]. */
static void leave_out(const tile *t, const int64_t *columns, int out) {
  for (int i = 0, level = 0; i < TSR__VNM_COLUMNS; i++)
    if (i != out) join(t, level++, columns[i]);
}

static void exchange(const tile *t, int64_t *columns, float sum) {
  for (int gained = 1; gained;) {
    gained = 0;
    for (int out = 0; out < TSR__VNM_COLUMNS; out++) {
      float with;
      leave_out(t, columns, out);
      int64_t in = best_addition(t, LEVELS - 1, columns, TSR__VNM_COLUMNS, &with);
      if (with <= sum) continue;
      columns[out] = in;
      sum = with;
      gained = 1;
    }
  }
}

static void add_and_exchange(const tile *t, int64_t *columns) {
  float sum = 0;
  for (int i = 0; i < TSR__VNM_COLUMNS; i++) {
    columns[i] = best_addition(t, i, columns, i, &sum);
    if (i + 1 < LEVELS) join(t, i, columns[i]);
  }
  exchange(t, columns, sum);
}

/* Marks the kept columns of the tile in kept[width]. */
static void choose_columns(const tile *t, uint8_t *kept) {
  int64_t columns[TSR__VNM_COLUMNS];
  for (int64_t c = 0; c < t->width; c++) kept[c] = t->width <= TSR__VNM_COLUMNS;
  if (t->width <= TSR__VNM_COLUMNS) return;
  if (t->width <= EXACT_WIDTH)
    try_all(t, columns);
  else
    add_and_exchange(t, columns);
  for (int i = 0; i < TSR__VNM_COLUMNS; i++) kept[columns[i]] = 1;
}

/* Clears all but the two best of the kept columns; the first of equal ones stay. */
static void keep_two(const float *scores, const uint8_t *kept, int64_t width, tsr_mask *mask) {
  int64_t first = -1, second = -1;
  for (int64_t c = 0; c < width; c++) {
    mask[c] = 0;
    if (!kept[c]) continue;
    if (first < 0 || scores[c] > scores[first]) {
      second = first;
      first = c;
    } else if (second < 0 || scores[c] > scores[second]) {
      second = c;
    }
  }
  if (first >= 0) mask[first] = 1;
  if (second >= 0) mask[second] = 1;
}

static void project_tile(tile *t, const tsr_project_item *item, int64_t row, int64_t rows,
                         int64_t col, int64_t width) {
  uint8_t kept[TSR__GROUP_MAX];
  t->width = width;
  for (int64_t c = 0; c < width; c++)
    for (int64_t r = 0; r < t->rows; r++)
      t->scores[c * t->rows + r] = r < rows ? item->scores[(row + r) * item->cols + col + c] : 0;
  choose_columns(t, kept);
  for (int64_t r = row; r < row + rows; r++)
    keep_two(item->scores + r * item->cols + col, kept, width, item->mask + r * item->cols + col);
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static tsr_status project_item(const tsr_pattern *p, const tsr_project_item *item) {
  int64_t v = smaller(p->v, item->rows), padded = (v + LANES - 1) / LANES * LANES;
  int64_t panels = (item->rows + v - 1) / v, groups = (item->cols + p->m - 1) / p->m;
  size_t tile_floats = (size_t)(padded * (p->m + 2 * LEVELS));
  float *memory;
  TSR_TRY(tsr__aligned((size_t)omp_get_max_threads() * tile_floats, sizeof *memory,
                       "a panel's scores", &memory));
#pragma omp parallel
  {
    float *at = memory + (size_t)omp_get_thread_num() * tile_floats;
    tile t = {.rows = padded, .scores = at};
    for (int i = 0; i < LEVELS; i++) {
      t.first[i] = at + (p->m + 2 * i) * padded;
      t.second[i] = t.first[i] + padded;
    }
    memset(t.first[0], 0, 2 * (size_t)padded * sizeof *t.first[0]);
#pragma omp for schedule(static)
    for (int64_t i = 0; i < panels * groups; i++) {
      int64_t row = i / groups * v, col = i % groups * p->m;
      project_tile(&t, item, row, smaller(v, item->rows - row), col,
                   smaller(p->m, item->cols - col));
    }
  }
  free(memory);
  return TSR_OK;
}

static double fixed_sparsity(const tsr_pattern *p) { return 1 - (double)TSR__VNM_KEPT / p->m; }

static tsr_status project(const tsr__projection *p) {
  for (size_t i = 0; i < p->count; i++)
    if (p->items[i].rows && p->items[i].cols) TSR_TRY(project_item(p->pattern, &p->items[i]));
  return TSR_OK;
}

const tsr__pattern_ops tsr__pattern_vnm = {
    .fixed_sparsity = fixed_sparsity, .fixed = 1, .project = project};
