#include "runtime/prune/linalg.h"

/* The Fortran interface, which all implementations share; int is what their default build takes.
 * Column-major: a row-major upper triangle is a lower one there, and products swap their factors.
 */
void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *beta, double *c, const int *ldc);
void sgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
            const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
            const float *beta, float *c, const int *ldc);
void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
            const double *beta, double *c, const int *ldc);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void openblas_set_num_threads(int threads);

int tsr__linalg_available(void) { return 1; }

void tsr__linalg_threads(int32_t threads) { openblas_set_num_threads(threads); }

void tsr__dsyrk(double *gram, const double *x, int64_t n, int64_t rows) {
  const int size = (int)n, count = (int)rows;
  const double one = 1;
  dsyrk_("L", "N", &size, &count, &one, x, &size, &one, gram, &size);
}

void tsr__sgemm(const tsr__gemm_shape *shape, float alpha, const float *a, const float *b,
                float beta, float *c) {
  const int m = (int)shape->m, n = (int)shape->n, k = (int)shape->k;
  const int lda = (int)shape->lda, ldb = (int)shape->ldb, ldc = (int)shape->ldc;
  if (m && n) sgemm_("N", "N", &n, &m, &k, &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
}

void tsr__dgemm(const tsr__gemm_shape *shape, double alpha, const double *a, const double *b,
                double beta, double *c) {
  const int m = (int)shape->m, n = (int)shape->n, k = (int)shape->k;
  const int lda = (int)shape->lda, ldb = (int)shape->ldb, ldc = (int)shape->ldc;
  if (m && n) dgemm_("N", "N", &n, &m, &k, &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
}

int tsr__cholesky(double *a, int64_t n) {
  const int size = (int)n;
  int info = 0;
  dpotrf_("L", &size, a, &size, &info);
  return info == 0;
}

int tsr__cholesky_invert(double *u, int64_t n) {
  const int size = (int)n;
  int info = 0;
  dpotri_("L", &size, u, &size, &info);
  return info == 0;
}
