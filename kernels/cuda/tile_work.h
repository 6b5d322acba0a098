#ifndef TESSERA_KERNELS_CUDA_TILE_WORK_H
#define TESSERA_KERNELS_CUDA_TILE_WORK_H

#include "kernels/cuda/work.h"

/* Of a kernel of spmm_tile.cuh on a problem of dense, bcsr, nm or bcsr_nm. */
void tsr__cuda_tile_work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                         int32_t splits, tsr_cuda_work *work);

#endif
