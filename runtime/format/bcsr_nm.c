/* Two levels: the kept blocks of a grid, and n of every m elements of a row inside them. */
#include "runtime/format/compressed.h"
#include "runtime/format/groups.h"

static tsr_pattern_kind kind(const tsr_packed *p) {
  (void)p;
  return TSR_PATTERN_BLOCK_NM;
}

static int64_t groups(const tsr_packed *p) { return tsr__ceil_div(p->block_cols, p->m); }

static void measure(tsr_packed *p, const int64_t *shape) { p->nnzb = shape[0]; }

static int arrays(const tsr_packed *p, tsr__array *a) {
  int64_t row = groups(p) * p->n;
  a[0] = (tsr__array){
      "values", offsetof(tsr_packed, values), p->dtype, 3, {p->nnzb, p->block_rows, row}};
  a[1] = (tsr__array){
      "positions", offsetof(tsr_packed, positions), TSR_DTYPE_U8, 3, {p->nnzb, p->block_rows, row}};
  a[2] = (tsr__array){
      "crow", offsetof(tsr_packed, row_offsets), TSR_DTYPE_I64, 1, {tsr__block_grid_rows(p) + 1}};
  a[3] = (tsr__array){"col", offsetof(tsr_packed, col_indices), TSR_DTYPE_I32, 1, {p->nnzb}};
  return 4;
}

/* Columns of the group that lie inside the matrix; 0 in rows and groups beyond its edge. */
static int width(const tsr_packed *p, tsr__block block, int64_t row, int64_t group) {
  int64_t columns = tsr__min_i64(p->m, block.cols - group * p->m);
  return row < block.rows && columns > 0 ? (int)columns : 0;
}

static int64_t value_index(const tsr_packed *p, int64_t entry, int64_t row, int64_t group) {
  return ((entry * p->block_rows + row) * groups(p) + group) * p->n;
}

static tsr_status fill_block(const tsr_packed *p, int64_t entry, tsr__block block, void *context) {
  tsr_packed own = *p;
  for (int64_t r = 0; r < block.rows; r++)
    for (int64_t g = 0; g < groups(p); g++)
      TSR_TRY(tsr__group_fill(context, &own, block.row + r, block.col + g * p->m,
                              width(p, block, r, g), value_index(p, entry, r, g)));
  return TSR_OK;
}

static tsr_status fill(const tsr_matrix *dense, tsr_packed *p) {
  tsr__blocks_index(dense, p);
  return tsr__blocks_visit(p, fill_block, (void *)dense);
}

static tsr_status validate_block(const tsr_packed *p, int64_t entry, tsr__block block,
                                 void *context) {
  (void)context;
  for (int64_t r = 0; r < p->block_rows; r++)
    for (int64_t g = 0; g < groups(p); g++)
      TSR_TRY(tsr__group_check(p, value_index(p, entry, r, g), width(p, block, r, g)));
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
    for (int64_t g = 0; g < groups(p); g++)
      tsr__group_unpack(p, value_index(p, entry, r, g), t->out,
                        (block.row + r) * t->ld + block.col + g * p->m);
  return TSR_OK;
}

static void unpack(const tsr_packed *p, void *out, int64_t ld) {
  tsr__blocks_visit(p, unpack_block, &(tsr__block_target){out, ld});
}

const tsr__format_ops tsr__format_bcsr_nm = {.key = "bsrnm",
                                             .uses = TSR__BLOCK_SIZES | TSR__GROUP_SIZES,
                                             .params = TSR__BLOCK_SIZES | TSR__GROUP_SIZES,
                                             .values_ndim = 3,
                                             .kind = kind,
                                             .measure = measure,
                                             .arrays = arrays,
                                             .count = tsr__blocks_count,
                                             .fill = fill,
                                             .validate = validate,
                                             .unpack = unpack};
