#include "runtime/prune/linalg.h"

/* In place of linalg.c where there is no BLAS. Methods and Gram statistics ask
 * tsr__linalg_available first and refuse, so that nothing else here is reached. */

int tsr__linalg_available(void) { return 0; }

void tsr__linalg_threads(int32_t threads) { (void)threads; }

void tsr__dsyrk(double *gram, const double *x, int64_t n, int64_t rows) {
  (void)gram, (void)x, (void)n, (void)rows;
}

tsr_status tsr__cross_gram(const tsr__gemm_shape *shape, const float *a, const float *b,
                           double *c) {
  (void)shape, (void)a, (void)b, (void)c;
  return TSR_UNSUPPORTED;
}

void tsr__sgemm(const tsr__gemm_shape *shape, float alpha, const float *a, const float *b,
                float beta, float *c) {
  (void)shape, (void)alpha, (void)a, (void)b, (void)beta, (void)c;
}

void tsr__dgemm(const tsr__gemm_shape *shape, double alpha, const double *a, const double *b,
                double beta, double *c) {
  (void)shape, (void)alpha, (void)a, (void)b, (void)beta, (void)c;
}

int tsr__cholesky(double *a, int64_t n) {
  (void)a, (void)n;
  return 0;
}

void tsr__solve(const double *u, int64_t n, double *rhs, int64_t count) {
  (void)u, (void)n, (void)rhs, (void)count;
}

int tsr__inverse_factor(double *a, int64_t n) {
  (void)a, (void)n;
  return 0;
}

int tsr__invert(double *a, int64_t n) {
  (void)a, (void)n;
  return 0;
}
