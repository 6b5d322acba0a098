#include "kernels/cpu/strip_ops.h"

#define pieces tsr__dense_pieces

static int64_t strip_count(const tsr_packed *w, int64_t strip_rows) {
  return (w->rows + strip_rows - 1) / strip_rows;
}

static double elements(const tsr_spmm_problem *problem, int64_t strip_rows) {
  int64_t strips = (problem->m + strip_rows - 1) / strip_rows;
  return (double)(strips * strip_rows) * (double)problem->k;
}

TSR__STRIP_KERNEL(tsr_f32_dense_spmm_32x14__avx512, avx512, 32, 1, 16, 14, tsr__strips_cost,
                  tsr__no_refusal)
TSR__STRIP_KERNEL(tsr_f32_dense_spmm_16x6__avx2, avx2, 16, 1, 8, 6, tsr__strips_cost,
                  tsr__no_refusal)
