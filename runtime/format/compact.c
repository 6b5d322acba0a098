/* Whole rows and columns of zeros are left out: a smaller dense matrix and two index lists. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/format/format.h"

/* Where both kinds are missing, the pattern is named after the larger share. */
static tsr_pattern_kind kind(const tsr_packed *p) {
  double rows = p->rows ? (double)p->kept_row_count / (double)p->rows : 1;
  double cols = p->cols ? (double)p->kept_col_count / (double)p->cols : 1;
  if (rows == 1 && cols == 1) return TSR_PATTERN_DENSE;
  return rows <= cols ? TSR_PATTERN_ROW : TSR_PATTERN_COLUMN;
}

static void measure(tsr_packed *p, const int64_t *shape) {
  p->kept_row_count = shape[0];
  p->kept_col_count = shape[1];
}

static int arrays(const tsr_packed *p, tsr__array *a) {
  int n = 0;
  a[n++] = (tsr__array){
      "values", offsetof(tsr_packed, values), p->dtype, 2, {p->kept_row_count, p->kept_col_count}};
  if (p->kept_rows || p->kept_row_count != p->rows)
    a[n++] = (tsr__array){
        "kept_rows", offsetof(tsr_packed, kept_rows), TSR_DTYPE_I32, 1, {p->kept_row_count}};
  if (p->kept_cols || p->kept_col_count != p->cols)
    a[n++] = (tsr__array){
        "kept_cols", offsetof(tsr_packed, kept_cols), TSR_DTYPE_I32, 1, {p->kept_col_count}};
  return n;
}

/* used[0..rows-1] = 1 for rows, used[rows..rows+cols-1] for columns with a nonzero; free(). */
static tsr_status find_used(const tsr_matrix *dense, uint8_t **used) {
  TSR_TRY(tsr__calloc((size_t)(dense->rows + dense->cols), 1, "packing compact", used));
  uint8_t *used_cols = *used + dense->rows;
  for (int64_t r = 0; r < dense->rows; r++) {
    uint8_t any = 0;
    for (int64_t c = 0; c < dense->cols; c++) {
      uint8_t nonzero = tsr__matrix_bits(dense, r, c) != 0;
      used_cols[c] |= nonzero;
      any |= nonzero;
    }
    (*used)[r] = any;
  }
  return TSR_OK;
}

static int64_t count_ones(const uint8_t *flags, int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; i++) sum += flags[i];
  return sum;
}

static tsr_status count(const tsr_matrix *dense, tsr_packed *p) {
  uint8_t *used;
  TSR_TRY(find_used(dense, &used));
  p->kept_row_count = count_ones(used, p->rows);
  p->kept_col_count = count_ones(used + p->rows, p->cols);
  free(used);
  return TSR_OK;
}

static void list_ones(const uint8_t *flags, int64_t count, int32_t *list) {
  for (int64_t i = 0; i < count; i++)
    if (flags[i]) *list++ = (int32_t)i;
}

/* The matrix's own number of kept row (column) i. */
static int64_t original(const int32_t *kept, int64_t i) { return kept ? kept[i] : i; }

static tsr_status fill(const tsr_matrix *dense, tsr_packed *p) {
  uint8_t *used;
  TSR_TRY(find_used(dense, &used));
  if (p->kept_rows) list_ones(used, p->rows, (int32_t *)p->kept_rows);
  if (p->kept_cols) list_ones(used + p->rows, p->cols, (int32_t *)p->kept_cols);
  free(used);
  for (int64_t i = 0; i < p->kept_row_count; i++) {
    int64_t row = original(p->kept_rows, i);
    for (int64_t j = 0; j < p->kept_col_count; j++)
      tsr__put_bits((void *)p->values, p->dtype, i * p->kept_col_count + j,
                    tsr__matrix_bits(dense, row, original(p->kept_cols, j)));
  }
  return TSR_OK;
}

static tsr_status check_kept(const char *what, const int32_t *kept, int64_t count, int64_t limit) {
  TSR_CHECK(count <= limit, TSR_MALFORMED, "packed compact: %s has %lld entries of %lld", what,
            (long long)count, (long long)limit);
  for (int64_t i = 0; kept && i < count; i++) {
    TSR_CHECK(kept[i] >= 0 && kept[i] < limit, TSR_MALFORMED,
              "packed compact: %s[%lld] = %d, not in 0..%lld", what, (long long)i, kept[i],
              (long long)limit - 1);
    TSR_CHECK(!i || kept[i - 1] < kept[i], TSR_MALFORMED,
              "packed compact: %s[%lld] = %d is not above %d before it", what, (long long)i,
              kept[i], kept[i - 1]);
  }
  return TSR_OK;
}

static tsr_status validate(const tsr_packed *p) {
  TSR_TRY(check_kept("kept_rows", p->kept_rows, p->kept_row_count, p->rows));
  return check_kept("kept_cols", p->kept_cols, p->kept_col_count, p->cols);
}

static void unpack(const tsr_packed *p, void *out, int64_t ld) {
  for (int64_t i = 0; i < p->kept_row_count; i++) {
    int64_t row = original(p->kept_rows, i);
    for (int64_t j = 0; j < p->kept_col_count; j++)
      tsr__put_bits(out, p->dtype, row * ld + original(p->kept_cols, j),
                    tsr__bits_at(p->values, p->dtype, i * p->kept_col_count + j));
  }
}

const tsr__format_ops tsr__format_compact = {.key = "compact",
                                             .values_ndim = 2,
                                             .kind = kind,
                                             .measure = measure,
                                             .arrays = arrays,
                                             .count = count,
                                             .fill = fill,
                                             .validate = validate,
                                             .unpack = unpack};
