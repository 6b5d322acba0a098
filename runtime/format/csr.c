#include "runtime/format/compressed.h"

static tsr_pattern_kind kind(const tsr_packed *p) {
  (void)p;
  return TSR_PATTERN_IRREGULAR;
}

static void measure(tsr_packed *p, const int64_t *shape) { p->stored = shape[0]; }

static int arrays(const tsr_packed *p, tsr__array *a) {
  a[0] = (tsr__array){"values", offsetof(tsr_packed, values), p->dtype, 1, {p->stored}};
  a[1] = (tsr__array){"crow", offsetof(tsr_packed, row_offsets), TSR_DTYPE_I64, 1, {p->rows + 1}};
  a[2] = (tsr__array){"col", offsetof(tsr_packed, col_indices), TSR_DTYPE_I32, 1, {p->stored}};
  return 3;
}

static tsr_status count(const tsr_matrix *dense, tsr_packed *p) {
  for (int64_t r = 0; r < p->rows; r++)
    for (int64_t c = 0; c < p->cols; c++) p->stored += tsr__matrix_bits(dense, r, c) != 0;
  return TSR_OK;
}

static tsr_status fill(const tsr_matrix *dense, tsr_packed *p) {
  int64_t *row_offsets = (int64_t *)p->row_offsets, entry = 0;
  int32_t *col_indices = (int32_t *)p->col_indices;
  for (int64_t r = 0; r < p->rows; r++) {
    for (int64_t c = 0; c < p->cols; c++) {
      uint32_t bits = tsr__matrix_bits(dense, r, c);
      if (!bits) continue;
      tsr__put_bits((void *)p->values, p->dtype, entry, bits);
      col_indices[entry++] = (int32_t)c;
    }
    row_offsets[r + 1] = entry;
  }
  return TSR_OK;
}

static tsr_status validate(const tsr_packed *p) {
  return tsr__check_compressed(p, p->rows, p->stored, p->cols);
}

static void unpack(const tsr_packed *p, void *out, int64_t ld) {
  for (int64_t r = 0; r < p->rows; r++)
    for (int64_t e = p->row_offsets[r]; e < p->row_offsets[r + 1]; e++)
      tsr__put_bits(out, p->dtype, r * ld + p->col_indices[e],
                    tsr__bits_at(p->values, p->dtype, e));
}

const tsr__format_ops tsr__format_csr = {.key = "csr",
                                         .values_ndim = 1,
                                         .kind = kind,
                                         .measure = measure,
                                         .arrays = arrays,
                                         .count = count,
                                         .fill = fill,
                                         .validate = validate,
                                         .unpack = unpack};
