#include "runtime/prune/linalg.h"

#include <omp.h>
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

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
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
             double *b, const int *ldb, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda,
             int *info);
void openblas_set_num_threads(int threads);

/* Products are divided here, among OpenMP's threads, and each part is computed by a BLAS of one
 * thread: two teams that wait by spinning, OpenMP's and BLAS's own, would take turns on the same
 * cores. */
static _Atomic int32_t team = 1;

/* Rows and columns of the Gram matrix that are one part; rows of activations that are summed in
 * float. */
enum { PANEL = 256, CROSS_ROWS = 1024 };

int tsr__linalg_available(void) { return 1; }

void tsr__linalg_threads(int32_t threads) {
  team = threads;
  openblas_set_num_threads(1);
}

static int32_t team_size(void) { return team; }

/* Row-major: columns first .. first + width - 1 of x by themselves, and by those to their right. */
static void syrk_panel(double *gram, const double *x, int64_t n, int64_t rows, int64_t first,
                       int64_t width) {
  const int size = (int)n, count = (int)rows, own = (int)width, right = (int)(n - first - width);
  const double one = 1, *own_x = x + first, *right_x = x + first + width;
  double *diagonal = gram + first * n + first;
  dsyrk_("L", "N", &own, &count, &one, own_x, &size, &one, diagonal, &size);
  if (right)
    dgemm_("N", "T", &right, &own, &count, &one, right_x, &size, own_x, &size, &one,
           diagonal + width, &size);
}

void tsr__dsyrk(double *gram, const double *x, int64_t n, int64_t rows) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(team_size())
  for (int64_t first = 0; first < n; first += PANEL)
    syrk_panel(gram, x, n, rows, first, n - first < PANEL ? n - first : PANEL);
}

/* `width` columns of a by all of b. part: [width, n]. */
static void cross_panel(const tsr__gemm_shape *shape, const float *a, const float *b, int width,
                        float *part, double *c) {
  const int n = (int)shape->n, lda = (int)shape->lda, ldb = (int)shape->ldb;
  const float one = 1, zero = 0;
  for (int64_t first = 0; first < shape->k; first += CROSS_ROWS) {
    const int count = shape->k - first < CROSS_ROWS ? (int)(shape->k - first) : CROSS_ROWS;
    sgemm_("N", "T", &n, &width, &count, &one, b + first * ldb, &ldb, a + first * lda, &lda, &zero,
           part, &n);
    for (int64_t i = 0; i < width * shape->n; i++) c[i] += (double)part[i];
  }
}

tsr_status tsr__cross_gram(const tsr__gemm_shape *shape, const float *a, const float *b,
                           double *c) {
  int64_t m = shape->m, n = shape->n;
  float *parts;
  TSR_TRY(tsr__aligned((size_t)(team_size() * PANEL * n), sizeof *parts, "products", &parts));
#pragma omp parallel for schedule(dynamic, 1) num_threads(team_size())
  for (int64_t first = 0; first < m; first += PANEL)
    cross_panel(shape, a + first, b, m - first < PANEL ? (int)(m - first) : PANEL,
                parts + omp_get_thread_num() * PANEL * n, c + first * n);
  free(parts);
  return TSR_OK;
}

/* The first row of one of `parts` like parts of the m rows. */
static int64_t part_begin(int64_t m, int32_t part, int32_t parts) { return m * part / parts; }

typedef struct product {
  const tsr__gemm_shape *shape;
  size_t element_bytes; /* of float or double */
  double alpha, beta;
  const void *a, *b;
  void *c;
} product;

/* Rows first .. first + m - 1 of the result. */
static void multiply_rows(const product *p, int64_t first, int m) {
  const int n = (int)p->shape->n, k = (int)p->shape->k;
  const int lda = (int)p->shape->lda, ldb = (int)p->shape->ldb, ldc = (int)p->shape->ldc;
  const void *a = (const char *)p->a + (size_t)(first * lda) * p->element_bytes;
  void *c = (char *)p->c + (size_t)(first * ldc) * p->element_bytes;
  if (p->element_bytes == sizeof(double)) {
    dgemm_("N", "N", &n, &m, &k, &p->alpha, p->b, &ldb, a, &lda, &p->beta, c, &ldc);
  } else {
    const float alpha = (float)p->alpha, beta = (float)p->beta;
    sgemm_("N", "N", &n, &m, &k, &alpha, p->b, &ldb, a, &lda, &beta, c, &ldc);
  }
}

static void multiply(const product *p) {
  const int32_t parts = team_size();
#pragma omp parallel for schedule(static, 1) num_threads(parts)
  for (int32_t part = 0; part < parts; part++) {
    int64_t first = part_begin(p->shape->m, part, parts);
    const int m = (int)(part_begin(p->shape->m, part + 1, parts) - first);
    if (m && p->shape->n) multiply_rows(p, first, m);
  }
}

void tsr__sgemm(const tsr__gemm_shape *shape, float alpha, const float *a, const float *b,
                float beta, float *c) {
  multiply(&(product){shape, sizeof *c, (double)alpha, (double)beta, a, b, c});
}

void tsr__dgemm(const tsr__gemm_shape *shape, double alpha, const double *a, const double *b,
                double beta, double *c) {
  multiply(&(product){shape, sizeof *c, alpha, beta, a, b, c});
}

int tsr__cholesky(double *a, int64_t n) {
  const int size = (int)n;
  int info = 0;
  dpotrf_("L", &size, a, &size, &info);
  return info == 0;
}

void tsr__solve(const double *u, int64_t n, double *rhs, int64_t count) {
  const int32_t parts = team_size();
#pragma omp parallel for schedule(static, 1) num_threads(parts)
  for (int32_t part = 0; part < parts; part++) {
    int64_t first = part_begin(count, part, parts);
    const int size = (int)n, own = (int)(part_begin(count, part + 1, parts) - first);
    int info;
    dpotrs_("L", &size, &own, u, &size, rhs + first * n, &size, &info);
  }
}

/* Reverses the order of rows and of columns. */
static void reverse(double *a, int64_t n) {
  for (double *first = a, *last = a + n * n - 1; first < last; first++, last--) {
    double kept = *first;
    *first = *last;
    *last = kept;
  }
}

/* In reverse order a = L L^T, so that in order a = R R^T with R upper, and U is R^-1. */
int tsr__inverse_factor(double *a, int64_t n) {
  const int size = (int)n;
  int info = 0;
  reverse(a, n);
  dpotrf_("U", &size, a, &size, &info);
  if (info) return 0;
  dtrtri_("U", "N", &size, a, &size, &info);
  reverse(a, n);
  return info == 0;
}

int tsr__invert(double *a, int64_t n) {
  const int size = (int)n;
  int info = 0;
  if (!tsr__cholesky(a, n)) return 0;
  dpotri_("L", &size, a, &size, &info);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++) a[i * n + j] = a[j * n + i];
  return info == 0;
}
