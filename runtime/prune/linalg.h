/* Dense linear algebra through BLAS and LAPACK. Matrices are row-major. A build without BLAS has
 * no methods that need it: tsr__linalg_available says which it is. */
#ifndef TESSERA_PRUNE_LINALG_H
#define TESSERA_PRUNE_LINALG_H

#include <stdint.h>

#include "tessera/status.h"

int tsr__linalg_available(void);

/* One number of threads for the whole process, to be set before anything else here is called.
 * Factorisations run in one. */
void tsr__linalg_threads(int32_t threads);

/* The upper triangle of gram[n, n] += that of x^T x; x: [rows, n]. */
void tsr__dsyrk(double *gram, const double *x, int64_t n, int64_t rows);

typedef struct tsr__gemm_shape {
  int64_t m, n, k, lda, ldb, ldc;
} tsr__gemm_shape;

/* C[m, n] += A[k, m]^T B[k, n], without gaps in C. A bounded number of k is summed in float, which
 * is twice as fast. */
tsr_status tsr__cross_gram(const tsr__gemm_shape *shape, const float *a, const float *b, double *c);

/* C[m, n] = beta C + alpha A[m, k] B[k, n]. */
void tsr__sgemm(const tsr__gemm_shape *shape, float alpha, const float *a, const float *b,
                float beta, float *c);
void tsr__dgemm(const tsr__gemm_shape *shape, double alpha, const double *a, const double *b,
                double beta, double *c);

/* Of the upper triangle of a[n, n], in place: U with a = U^T U; 0 if there is none. */
int tsr__cholesky(double *a, int64_t n);
/* rhs[count, n]: each row r becomes the x with x U^T U = r, of tsr__cholesky's U. */
void tsr__solve(const double *u, int64_t n, double *rhs, int64_t count);
/* Of a[n, n], both triangles, in place: the upper U with a^-1 = U^T U; 0 if there is none. What is
 * below the diagonal is not cleared. */
int tsr__inverse_factor(double *a, int64_t n);
/* a[n, n], of which the upper triangle is read, becomes its inverse, both triangles; 0 if it is not
 * positive, a then holding anything. */
int tsr__invert(double *a, int64_t n);

#endif
