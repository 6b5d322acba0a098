#include "runtime/format/compressed.h"

tsr_status tsr__check_compressed(const tsr_packed *packed, int64_t lines, int64_t entries,
                                 int64_t limit) {
  const char *name = tsr_format_name(packed->format);
  const int64_t *offsets = packed->row_offsets;
  const int32_t *indices = packed->col_indices;
  TSR_CHECK(offsets[0] == 0, TSR_MALFORMED, "packed %s: row_offsets[0] = %lld, not 0", name,
            (long long)offsets[0]);
  for (int64_t i = 0; i < lines; i++)
    TSR_CHECK(offsets[i] <= offsets[i + 1] && offsets[i + 1] <= entries, TSR_MALFORMED,
              "packed %s: row_offsets[%lld] = %lld, not in %lld..%lld", name, (long long)(i + 1),
              (long long)offsets[i + 1], (long long)offsets[i], (long long)entries);
  TSR_CHECK(offsets[lines] == entries, TSR_MALFORMED,
            "packed %s: row_offsets[%lld] = %lld, but %lld entries are stored", name,
            (long long)lines, (long long)offsets[lines], (long long)entries);
  for (int64_t i = 0; i < lines; i++)
    for (int64_t e = offsets[i]; e < offsets[i + 1]; e++) {
      TSR_CHECK(indices[e] >= 0 && indices[e] < limit, TSR_MALFORMED,
                "packed %s: col_indices[%lld] = %d, not in 0..%lld", name, (long long)e, indices[e],
                (long long)limit - 1);
      TSR_CHECK(e == offsets[i] || indices[e - 1] < indices[e], TSR_MALFORMED,
                "packed %s: col_indices[%lld] = %d is not above %d before it", name, (long long)e,
                indices[e], indices[e - 1]);
    }
  return TSR_OK;
}

tsr__block tsr__block_at(const tsr_packed *packed, int64_t i, int64_t j) {
  tsr__block block = {.row = i * packed->block_rows, .col = j * packed->block_cols};
  block.rows = tsr__min_i64(packed->block_rows, packed->rows - block.row);
  block.cols = tsr__min_i64(packed->block_cols, packed->cols - block.col);
  return block;
}

static int has_nonzero(const tsr_matrix *dense, tsr__block block) {
  for (int64_t r = block.row; r < block.row + block.rows; r++)
    if (!tsr__all_zero(dense->data, dense->dtype, r * dense->ld + block.col, block.cols)) return 1;
  return 0;
}

tsr_status tsr__blocks_count(const tsr_matrix *dense, tsr_packed *packed) {
  int64_t mb = tsr__block_grid_rows(packed), kb = tsr__block_grid_cols(packed);
  for (int64_t i = 0; i < mb; i++)
    for (int64_t j = 0; j < kb; j++)
      packed->nnzb += has_nonzero(dense, tsr__block_at(packed, i, j));
  return TSR_OK;
}

void tsr__blocks_index(const tsr_matrix *dense, tsr_packed *packed) {
  int64_t mb = tsr__block_grid_rows(packed), kb = tsr__block_grid_cols(packed), entry = 0;
  int64_t *row_offsets = (int64_t *)packed->row_offsets;
  int32_t *col_indices = (int32_t *)packed->col_indices;
  for (int64_t i = 0; i < mb; i++) {
    for (int64_t j = 0; j < kb; j++)
      if (has_nonzero(dense, tsr__block_at(packed, i, j))) col_indices[entry++] = (int32_t)j;
    row_offsets[i + 1] = entry;
  }
}

tsr_status tsr__blocks_check(const tsr_packed *packed) {
  return tsr__check_compressed(packed, tsr__block_grid_rows(packed), packed->nnzb,
                               tsr__block_grid_cols(packed));
}

tsr_status tsr__blocks_visit(const tsr_packed *packed, tsr__block_visitor visit, void *context) {
  int64_t mb = tsr__block_grid_rows(packed);
  for (int64_t i = 0; i < mb; i++)
    for (int64_t e = packed->row_offsets[i]; e < packed->row_offsets[i + 1]; e++)
      TSR_TRY(visit(packed, e, tsr__block_at(packed, i, packed->col_indices[e]), context));
  return TSR_OK;
}
