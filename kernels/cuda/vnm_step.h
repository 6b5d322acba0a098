/* How the V:N:M kernels' weights lie in memory. Shared by C17 and CUDA C++.
 *
 * A step is 32 kept columns, eight groups, of each of a CTA's *sets* of rows. A set is a warp's
 * rows, and all of one panel, so that it has one list of columns. The CTA brings the rows of B
 * (features) that any of its sets wants into slots of shared memory, once. A step's record:
 *
 *   | values [fragments][256] | meta [sets][32 lanes][fragments of a set / 2] | lists [sets][32] |
 *
 * and zeros to the end of the line of 128 bytes. Lane 4g + 2f + h has, in word p, what mma.sp with
 * selector f takes for the set's fragment 2p + f. A list tells where in shared memory a set's kept
 * columns lie: slot x bytes of a slot + 16 x key.
 *
 * A slot holds tile_n tokens in chunks of 16 bytes, chunk c at c ^ key. The eight columns of which
 * ldmatrix reads one chunk each have eight different keys, and so eight different groups of banks.
 * Beside the record there are the step's rows of B, one word a slot: column x 8 + key, or -8 + key
 * for a slot of zeros, or TSR_CUDA_VNM_NONE. The word of slot s lies at (s % stride) x passes + s /
 * stride, which puts the words of one thread, that loads every stride-th slot, side by side. */
#ifndef TESSERA_KERNELS_CUDA_VNM_STEP_H
#define TESSERA_KERNELS_CUDA_VNM_STEP_H

#include <stdint.h>

#define TSR_CUDA_VNM_NONE INT32_MIN

enum {
  TSR_CUDA_VNM_DEPTH = 32, /* kept columns of a set in a step, and slots that a set may need */
  TSR_CUDA_VNM_KEYS = 8,
  TSR_CUDA_VNM_LIST_BYTES = 2 * TSR_CUDA_VNM_DEPTH,
  TSR_CUDA_VNM_LINE = 128 /* of shared memory */
};

/* Whole lines that hold `bytes`. */
#define TSR_CUDA_VNM_RECORD_BYTES(bytes) \
  (((bytes) + TSR_CUDA_VNM_LINE - 1) / TSR_CUDA_VNM_LINE * TSR_CUDA_VNM_LINE)

/* Rows of a set: a warp's tile is 64 x 64 where the CTA's is large enough. */
#define TSR_CUDA_VNM_SET_ROWS(tile_m, tile_n, threads) \
  ((tile_m) * (tile_n) / ((threads) / 32) >= 4096 ? 64 : 32)

#endif
