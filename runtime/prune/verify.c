/* Whether a mask obeys a pattern. Written from the patterns' definitions alone: nothing here is
 * shared with the projection. */
#include <math.h>

#include "runtime/base/alloc.h"
#include "runtime/base/pattern.h"
#include "runtime/base/status.h"
#include "tessera/prune.h"

typedef struct checked {
  const tsr_pattern *pattern;
  const tsr_mask *mask;
  int64_t rows, cols;
  int exact; /* a sparsity was given: groups must be full, too */
} checked;

static int at(const checked *c, int64_t row, int64_t col) { return c->mask[row * c->cols + col]; }

static tsr_status check_bytes(const checked *c) {
  for (int64_t row = 0; row < c->rows; row++)
    for (int64_t col = 0; col < c->cols; col++)
      TSR_CHECK(at(c, row, col) <= 1, TSR_STRUCTURE, "mask of row %lld, column %lld is %d",
                (long long)row, (long long)col, at(c, row, col));
  return TSR_OK;
}

/* Every rectangle of the grid is all 1 or all 0 (or, if `inner`, only counted as kept if it has a
 * 1). Writes how many rectangles there are and how many hold no 1. */
static tsr_status check_rectangles(const checked *c, int64_t height, int64_t width, int inner,
                                   int64_t *units, int64_t *pruned) {
  *units = *pruned = 0;
  for (int64_t top = 0; top < c->rows; top += height)
    for (int64_t left = 0; left < c->cols; left += width) {
      int any = 0;
      for (int64_t row = top; row < top + height && row < c->rows; row++)
        for (int64_t col = left; col < left + width && col < c->cols; col++) {
          any |= at(c, row, col);
          TSR_CHECK(inner || at(c, row, col) == at(c, top, left), TSR_STRUCTURE,
                    "mask of row %lld, column %lld is %d, but %d in the same unit at row %lld, "
                    "column %lld",
                    (long long)row, (long long)col, at(c, row, col), at(c, top, left),
                    (long long)top, (long long)left);
        }
      ++*units;
      *pruned += !any;
    }
  return TSR_OK;
}

static tsr_status check_share(double sparsity, int64_t units, int64_t pruned) {
  double wanted = sparsity * (double)units;
  TSR_CHECK(fabs((double)pruned - wanted) <= 1, TSR_STRUCTURE,
            "%lld of %lld units are pruned, sparsity %g wants %.1f", (long long)pruned,
            (long long)units, sparsity, wanted);
  return TSR_OK;
}

/* At most n ones in every m columns of a row, counted from each multiple of `span`. */
static tsr_status check_groups(const checked *c, int64_t span, int64_t n, int exact) {
  int64_t m = c->pattern->m;
  for (int64_t row = 0; row < c->rows; row++) {
    int64_t col = 0;
    while (col < c->cols) {
      int64_t first = col, limit = first + m, ones = 0;
      int64_t next_span = (first / span + 1) * span;
      if (limit > next_span) limit = next_span;
      if (limit > c->cols) limit = c->cols;
      for (; col < limit; col++) ones += at(c, row, col);
      int64_t full = limit - first < n ? limit - first : n;
      TSR_CHECK(ones <= n && (!exact || ones == full), TSR_STRUCTURE,
                "row %lld, columns %lld..%lld: the mask keeps %lld, not %lld", (long long)row,
                (long long)first, (long long)limit - 1, (long long)ones, (long long)full);
    }
  }
  return TSR_OK;
}

static tsr_status check_panels(const checked *c) {
  const tsr_pattern *p = c->pattern;
  for (int64_t top = 0; top < c->rows; top += p->v)
    for (int64_t left = 0; left < c->cols; left += p->m) {
      int columns = 0;
      for (int64_t col = left; col < left + p->m && col < c->cols; col++) {
        int64_t row = top;
        while (row < top + p->v && row < c->rows && !at(c, row, col)) row++;
        if (row == top + p->v || row == c->rows) continue;
        TSR_CHECK(++columns <= TSR__VNM_COLUMNS, TSR_STRUCTURE,
                  "row %lld, column %lld: the panel from row %lld keeps more than 4 columns of "
                  "the group from column %lld",
                  (long long)row, (long long)col, (long long)top, (long long)left);
      }
    }
  return check_groups(c, INT64_MAX / 2, TSR__VNM_KEPT, c->exact);
}

static tsr_status check_two_levels(const checked *c, double sparsity) {
  const tsr_pattern *p = c->pattern;
  int64_t units, pruned;
  TSR_TRY(check_groups(c, p->block_cols, p->n, 0));
  TSR_TRY(check_rectangles(c, p->block_rows, p->block_cols, 1, &units, &pruned));
  return c->exact ? check_share(1 - (1 - sparsity) * p->m / p->n, units, pruned) : TSR_OK;
}

/* height, width: the unit's; 0 = the whole matrix's. */
static tsr_status check_units(const checked *c, double sparsity, int64_t height, int64_t width) {
  int64_t units, pruned;
  TSR_TRY(
      check_rectangles(c, height ? height : c->rows, width ? width : c->cols, 0, &units, &pruned));
  return c->exact ? check_share(sparsity, units, pruned) : TSR_OK;
}

static tsr_status check_pattern(const checked *c, double sparsity) {
  const tsr_pattern *p = c->pattern;
  switch (p->kind) {
    case TSR_PATTERN_DENSE:
      for (int64_t i = 0; i < c->rows * c->cols; i++)
        TSR_CHECK(c->mask[i], TSR_STRUCTURE, "row %lld, column %lld is pruned in a dense mask",
                  (long long)(i / c->cols), (long long)(i % c->cols));
      return TSR_OK;
    case TSR_PATTERN_ROW:
      return check_units(c, sparsity, 1, 0);
    case TSR_PATTERN_COLUMN:
      return check_units(c, sparsity, 0, 1);
    case TSR_PATTERN_BLOCK:
      return check_units(c, sparsity, p->block_rows, p->block_cols);
    case TSR_PATTERN_NM:
      return check_groups(c, INT64_MAX / 2, p->n, c->exact);
    case TSR_PATTERN_VNM:
      return check_panels(c);
    case TSR_PATTERN_BLOCK_NM:
      return check_two_levels(c, sparsity);
    default:
      return check_units(c, sparsity, 1, 1);
  }
}

tsr_status tsr_mask_verify(const tsr_pattern *pattern, double sparsity, const tsr_mask *mask,
                           int64_t rows, int64_t cols) {
  int64_t size;
  TSR_TRY(tsr__pattern_check(pattern));
  TSR_CHECK(sparsity <= 1, TSR_INVALID_ARGUMENT, "tsr_mask_verify: sparsity is %g", sparsity);
  TSR_CHECK(tsr__mul_i64(rows, cols, &size), TSR_INVALID_ARGUMENT,
            "tsr_mask_verify: the mask is %lld x %lld", (long long)rows, (long long)cols);
  TSR_CHECK(mask || !size, TSR_INVALID_ARGUMENT, "tsr_mask_verify: mask is NULL");
  if (!size) return TSR_OK;
  checked c = {pattern, mask, rows, cols, sparsity >= 0};
  TSR_TRY(check_bytes(&c));
  return check_pattern(&c, sparsity);
}
