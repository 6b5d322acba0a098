#include "kernels/cpu/strip_ops.h"

#define pieces tsr__bcsr_pieces
#define strip_count tsr__bcsr_strip_count

static double elements(const tsr_spmm_problem *problem, int64_t strip_rows) {
  (void)strip_rows;
  return (double)problem->stored;
}

static const char *refusal_32(const tsr_spmm_problem *problem) {
  return problem->pattern.block_rows % 32 == 0 ? NULL : "the block height is no multiple of 32";
}

static const char *refusal_16(const tsr_spmm_problem *problem) {
  return problem->pattern.block_rows % 16 == 0 ? NULL : "the block height is no multiple of 16";
}

static const char *refusal_8(const tsr_spmm_problem *problem) {
  return problem->pattern.block_rows % 8 == 0 ? NULL : "the block height is no multiple of 8";
}

TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_32x14__avx512, avx512, 32, 16, 14, refusal_32)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_16x28__avx512, avx512, 16, 16, 28, refusal_16)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_16x6__avx2, avx2, 16, 8, 6, refusal_16)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_8x12__avx2, avx2, 8, 8, 12, refusal_8)
