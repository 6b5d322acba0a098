/* What one launch of an SpMM kernel does, as far as it can be told beforehand: the model's input.
 * The simulator counts the same things while it executes (tests/cuda/test_cuda_bound.c compares).
 */
#ifndef TESSERA_KERNELS_CUDA_WORK_H
#define TESSERA_KERNELS_CUDA_WORK_H

#include "kernels/cuda/kernel.h"

struct tsr_cuda_work {
  double ctas;
  double tensor_clocks; /* of one multiprocessor, did it everything; so are the next four */
  double instructions;  /* of warps */
  double wavefronts;    /* of shared memory, 128 bytes each */
  double step_clocks;   /* of the tensor core that has most to do, step by step; 0: all alike */
  double l2_bytes;
  double dram_bytes; /* each once */

  /* Of the launches before and after it that move activations or sums. */
  double moved_bytes;
  int32_t moves;
};

/* What bounds a launch, in microseconds each. */
typedef enum tsr_cuda_limit {
  TSR_CUDA_LIMIT_TENSOR,
  TSR_CUDA_LIMIT_INSTRUCTIONS,
  TSR_CUDA_LIMIT_SHARED,
  TSR_CUDA_LIMIT_L2,
  TSR_CUDA_LIMIT_DRAM,
  TSR_CUDA_LIMIT_STEPS, /* where a multiprocessor has one CTA at a time */
  TSR_CUDA_LIMITS
} tsr_cuda_limit;

/* The product alone, in `splits` parts. */
void tsr__cuda_spmm_limits_us(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                              int32_t splits, double us[TSR_CUDA_LIMITS]);

/* ---- what the families' counts have in common ---- */

enum {
  TSR__CUDA_WAVEFRONT_BYTES = 128,
  TSR__CUDA_MMA_CLOCKS = 2 /* m16n8k16, or m16n8k32 of 2:4, of a multiprocessor: 1024 FMA a clock */
};

/* The share of the activations under a convolution's kernel that is not padding; of tokens 1. */
double tsr__cuda_inside(const tsr_spmm_problem *problem);
/* Elements of B as they lie in memory. */
double tsr__cuda_activations(const tsr_spmm_problem *problem);

/* Tokens that the kernel's grid counts, and elements of folded activations: a convolution's. */
int64_t tsr__cuda_problem_tokens(const tsr_cuda_spmm_kernel *kernel,
                                 const tsr_spmm_problem *problem);
double tsr__cuda_folded(const tsr_spmm_problem *problem);

/* ---- what the families of convolutions have in common ---- */

/* ceil(2^32 / divisor), 0 for a divisor of 1. */
uint32_t tsr__cuda_reciprocal(int64_t divisor);
/* NULL, or why a kernel of convolutions cannot run one of that shape. */
const char *tsr__cuda_conv_refusal(const tsr_cuda_spmm_kernel *kernel,
                                   const tsr_spmm_problem *problem);

/* Adds what the tiled kernels' epilogue does: sums to shared memory and back, C or parts of sums.
 */
void tsr__cuda_add_epilogue(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                            int32_t splits, tsr_cuda_work *work);

#endif
