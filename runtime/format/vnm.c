/* V:N:M: panels of v rows keep 4 of every m columns, and each row 2 of those 4. */
#include "runtime/format/groups.h"

static tsr_pattern_kind kind(const tsr_packed *p) {
  (void)p;
  return TSR_PATTERN_VNM;
}

static int64_t panels(const tsr_packed *p) { return tsr__ceil_div(p->rows, p->v); }

/* Distinct columns that a group of this width keeps. */
static int kept_columns(int group_width) {
  return group_width < TSR__VNM_COLUMNS ? group_width : TSR__VNM_COLUMNS;
}

static int64_t column_index(const tsr_packed *p, int64_t panel, int64_t group) {
  return (panel * tsr__groups(p) + group) * TSR__VNM_COLUMNS;
}

static int64_t value_index(const tsr_packed *p, int64_t row, int64_t group) {
  return (row * tsr__groups(p) + group) * TSR__VNM_KEPT;
}

static int64_t panel_end(const tsr_packed *p, int64_t panel) {
  return tsr__min_i64((panel + 1) * p->v, p->rows);
}

static int arrays(const tsr_packed *p, tsr__array *a) {
  int64_t row = tsr__groups(p) * TSR__VNM_KEPT;
  a[0] = (tsr__array){"values", offsetof(tsr_packed, values), p->dtype, 2, {p->rows, row}};
  a[1] =
      (tsr__array){"positions", offsetof(tsr_packed, positions), TSR_DTYPE_U8, 2, {p->rows, row}};
  a[2] = (tsr__array){"columns",
                      offsetof(tsr_packed, columns),
                      TSR_DTYPE_U8,
                      3,
                      {panels(p), tsr__groups(p), TSR__VNM_COLUMNS}};
  return 3;
}

static tsr_status fill_columns(const tsr_matrix *dense, tsr_packed *p, int64_t panel,
                               int64_t group) {
  uint8_t used[TSR__GROUP_MAX] = {0};
  int w = tsr__group_width(p, group), nonzeros = 0;
  for (int64_t r = panel * p->v; r < panel_end(p, panel); r++)
    for (int i = 0; i < w; i++) {
      if (used[i] || !tsr__matrix_bits(dense, r, group * p->m + i)) continue;
      used[i] = 1;
      TSR_CHECK(++nonzeros <= TSR__VNM_COLUMNS, TSR_STRUCTURE,
                "row %lld, column %lld: the fifth column with a nonzero in rows %lld..%lld of a "
                "group of %d",
                (long long)r, (long long)(group * p->m + i), (long long)(panel * p->v),
                (long long)panel_end(p, panel) - 1, p->m);
    }
  tsr__choose_positions(used, w, TSR__VNM_COLUMNS,
                        (uint8_t *)p->columns + column_index(p, panel, group));
  return TSR_OK;
}

static tsr_status fill_row(const tsr_matrix *dense, tsr_packed *p, int64_t row, int64_t group) {
  const uint8_t *columns = p->columns + column_index(p, row / p->v, group);
  int available = kept_columns(tsr__group_width(p, group)), nonzeros = 0;
  int64_t first = group * p->m, index = value_index(p, row, group);
  uint8_t used[TSR__VNM_COLUMNS];
  for (int i = 0; i < available; i++)
    nonzeros += used[i] = tsr__matrix_bits(dense, row, first + columns[i]) != 0;
  TSR_CHECK(nonzeros <= TSR__VNM_KEPT, TSR_STRUCTURE,
            "row %lld, columns %lld..%lld: %d are nonzero, vnm allows %d", (long long)row,
            (long long)first, (long long)first + tsr__group_width(p, group) - 1, nonzeros,
            TSR__VNM_KEPT);
  uint8_t *positions = (uint8_t *)p->positions + index;
  int taken = tsr__choose_positions(used, available, TSR__VNM_KEPT, positions);
  for (int i = 0; i < taken; i++)
    tsr__put_bits((void *)p->values, p->dtype, index + i,
                  tsr__matrix_bits(dense, row, first + columns[positions[i]]));
  return TSR_OK;
}

static tsr_status fill(const tsr_matrix *dense, tsr_packed *p) {
  for (int64_t panel = 0; panel < panels(p); panel++)
    for (int64_t g = 0; g < tsr__groups(p); g++) {
      TSR_TRY(fill_columns(dense, p, panel, g));
      for (int64_t r = panel * p->v; r < panel_end(p, panel); r++)
        TSR_TRY(fill_row(dense, p, r, g));
    }
  return TSR_OK;
}

static tsr_status validate(const tsr_packed *p) {
  if (!p->stored) return TSR_OK; /* any number of empty rows */
  for (int64_t panel = 0; panel < panels(p); panel++)
    for (int64_t g = 0; g < tsr__groups(p); g++)
      TSR_TRY(tsr__positions_check(p, "columns", p->columns, column_index(p, panel, g),
                                   TSR__VNM_COLUMNS, tsr__group_width(p, g)));
  for (int64_t r = 0; r < p->rows; r++)
    for (int64_t g = 0; g < tsr__groups(p); g++)
      TSR_TRY(tsr__group_check(p, value_index(p, r, g), kept_columns(tsr__group_width(p, g))));
  return TSR_OK;
}

static void unpack(const tsr_packed *p, void *out, int64_t ld) {
  for (int64_t r = 0; r < p->rows; r++)
    for (int64_t g = 0; g < tsr__groups(p); g++) {
      const uint8_t *columns = p->columns + column_index(p, r / p->v, g);
      int64_t index = value_index(p, r, g);
      for (int i = 0; i < TSR__VNM_KEPT; i++) {
        uint32_t bits = tsr__bits_at(p->values, p->dtype, index + i);
        if (bits)
          tsr__put_bits(out, p->dtype, r * ld + g * p->m + columns[p->positions[index + i]], bits);
      }
    }
}

const tsr__format_ops tsr__format_vnm = {.key = "vnm",
                                         .uses = TSR__PANEL_SIZE | TSR__GROUP_SIZES,
                                         .params = TSR__PANEL_SIZE | TSR__GROUP_SIZES,
                                         .values_ndim = 2,
                                         .kind = kind,
                                         .arrays = arrays,
                                         .fill = fill,
                                         .validate = validate,
                                         .unpack = unpack};
