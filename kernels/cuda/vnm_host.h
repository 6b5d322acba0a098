/* What the host's parts of the V:N:M kernels share. */
#ifndef TESSERA_KERNELS_CUDA_VNM_HOST_H
#define TESSERA_KERNELS_CUDA_VNM_HOST_H

#include "kernels/cuda/work.h"

enum { TSR__VNM_SETS_MAX = 4 };

/* Sizes that follow from a kernel's row, as tile/vnm.cuh computes them. */
typedef struct tsr__vnm_shape {
  int set_rows, sets, slots, slot_bytes, stride, passes;
  size_t meta_at, lists_at, record_bytes; /* in a record */
} tsr__vnm_shape;

tsr__vnm_shape tsr__vnm_shape_of(const tsr_cuda_spmm_kernel *kernel);

/* Of a CTA's rows. m: of V:N:M. */
int64_t tsr__vnm_steps(int64_t cols, int64_t m);

/* Fills what vnm_step.h describes of the step of the CTA whose rows begin at `row`: rows of B
 * [slots], lists [sets][32]. Returns how many slots it needs. */
int tsr__vnm_route(const tsr__vnm_shape *shape, const tsr_packed *w, int64_t row, int64_t step,
                   int32_t *rows, uint16_t *lists);

/* Operations of tsr_cuda_spmm_ops. */
const char *tsr__vnm_refusal(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem);
size_t tsr__vnm_prepacked_bytes(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w);
void tsr__vnm_prepack(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, void *out);
void tsr__vnm_bind(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, const void *image,
                   tsr_cuda_spmm_args *args);
uint32_t tsr__vnm_shared_bytes(const tsr_cuda_spmm_kernel *kernel);
void tsr__vnm_work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                   int32_t splits, tsr_cuda_work *work);

#endif
