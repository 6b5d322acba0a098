/* Patterns whose units are whole rectangles: elements, rows, columns, blocks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/projection.h"

enum { DIGIT_BITS = 16, DIGITS = 1 << DIGIT_BITS };

/* The units of one item, as a grid. Ranks are the bits of the mean score as a double, which order
 * like the number since it is not negative. */
typedef struct grid {
  const tsr_project_item *item;
  tsr__unit unit;
  int64_t rows, cols; /* of units */
  uint64_t *ranks;    /* [rows, cols]; NULL for units of one element: computed on the fly */
} grid;

static int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

static int64_t clipped(int64_t index, int64_t unit, int64_t size) {
  return size - index * unit < unit ? size - index * unit : unit;
}

static uint64_t rank_of(double score) {
  uint64_t bits;
  score += 0.0; /* -0.0 ranks as 0 */
  memcpy(&bits, &score, sizeof bits);
  return bits;
}

static uint64_t rank_at(const grid *g, int64_t index) {
  return g->ranks ? g->ranks[index] : rank_of((double)g->item->scores[index]);
}

static int64_t weight_at(const grid *g, int64_t i, int64_t j) {
  return clipped(i, g->unit.rows, g->item->rows) * clipped(j, g->unit.cols, g->item->cols);
}

/* Sums in a fixed order, so that the number of threads changes nothing. */
static void rank_units(grid *g) {
  const tsr_project_item *item = g->item;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < g->rows; i++) {
    uint64_t *ranks = g->ranks + i * g->cols;
    for (int64_t j = 0; j < g->cols; j++) ranks[j] = 0;
    for (int64_t r = 0; r < clipped(i, g->unit.rows, item->rows); r++) {
      int64_t at = (i * g->unit.rows + r) * item->cols;
      for (int64_t j = 0; j < g->cols; j++) {
        double sum;
        memcpy(&sum, &ranks[j], sizeof sum);
        for (int64_t c = clipped(j, g->unit.cols, item->cols); c > 0; c--, at++)
          sum += item->mask[at] ? (double)item->scores[at] : 0.0;
        memcpy(&ranks[j], &sum, sizeof sum);
      }
    }
    for (int64_t j = 0; j < g->cols; j++) {
      double sum;
      memcpy(&sum, &ranks[j], sizeof sum);
      ranks[j] = rank_of(sum / (double)weight_at(g, i, j));
    }
  }
}

typedef struct grids {
  grid *items;
  size_t count;
  int by_elements;
} grids;

static void destroy_grids(grids *set) {
  for (size_t i = 0; set->items && i < set->count; i++) free(set->items[i].ranks);
  free(set->items);
}

static tsr_status create_grids(const tsr__projection *p, tsr__unit_of unit_of, grids *set) {
  *set = (grids){.count = p->count, .by_elements = p->by_elements};
  TSR_TRY(tsr__calloc(p->count, sizeof *set->items, "pruning", &set->items));
  for (size_t i = 0; i < p->count; i++) {
    grid *g = &set->items[i];
    g->item = &p->items[i];
    if (!g->item->rows || !g->item->cols) continue;
    g->unit = unit_of(p->pattern, g->item);
    g->rows = ceil_div(g->item->rows, g->unit.rows);
    g->cols = ceil_div(g->item->cols, g->unit.cols);
    if (g->unit.rows == 1 && g->unit.cols == 1) continue;
    TSR_TRY(tsr__aligned((size_t)(g->rows * g->cols), sizeof *g->ranks, "unit scores", &g->ranks));
    rank_units(g);
  }
  return TSR_OK;
}

/* What all units weigh: elements, or one each. */
static int64_t total_weight(const grids *set) {
  int64_t total = 0;
  for (size_t i = 0; i < set->count; i++) {
    const grid *g = &set->items[i];
    total += set->by_elements ? g->item->rows * g->item->cols : g->rows * g->cols;
  }
  return total;
}

/* Weights by the 16-bit digit of the rank at `shift`, of the units whose higher digits are
 * `prefix`. */
static void histogram(const grids *set, int shift, uint64_t prefix, int64_t *weights) {
  memset(weights, 0, DIGITS * sizeof *weights);
  for (size_t s = 0; s < set->count; s++) {
    const grid *g = &set->items[s];
    for (int64_t i = 0; i < g->rows; i++)
      for (int64_t j = 0; j < g->cols; j++) {
        uint64_t rank = rank_at(g, i * g->cols + j) >> shift;
        if (rank >> DIGIT_BITS == prefix)
          weights[rank % DIGITS] += set->by_elements ? weight_at(g, i, j) : 1;
      }
  }
}

/* The rank at which the units below weigh at most *left and those up to it more, by radix select;
 * *left becomes what is still to be pruned at that rank. */
static tsr_status find_threshold(const grids *set, int64_t *left, uint64_t *threshold) {
  int64_t *weights;
  TSR_TRY(tsr__calloc(DIGITS, sizeof *weights, "pruning", &weights));
  *threshold = 0;
  for (int shift = 64 - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
    histogram(set, shift, *threshold, weights);
    int64_t digit = 0;
    while (weights[digit] <= *left) *left -= weights[digit++];
    *threshold = *threshold << DIGIT_BITS | (uint64_t)digit;
  }
  free(weights);
  return TSR_OK;
}

static void clear_unit(const grid *g, int64_t i, int64_t j) {
  const tsr_project_item *item = g->item;
  int64_t cols = clipped(j, g->unit.cols, item->cols);
  for (int64_t r = 0; r < clipped(i, g->unit.rows, item->rows); r++)
    memset(item->mask + (i * g->unit.rows + r) * item->cols + j * g->unit.cols, 0, (size_t)cols);
}

/* Backwards, so that of the units at the threshold those with the higher index go. */
static void clear_below(const grids *set, uint64_t threshold, int64_t left) {
  for (size_t s = set->count; s-- > 0;) {
    const grid *g = &set->items[s];
    for (int64_t i = g->rows - 1; i >= 0; i--)
      for (int64_t j = g->cols - 1; j >= 0; j--) {
        uint64_t rank = rank_at(g, i * g->cols + j);
        if (rank > threshold) continue;
        if (rank == threshold) {
          int64_t weight = set->by_elements ? weight_at(g, i, j) : 1;
          if (weight >= 2 * left) continue; /* that would end further from the target */
          left -= weight;
        }
        clear_unit(g, i, j);
      }
  }
}

tsr_status tsr__prune_units(const tsr__projection *p, tsr__unit_of unit_of, double sparsity) {
  grids set;
  uint64_t threshold = UINT64_MAX;
  tsr_status status = create_grids(p, unit_of, &set);
  if (!status) {
    int64_t total = total_weight(&set), left = llround(sparsity * (double)total);
    if (left < total) status = find_threshold(&set, &left, &threshold);
    if (!status) clear_below(&set, threshold, left);
  }
  destroy_grids(&set);
  return status;
}

static tsr_status keep_all(const tsr__projection *p) {
  (void)p;
  return TSR_OK;
}

static tsr__unit element(const tsr_pattern *pattern, const tsr_project_item *item) {
  (void)pattern, (void)item;
  return (tsr__unit){1, 1};
}

static tsr__unit row(const tsr_pattern *pattern, const tsr_project_item *item) {
  (void)pattern;
  return (tsr__unit){1, item->cols};
}

static tsr__unit column(const tsr_pattern *pattern, const tsr_project_item *item) {
  (void)pattern;
  return (tsr__unit){item->rows, 1};
}

static tsr__unit block(const tsr_pattern *pattern, const tsr_project_item *item) {
  (void)item;
  return (tsr__unit){pattern->block_rows, pattern->block_cols};
}

static tsr_status project_elements(const tsr__projection *p) {
  return tsr__prune_units(p, element, p->sparsity);
}
static tsr_status project_rows(const tsr__projection *p) {
  return tsr__prune_units(p, row, p->sparsity);
}
static tsr_status project_columns(const tsr__projection *p) {
  return tsr__prune_units(p, column, p->sparsity);
}
static tsr_status project_blocks(const tsr__projection *p) {
  return tsr__prune_units(p, block, p->sparsity);
}

const tsr__pattern_ops tsr__pattern_dense = {.fixed = 1, .project = keep_all};
const tsr__pattern_ops tsr__pattern_irregular = {.project = project_elements};
const tsr__pattern_ops tsr__pattern_row = {.project = project_rows};
const tsr__pattern_ops tsr__pattern_column = {.project = project_columns};
const tsr__pattern_ops tsr__pattern_block = {.project = project_blocks};
