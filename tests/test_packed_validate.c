/* Each kind of corruption of a packed matrix is found and named. */
#include <criterion/criterion.h>
#include <string.h>

#include "tessera/tessera.h"

/* 3 x 5, so that blocks and groups reach over the edges. */
static const float data[3 * 5] = {0, 0, 1, 2, 0,  //
                                  0, 0, 0, 3, 0,  //
                                  4, 0, 0, 0, 5};

static tsr_packed packed_as(const char *text) {
  tsr_matrix dense = {data, TSR_DTYPE_F32, 3, 5, 5};
  tsr_pattern pattern;
  tsr_packed packed;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK);
  cr_assert_eq(tsr_pack(&dense, tsr_pattern_format(&pattern), &pattern, &packed), TSR_OK, "%s",
               tsr_last_error());
  cr_assert_eq(tsr_packed_validate(&packed), TSR_OK);
  return packed;
}

static void refused(const tsr_packed *packed, const char *named) {
  float out[15];
  cr_assert_eq(tsr_packed_validate(packed), TSR_MALFORMED, "%s", named);
  cr_assert_not_null(strstr(tsr_last_error(), named), "'%s' is not in: %s", named,
                     tsr_last_error());
  cr_assert_eq(tsr_unpack(packed, out, 5), TSR_MALFORMED, "%s", named);
}

/* Evaluates the assignment of something wrong, then puts the right bytes back. */
#define REFUSED_WITH(packed, lvalue, wrong, named)        \
  do {                                                    \
    unsigned char right[sizeof(lvalue)];                  \
    memcpy(right, (const void *)&(lvalue), sizeof right); \
    (lvalue) = (wrong);                                   \
    refused(&(packed), named);                            \
    memcpy((void *)&(lvalue), right, sizeof right);       \
  } while (0)

static int64_t *offsets(tsr_packed *p) { return (int64_t *)p->row_offsets; }
static int32_t *indices(tsr_packed *p) { return (int32_t *)p->col_indices; }
static uint8_t *positions(tsr_packed *p) { return (uint8_t *)p->positions; }
static float *values(tsr_packed *p) { return (float *)p->values; }

static void check_compressed_rows(const char *text) {
  tsr_packed p = packed_as(text);
  REFUSED_WITH(p, p.row_offsets, NULL, "crow is NULL");
  REFUSED_WITH(p, p.col_indices, NULL, "col is NULL");
  REFUSED_WITH(p, p.values, NULL, "values is NULL");
  REFUSED_WITH(p, p.stored, p.stored + 1, "stored");
  REFUSED_WITH(p, offsets(&p)[0], 1, "row_offsets[0] = 1");
  REFUSED_WITH(p, offsets(&p)[1], -1, "row_offsets[1] = -1");
  REFUSED_WITH(p, offsets(&p)[1], INT64_MAX, "row_offsets[1] = 9223372036854775807");
  REFUSED_WITH(p, offsets(&p)[2], offsets(&p)[1] - 1, "row_offsets[2]");
  REFUSED_WITH(p, indices(&p)[0], -1, "col_indices[0] = -1");
  REFUSED_WITH(p, indices(&p)[0], 5, "col_indices[0] = 5");
  tsr_packed_release(&p);
}

Test(packed_validate, compressed_rows) {
  check_compressed_rows("irregular");
  check_compressed_rows("block:2x2");
  check_compressed_rows("block:2x2+2:2");
  tsr_packed p = packed_as("irregular");
  REFUSED_WITH(p, offsets(&p)[3], 4, "row_offsets[3] = 4, but 5 entries");
  REFUSED_WITH(p, indices(&p)[1], 2, "col_indices[1] = 2 is not above 2");
  tsr_packed_release(&p);
}

Test(packed_validate, blocks) {
  tsr_packed p = packed_as("block:2x2");
  REFUSED_WITH(p, indices(&p)[2], 0, "col_indices[2] = 0 is not above 0");
  REFUSED_WITH(p, values(&p)[9], -0.0f, "beyond the edge"); /* column 5 of row 2 */
  REFUSED_WITH(p, values(&p)[6], 1, "beyond the edge");     /* row 3 */
  REFUSED_WITH(p, p.block_rows, 0, "block_rows");
  REFUSED_WITH(p, p.block_cols, 129, "block_cols");
  REFUSED_WITH(p, p.nnzb, -1, "negative");
  REFUSED_WITH(p, p.nnzb, INT64_MAX / 2, "overflows");
  tsr_packed_release(&p);
}

Test(packed_validate, groups) {
  tsr_packed p = packed_as("2:4");
  REFUSED_WITH(p, p.positions, NULL, "positions is NULL");
  REFUSED_WITH(p, positions(&p)[1], 4, "positions[1] = 4, not in 0..3");
  REFUSED_WITH(p, positions(&p)[1], 2, "positions[1] = 2 is not above 2");
  REFUSED_WITH(p, positions(&p)[2], 1, "positions[2] = 1, not in 0..0");
  REFUSED_WITH(p, positions(&p)[3], 1, "positions[3] = 1 does not repeat 0");
  REFUSED_WITH(p, values(&p)[3], -0.0f, "values[3] is not +0.0 under a repeated position");
  REFUSED_WITH(p, p.n, 0, "n:m is 0:4");
  REFUSED_WITH(p, p.m, 257, "n:m is 2:257");
  tsr_packed_release(&p);
  p = packed_as("block:2x4+2:4");
  REFUSED_WITH(p, positions(&p)[0], 4, "positions[0] = 4");
  /* The last block holds one column and one row of the matrix. */
  int64_t last = p.stored - 4;
  REFUSED_WITH(p, positions(&p)[last + 1], 1, "does not repeat");
  REFUSED_WITH(p, values(&p)[last + 2], 1, "under a repeated position");
  tsr_packed_release(&p);
}

Test(packed_validate, panels) {
  tsr_packed p = packed_as("vnm:2:2:5");
  uint8_t *columns = (uint8_t *)p.columns;
  REFUSED_WITH(p, p.columns, NULL, "columns is NULL");
  REFUSED_WITH(p, columns[3], 5, "columns[3] = 5, not in 0..4");
  REFUSED_WITH(p, columns[1], 0, "columns[1] = 0 is not above 0");
  REFUSED_WITH(p, positions(&p)[1], 4, "positions[1] = 4");
  REFUSED_WITH(p, positions(&p)[1], positions(&p)[0], "is not above");
  REFUSED_WITH(p, p.n, 1, "n = 2");
  REFUSED_WITH(p, p.v, 0, "v is 0");
  tsr_packed_release(&p);
}

Test(packed_validate, kept_rows_and_columns) {
  float holes[9] = {1, 0, 2, 0, 0, 0, 3, 0, 4};
  tsr_matrix dense = {holes, TSR_DTYPE_F32, 3, 3, 3};
  tsr_packed p;
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_COMPACT, NULL, &p), TSR_OK);
  int32_t *rows = (int32_t *)p.kept_rows, *cols = (int32_t *)p.kept_cols;
  REFUSED_WITH(p, p.kept_rows, NULL, "kept_rows is NULL");
  REFUSED_WITH(p, rows[1], 3, "kept_rows[1] = 3");
  REFUSED_WITH(p, cols[0], -1, "kept_cols[0] = -1");
  REFUSED_WITH(p, cols[1], 0, "kept_cols[1] = 0 is not above 0");
  REFUSED_WITH(p, p.rows, 1, "kept_rows has 2 entries of 1");
  REFUSED_WITH(p, p.kept_col_count, 3, "stored is");
  tsr_packed_release(&p);
}

Test(packed_validate, sizes_and_types) {
  tsr_packed p = packed_as("dense");
  REFUSED_WITH(p, p.rows, -1, "rows is -1");
  REFUSED_WITH(p, p.cols, (int64_t)1 << 31, "cols is 2147483648");
  REFUSED_WITH(p, p.values, NULL, "values is NULL");
  p.dtype = TSR_DTYPE_I8;
  cr_assert_eq(tsr_packed_validate(&p), TSR_UNSUPPORTED);
  p.format = TSR_FORMAT_COUNT;
  cr_assert_eq(tsr_packed_validate(&p), TSR_INVALID_ARGUMENT);
  tsr_packed_release(&p);
}
