/* The kernels that there are, one per row of kernels.inc. */
#ifndef TESSERA_PLAN_REGISTRY_H
#define TESSERA_PLAN_REGISTRY_H

#include "kernels/cuda/kernel.h"
#include "kernels/kernel.h"

/* NULL when there is none of that name. */
const tsr_spmm_kernel *tsr__spmm_kernel_find(const char *name);

/* The CUDA backend's row of a kernel of that backend. */
const tsr_cuda_spmm_kernel *tsr__spmm_kernel_cuda(const tsr_spmm_kernel *kernel);

/* Whether the kernel is for problems of this kind: one of convolutions and one of tokens do not
 * compete on the GPU, while the CPU's kernels run both. */
int tsr__spmm_kernel_competes(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem);

/* Whether the kernel can be given the weights: in its own format; unpacked, if it is dense; and of
 * convolutions of V:N:M on the GPU, packed again as 2:4. A row that keeps two of a group of M keeps
 * at most two of any four in it, so that groups need only begin with one of these fours: M is a
 * multiple of four. */
int tsr__spmm_kernel_suits(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem);

/* The problem as such a kernel sees it. */
tsr_spmm_problem tsr__problem_for(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem);

#endif
