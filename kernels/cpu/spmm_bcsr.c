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

/* The two kernels of 16 rows are the same in FMAs. Both are fitted to ResNet-50's layers at 5 to
 * 70 %: packing pays for the panel's columns, pairs for fewer tokens to a weight that is read, more
 * so where the tokens have to be packed as well. */
static void packed_cost(const tsr_spmm_problem *problem, double stored, int strip_rows, int lanes,
                        int tile_tokens, double *cost) {
  const tsr_conv_shape *conv = tsr__conv_of(problem);
  double writes = conv && conv->kernel[0] * conv->kernel[1] > 1 ? 40.0 : 20.0;
  tsr__strips_cost(problem, stored, strip_rows, lanes, tile_tokens, cost);
  cost[TSR_COST_ACTIVATION_BYTES] +=
      writes * (double)problem->k * (double)problem->n / problem->threads;
}

/* A step is two columns. */
static void pairs_cost(const tsr_spmm_problem *problem, double stored, int strip_rows, int lanes,
                       int tile_tokens, double *cost) {
  const tsr_conv_shape *conv = tsr__conv_of(problem);
  int64_t floats = conv ? conv->channels * conv->stride[1] : problem->k;
  int spread = tsr__tokens_are_spread(floats * (int64_t)sizeof(float), tile_tokens);
  tsr__strips_cost(problem, stored, strip_rows, lanes, tile_tokens, cost);
  cost[TSR_COST_FMA] *= spread ? 1.25 : 1.5;
  cost[TSR_COST_STEP] /= 2;
}

TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_32x14__avx512, avx512, 32, 1, 16, 14, tsr__strips_cost,
                  refusal_32)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_16x14__avx512, avx512, 16, 2, 16, 14, pairs_cost, refusal_16)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_16x28__avx512, avx512, 16, 1, 16, 28, packed_cost, refusal_16)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_16x6__avx2, avx2, 16, 1, 8, 6, tsr__strips_cost, refusal_16)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_8x12__avx2, avx2, 8, 1, 8, 12, tsr__strips_cost, refusal_8)
