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

/* Packing writes each column of each token, once for each tap that a pixel lies under, and reads it
 * again through the L2 cache. Measured on ResNet-50: worth it from about 30 stored rows a column on
 * where there is one tap, never where there are nine. */
static void packed_cost(const tsr_spmm_problem *problem, double stored, int strip_rows, int lanes,
                        int tile_tokens, double *cost) {
  const tsr_conv_shape *conv = tsr__conv_of(problem);
  double taps = conv ? (double)conv->kernel[0] * conv->kernel[1] : 1.0;
  tsr__strips_cost(problem, stored, strip_rows, lanes, tile_tokens, cost);
  cost[TSR_COST_ACTIVATION_BYTES] +=
      2.0 * taps * (double)problem->k * (double)problem->n / problem->threads;
}

/* A step is two columns; activations are read from wherever they lie each time. */
static void pairs_cost(const tsr_spmm_problem *problem, double stored, int strip_rows, int lanes,
                       int tile_tokens, double *cost) {
  tsr__strips_cost(problem, stored, strip_rows, lanes, tile_tokens, cost);
  cost[TSR_COST_FMA] *= 1.1;
  cost[TSR_COST_STEP] /= 2;
}

TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_32x14__avx512, avx512, 32, 1, 16, 14, tsr__strips_cost,
                  refusal_32)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_16x14__avx512, avx512, 16, 2, 16, 14, pairs_cost, refusal_16)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_16x28__avx512, avx512, 16, 1, 16, 28, packed_cost, refusal_16)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_16x6__avx2, avx2, 16, 1, 8, 6, tsr__strips_cost, refusal_16)
TSR__STRIP_KERNEL(tsr_f32_bcsr_spmm_8x12__avx2, avx2, 8, 1, 8, 12, tsr__strips_cost, refusal_8)
