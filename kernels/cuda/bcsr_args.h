/* What the host hands to the BCSR kernels, by value. Shared by C17 and CUDA C++. */
#ifndef TESSERA_KERNELS_CUDA_BCSR_ARGS_H
#define TESSERA_KERNELS_CUDA_BCSR_ARGS_H

#include <stdint.h>

/* C[m,n] = A[m,k] B[k,n]; A in blocks of 16x16, B and C token-major. Pointers are device memory;
 * elements are f16 or bf16, as the kernel's name says. */
typedef struct tsr_cuda_bcsr_args {
  const void *values;         /* [nnzb, 16, 16], 32-byte aligned; zeros beyond the matrix's edge */
  const int32_t *row_offsets; /* [ceil(m / 16) + 1] */
  const int32_t *col_indices; /* [nnzb], in blocks */
  const void *b;              /* [n, ldb], aligned to an element */
  void *c;                    /* [n, ldc], aligned to an element */
  int64_t ldb, ldc;
  int32_t m, k, n;
} tsr_cuda_bcsr_args;

#endif
