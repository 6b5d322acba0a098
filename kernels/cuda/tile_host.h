/* The host's part of the kernels of spmm_tile.cuh, for the families that add something to it. */
#ifndef TESSERA_KERNELS_CUDA_TILE_HOST_H
#define TESSERA_KERNELS_CUDA_TILE_HOST_H

#include "kernels/cuda/work.h"

/* Operations of tsr_cuda_spmm_ops, of dense, bcsr, nm and bcsr_nm. */
const char *tsr__cuda_tile_refusal(const tsr_cuda_spmm_kernel *kernel,
                                   const tsr_spmm_problem *problem);
size_t tsr__cuda_tile_prepacked_bytes(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w);
void tsr__cuda_tile_prepack(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, void *out);
void tsr__cuda_tile_bind(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, const void *image,
                         tsr_cuda_spmm_args *args);
uint32_t tsr__cuda_tile_shared_bytes(const tsr_cuda_spmm_kernel *kernel);
void tsr__cuda_tile_work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                         int32_t splits, tsr_cuda_work *work);

#endif
