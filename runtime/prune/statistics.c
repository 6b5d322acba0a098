#include "runtime/prune/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/linalg.h"

/* Sizes that LAPACK's int can hold, squared. */
enum { FEATURES_MAX = 32768 };

static tsr_status allocate(tsr_statistics *s) {
  size_t n = (size_t)s->features;
  TSR_TRY(tsr__calloc(n, sizeof(double), "norms of a layer's input", &s->norms));
  TSR_TRY(tsr__calloc(n, sizeof(double), "sums of a layer's input", &s->sums));
  if (s->kind == TSR_STATISTICS_NORMS) return TSR_OK;
  TSR_TRY(tsr__aligned(TSR__STATISTICS_ROWS * n, sizeof(double), "a layer's input",
                       &s->rows_in_double));
  return tsr__calloc(n * n, sizeof(double), "a layer's Gram matrix", &s->gram);
}

tsr_status tsr_statistics_create(int64_t features, tsr_statistics_kind kind, tsr_statistics **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_statistics_create: out is NULL");
  *out = NULL;
  TSR_CHECK(features >= 1, TSR_INVALID_ARGUMENT, "tsr_statistics_create: %lld features",
            (long long)features);
  TSR_CHECK(kind == TSR_STATISTICS_NORMS || kind == TSR_STATISTICS_GRAM, TSR_INVALID_ARGUMENT,
            "tsr_statistics_create: kind %d", (int)kind);
  TSR_CHECK(kind != TSR_STATISTICS_GRAM || tsr__linalg_available(), TSR_UNSUPPORTED,
            "statistics with a Gram matrix need BLAS, which this build of Tessera lacks");
  TSR_CHECK(kind != TSR_STATISTICS_GRAM || features <= FEATURES_MAX, TSR_UNSUPPORTED_SHAPE,
            "a Gram matrix of %lld features, more than %d", (long long)features, FEATURES_MAX);
  tsr_statistics *statistics;
  TSR_TRY(tsr__calloc(1, sizeof *statistics, "statistics", &statistics));
  statistics->kind = kind;
  statistics->features = features;
  tsr_status status = allocate(statistics);
  if (status != TSR_OK) {
    tsr_statistics_destroy(statistics);
    return status;
  }
  *out = statistics;
  return TSR_OK;
}

void tsr_statistics_destroy(tsr_statistics *statistics) {
  if (!statistics) return;
  free(statistics->norms);
  free(statistics->sums);
  free(statistics->gram);
  free(statistics->rows_in_double);
  free(statistics->cross);
  free(statistics->reference_sums);
  free(statistics->missing);
  free(statistics->missing_sums);
  free(statistics);
}

int64_t tsr_statistics_rows(const tsr_statistics *statistics) {
  return statistics ? statistics->rows : 0;
}

int64_t tsr_statistics_features(const tsr_statistics *statistics) {
  return statistics ? statistics->features : 0;
}

static tsr_status check_values(const tsr_statistics *s, const float *x, int64_t rows, int64_t ld,
                               int32_t threads) {
  int64_t bad = INT64_MAX;
#pragma omp parallel for schedule(static) reduction(min : bad) num_threads(threads)
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < s->features; c++)
      if (!isfinite(x[r * ld + c]) && r * s->features + c < bad) bad = r * s->features + c;
  TSR_CHECK(bad == INT64_MAX, TSR_INVALID_ARGUMENT,
            "tsr_statistics_add: row %lld, feature %lld is %g", (long long)(bad / s->features),
            (long long)(bad % s->features), (double)x[bad / s->features * ld + bad % s->features]);
  return TSR_OK;
}

/* Each feature's sum is one thread's, in the order of the rows: the result is always the same.
 * norms: NULL, or sums of squares. */
static void add_sums(const float *x, int64_t rows, int64_t ld, int64_t features, int32_t threads,
                     double *sums, double *norms) {
  enum { STRIP = 64 };
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t start = 0; start < features; start += STRIP) {
    int64_t end = features - start < STRIP ? features : start + STRIP;
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = start; c < end; c++) {
        double value = (double)x[r * ld + c];
        sums[c] += value;
        if (norms) norms[c] += value * value;
      }
  }
}

static void add_gram(tsr_statistics *s, const float *x, int64_t rows, int64_t ld, int32_t threads) {
  int64_t n = s->features;
  tsr__linalg_threads(threads);
  for (int64_t first = 0; first < rows; first += TSR__STATISTICS_ROWS) {
    int64_t count = rows - first < TSR__STATISTICS_ROWS ? rows - first : TSR__STATISTICS_ROWS;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t r = 0; r < count; r++)
      for (int64_t c = 0; c < n; c++)
        s->rows_in_double[r * n + c] = (double)x[(first + r) * ld + c];
    tsr__dsyrk(s->gram, s->rows_in_double, n, count);
  }
}

static tsr_status add(tsr_statistics *s, const float *x, const float *reference, int64_t rows,
                      int64_t ld, int32_t threads) {
  TSR_CHECK(s && (x || !rows), TSR_INVALID_ARGUMENT, "tsr_statistics_add: NULL argument");
  TSR_CHECK(rows >= 0 && ld >= s->features && threads >= 1, TSR_INVALID_ARGUMENT,
            "tsr_statistics_add: %lld rows, ld %lld for %lld features, %d threads", (long long)rows,
            (long long)ld, (long long)s->features, (int)threads);
  TSR_TRY(check_values(s, x, rows, ld, threads));
  if (reference) TSR_TRY(check_values(s, reference, rows, ld, threads));
  add_sums(x, rows, ld, s->features, threads, s->sums, s->norms);
  if (s->gram) add_gram(s, x, rows, ld, threads);
  if (reference) {
    add_sums(reference, rows, ld, s->features, threads, s->reference_sums, NULL);
    int64_t n = s->features;
    TSR_TRY(tsr__cross_gram(&(tsr__gemm_shape){n, n, rows, ld, ld, n}, reference, x, s->cross));
  }
  s->rows += rows;
  return TSR_OK;
}

tsr_status tsr_statistics_add(tsr_statistics *statistics, const float *x, int64_t rows, int64_t ld,
                              int32_t threads) {
  return add(statistics, x, NULL, rows, ld, threads);
}

static tsr_status allocate_pair(tsr_statistics *s) {
  size_t n = (size_t)s->features;
  if (!s->reference_sums)
    TSR_TRY(
        tsr__calloc(n, sizeof(double), "sums of the unpruned layer's input", &s->reference_sums));
  return s->cross
             ? TSR_OK
             : tsr__calloc(n * n, sizeof(double), "the unpruned layer's Gram matrix", &s->cross);
}

tsr_status tsr__statistics_add_pair(tsr_statistics *statistics, const float *x,
                                    const float *reference, int64_t rows, int64_t ld,
                                    int32_t threads) {
  TSR_CHECK(statistics->gram, TSR_INVALID_ARGUMENT, "a pair of inputs needs a Gram matrix");
  TSR_TRY(allocate_pair(statistics));
  return add(statistics, x, reference, rows, ld, threads);
}

static tsr_status allocate_missing(tsr_statistics *s, int64_t outputs) {
  size_t count = (size_t)(outputs * s->features);
  if (!s->missing_sums)
    TSR_TRY(tsr__calloc((size_t)outputs, sizeof(double), "a residual", &s->missing_sums));
  return s->missing ? TSR_OK : tsr__calloc(count, sizeof(double), "a residual", &s->missing);
}

/* A strip of rows at a time. missing: [TSR__STATISTICS_ROWS, outputs]. */
static tsr_status add_missing(tsr_statistics *s, const float *x, int64_t rows, int64_t ld,
                              const tsr__residual_pair *residual, int32_t threads, float *missing) {
  int64_t m = residual->outputs, n = s->features;
  for (int64_t first = 0; first < rows; first += TSR__STATISTICS_ROWS) {
    int64_t count = rows - first < TSR__STATISTICS_ROWS ? rows - first : TSR__STATISTICS_ROWS;
    for (int64_t r = 0; r < count; r++)
      for (int64_t c = 0; c < m; c++) {
        int64_t at = (first + r) * residual->ld + c;
        missing[r * m + c] = residual->wanted[at] - residual->now[at];
      }
    add_sums(missing, count, m, m, threads, s->missing_sums, NULL);
    TSR_TRY(tsr__cross_gram(&(tsr__gemm_shape){m, n, count, m, ld, n}, missing, x + first * ld,
                            s->missing));
  }
  return TSR_OK;
}

tsr_status tsr__statistics_add_missing(tsr_statistics *statistics, const float *x, int64_t rows,
                                       int64_t ld, const tsr__residual_pair *residual,
                                       int32_t threads) {
  TSR_CHECK(statistics->cross, TSR_INVALID_ARGUMENT, "a residual needs pairs of inputs");
  TSR_TRY(allocate_missing(statistics, residual->outputs));
  float *missing;
  TSR_TRY(tsr__aligned((size_t)(TSR__STATISTICS_ROWS * residual->outputs), sizeof *missing,
                       "a residual", &missing));
  tsr__linalg_threads(threads);
  tsr_status status = add_missing(statistics, x, rows, ld, residual, threads, missing);
  free(missing);
  return status;
}
