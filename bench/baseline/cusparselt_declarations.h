/* The part of cuSPARSELt's interface (versions 0.8 to 0.10) that the baseline uses, written from
 * its documentation: the library comes apart from the CUDA toolkit, so that its header is rarely
 * there where a build is made. Where it is, it is used instead, and this is compared with it. */
#ifndef TESSERA_BENCH_CUSPARSELT_DECLARATIONS_H
#define TESSERA_BENCH_CUSPARSELT_DECLARATIONS_H

#include <cusparse.h>
#include <stdint.h>

/* clang-format off */
typedef struct { _Alignas(16) uint8_t data[512]; } cusparseLtHandle_t;
typedef struct { _Alignas(16) uint8_t data[512]; } cusparseLtMatDescriptor_t;
typedef struct { _Alignas(16) uint8_t data[512]; } cusparseLtMatmulDescriptor_t;
typedef struct { _Alignas(16) uint8_t data[512]; } cusparseLtMatmulAlgSelection_t;
typedef struct { _Alignas(16) uint8_t data[512]; } cusparseLtMatmulPlan_t;
/* clang-format on */

/* Only the values that are used; the others keep the enumerations as wide. */
typedef enum { CUSPARSELT_SPARSITY_50_PERCENT = 0 } cusparseLtSparsity_t;
typedef enum { CUSPARSE_COMPUTE_32F = 2 } cusparseComputeType;
typedef enum { CUSPARSELT_MATMUL_ALG_DEFAULT = 0 } cusparseLtMatmulAlg_t;
typedef enum {
  CUSPARSELT_MATMUL_ACTIVATION_RELU = 0,
  CUSPARSELT_MATMUL_BIAS_POINTER = 8,
  CUSPARSELT_MATMUL_SPARSE_MAT_POINTER = 9
} cusparseLtMatmulDescAttribute_t;

#endif
