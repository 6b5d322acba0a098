#include "runtime/format/compressed.h"

static tsr_pattern_kind kind(const tsr_packed *p) {
  (void)p;
  return TSR_PATTERN_BLOCK;
}

static void measure(tsr_packed *p, const int64_t *shape) {
  p->nnzb = shape[0];
  /* Out of range becomes 0, which the size check refuses. */
  p->block_rows = shape[1] <= TSR__BLOCK_MAX ? (int32_t)shape[1] : 0;
  p->block_cols = shape[2] <= TSR__BLOCK_MAX ? (int32_t)shape[2] : 0;
}

static int arrays(const tsr_packed *p, tsr__array *a) {
  a[0] = (tsr__array){
      "values", offsetof(tsr_packed, values), p->dtype, 3, {p->nnzb, p->block_rows, p->block_cols}};
  a[1] = (tsr__array){
      "crow", offsetof(tsr_packed, row_offsets), TSR_DTYPE_I64, 1, {tsr__block_grid_rows(p) + 1}};
  a[2] = (tsr__array){"col", offsetof(tsr_packed, col_indices), TSR_DTYPE_I32, 1, {p->nnzb}};
  return 3;
}

/* Index in values of the first element of a block's row. */
static int64_t value_row(const tsr_packed *p, int64_t entry, int64_t row) {
  return (entry * p->block_rows + row) * p->block_cols;
}

static tsr_status fill_block(const tsr_packed *p, int64_t entry, tsr__block block, void *context) {
  const tsr_matrix *dense = context;
  for (int64_t r = 0; r < block.rows; r++)
    tsr__copy_elements((void *)p->values, value_row(p, entry, r), dense->data,
                       (block.row + r) * dense->ld + block.col, block.cols, p->dtype);
  return TSR_OK;
}

static tsr_status fill(const tsr_matrix *dense, tsr_packed *p) {
  tsr__blocks_index(dense, p);
  return tsr__blocks_visit(p, fill_block, (void *)dense);
}

static tsr_status validate_block(const tsr_packed *p, int64_t entry, tsr__block block,
                                 void *context) {
  (void)context;
  if (block.rows == p->block_rows && block.cols == p->block_cols) return TSR_OK;
  for (int64_t r = 0; r < p->block_rows; r++) {
    int64_t inside = r < block.rows ? block.cols : 0;
    TSR_CHECK(
        tsr__all_zero(p->values, p->dtype, value_row(p, entry, r) + inside, p->block_cols - inside),
        TSR_MALFORMED, "packed bcsr: block %lld, row %lld is not +0.0 beyond the edge",
        (long long)entry, (long long)r);
  }
  return TSR_OK;
}

static tsr_status validate(const tsr_packed *p) {
  TSR_TRY(tsr__blocks_check(p));
  return tsr__blocks_visit(p, validate_block, NULL);
}

static tsr_status unpack_block(const tsr_packed *p, int64_t entry, tsr__block block,
                               void *context) {
  tsr__block_target *t = context;
  for (int64_t r = 0; r < block.rows; r++)
    tsr__copy_elements(t->out, (block.row + r) * t->ld + block.col, p->values,
                       value_row(p, entry, r), block.cols, p->dtype);
  return TSR_OK;
}

static void unpack(const tsr_packed *p, void *out, int64_t ld) {
  tsr__blocks_visit(p, unpack_block, &(tsr__block_target){out, ld});
}

const tsr__format_ops tsr__format_bcsr = {.key = "bsr",
                                          .uses = TSR__BLOCK_SIZES,
                                          .values_ndim = 3,
                                          .kind = kind,
                                          .measure = measure,
                                          .arrays = arrays,
                                          .count = tsr__blocks_count,
                                          .fill = fill,
                                          .validate = validate,
                                          .unpack = unpack};
