#include "kernels/cpu/scalar.h"

#include <string.h>

#include "kernels/cpu/cost.h"

enum { ALIGNMENT = 64 };

static size_t round_up(size_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

/* Entries of row_offsets, col_indices and columns. */
static int64_t offset_count(const tsr_packed *w) {
  return (w->format == TSR_FORMAT_CSR ? w->rows : ceil_div(w->rows, w->block_rows)) + 1;
}

static int64_t index_count(const tsr_packed *w) {
  return w->format == TSR_FORMAT_CSR ? w->stored : w->nnzb;
}

static int64_t column_count(const tsr_packed *w) {
  return ceil_div(w->rows, w->v) * ceil_div(w->cols, w->m) * 4;
}

/* Bytes of the arrays that lie at `out`; copies them there unless out is NULL. */
static const void *put(const void *array, int64_t count, size_t size, char *out, size_t *used) {
  if (!array) return NULL;
  size_t bytes = (size_t)count * size, at = *used;
  *used += round_up(bytes);
  if (!out) return NULL;
  if (bytes) memcpy(out + at, array, bytes);
  return out + at;
}

static size_t lay_out(const tsr_packed *w, char *out) {
  tsr_packed copy = *w;
  size_t used = round_up(sizeof copy);
  copy.values = put(w->values, w->stored, sizeof(float), out, &used);
  if (w->row_offsets)
    copy.row_offsets = put(w->row_offsets, offset_count(w), sizeof(int64_t), out, &used);
  if (w->col_indices)
    copy.col_indices = put(w->col_indices, index_count(w), sizeof(int32_t), out, &used);
  copy.positions = put(w->positions, w->stored, 1, out, &used);
  if (w->columns) copy.columns = put(w->columns, column_count(w), 1, out, &used);
  copy.kept_rows = put(w->kept_rows, w->kept_row_count, sizeof(int32_t), out, &used);
  copy.kept_cols = put(w->kept_cols, w->kept_col_count, sizeof(int32_t), out, &used);
  copy.owned = NULL;
  if (out) memcpy(out, &copy, sizeof copy);
  return used;
}

size_t tsr__scalar_prepacked_bytes(const tsr_packed *w) { return lay_out(w, NULL); }

void tsr__scalar_prepack(const tsr_packed *w, void *out) { lay_out(w, out); }

size_t tsr__scalar_workspace_bytes(const tsr_spmm_problem *problem) {
  return tsr__conv_of(problem) ? (size_t)problem->k * sizeof(float) : 0;
}

void tsr__scalar_cost(const tsr_spmm_problem *problem, double *cost) {
  tsr__work work = {.elements = (double)problem->stored,
                    .steps = (double)problem->m,
                    .weight_bytes = 4.0 * (double)problem->stored,
                    .lanes = 1,
                    .tile_n = 1};
  tsr__work_cost(problem, &work, cost);
}
