#include "runtime/evaluate/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

void tsr__wilson(int64_t hits, int64_t of, double *low, double *high) {
  const double z = 1.959963984540054; /* the normal distribution's 0.975 quantile */
  *low = 0;
  *high = 1;
  if (of <= 0) return;
  double n = (double)of, share = (double)hits / n, scale = 1 + z * z / n;
  double middle = (share + z * z / (2 * n)) / scale;
  double half = z / scale * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  *low = hits == 0 ? 0 : middle - half;
  *high = hits == of ? 1 : middle + half;
}

typedef struct ranked {
  double value;
  size_t index;
} ranked;

static int by_value(const void *a, const void *b) {
  double x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
  return (x > y) - (x < y);
}

/* Writes the ranks less their mean. */
static void centred_ranks(const double *values, size_t count, ranked *order, double *ranks) {
  for (size_t i = 0; i < count; i++) order[i] = (ranked){values[i], i};
  qsort(order, count, sizeof *order, by_value);
  double mean = ((double)count - 1) / 2;
  for (size_t first = 0, end; first < count; first = end) {
    for (end = first + 1; end < count && order[end].value == order[first].value;) end++;
    double shared = ((double)first + (double)end - 1) / 2 - mean;
    for (size_t i = first; i < end; i++) ranks[order[i].index] = shared;
  }
}

tsr_status tsr__spearman(const double *a, const double *b, size_t count, double *out) {
  for (size_t i = 0; i < count; i++)
    TSR_CHECK(!isnan(a[i]) && !isnan(b[i]), TSR_INVALID_ARGUMENT,
              "a rank correlation of values of which number %zu is NaN", i);
  ranked *order = NULL;
  double *ranks = NULL;
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__calloc(count, sizeof *order, "ranks", &order), done);
  TSR_TRY_GOTO(status, tsr__calloc(2 * count, sizeof *ranks, "ranks", &ranks), done);
  centred_ranks(a, count, order, ranks);
  centred_ranks(b, count, order, ranks + count);
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < count; i++) {
    ab += ranks[i] * ranks[count + i];
    aa += ranks[i] * ranks[i];
    bb += ranks[count + i] * ranks[count + i];
  }
  *out = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
done:
  free(order);
  free(ranks);
  return status;
}

double tsr__dot(const float *a, const float *b, int64_t width) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < width; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

uint64_t tsr__split_mix(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
