/* n of every m: each group by itself. */
#include <string.h>

#include "runtime/base/pattern.h"
#include "runtime/prune/projection.h"

enum { RANKED_WIDTH = 16 };

/* Counts for each element those that go before it: quadratic, but without a branch. */
static void keep_by_rank(const float *scores, int64_t width, int64_t n, tsr_mask *mask) {
  for (int64_t i = 0; i < width; i++) {
    int64_t rank = 0;
    for (int64_t j = 0; j < i; j++) rank += scores[j] >= scores[i];
    for (int64_t j = i + 1; j < width; j++) rank += scores[j] > scores[i];
    mask[i] = rank < n;
  }
}

/* The n-th greatest of `width` values, by quickselect. */
static float nth_greatest(float *values, int64_t width, int64_t n) {
  int64_t low = 0, high = width - 1;
  while (low < high) {
    float pivot = values[(low + high) / 2];
    int64_t i = low, j = high;
    while (i <= j) {
      while (values[i] > pivot) i++;
      while (values[j] < pivot) j--;
      if (i > j) break;
      float value = values[i];
      values[i++] = values[j];
      values[j--] = value;
    }
    if (n - 1 <= j)
      high = j;
    else if (n - 1 >= i)
      low = i;
    else
      break;
  }
  return values[n - 1];
}

static void keep_by_threshold(const float *scores, int64_t width, int64_t n, tsr_mask *mask) {
  float values[TSR__GROUP_MAX];
  int64_t ties = n;
  memcpy(values, scores, (size_t)width * sizeof *values);
  float threshold = nth_greatest(values, width, n);
  for (int64_t i = 0; i < width; i++) ties -= scores[i] > threshold;
  for (int64_t i = 0; i < width; i++)
    mask[i] = scores[i] > threshold || (scores[i] == threshold && ties-- > 0);
}

/* Clears all but the n best of `width` elements; the first of equal ones stay. */
static void keep_best(const float *scores, int64_t width, int64_t n, tsr_mask *mask) {
  if (width <= n) return;
  if (width <= RANKED_WIDTH)
    keep_by_rank(scores, width, n, mask);
  else
    keep_by_threshold(scores, width, n, mask);
}

void tsr__keep_n_of_m(const tsr_pattern *pattern, const tsr_project_item *item, int64_t span) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < item->rows; r++)
    for (int64_t start = 0; start < item->cols; start += span) {
      int64_t end = item->cols - start < span ? item->cols : start + span;
      for (int64_t g = start; g < end; g += pattern->m) {
        int64_t width = end - g < pattern->m ? end - g : pattern->m;
        keep_best(item->scores + r * item->cols + g, width, pattern->n,
                  item->mask + r * item->cols + g);
      }
    }
}

static double fixed_sparsity(const tsr_pattern *p) { return 1 - (double)p->n / p->m; }

static tsr_status project(const tsr__projection *p) {
  for (size_t i = 0; i < p->count; i++)
    tsr__keep_n_of_m(p->pattern, &p->items[i], p->items[i].cols);
  return TSR_OK;
}

const tsr__pattern_ops tsr__pattern_nm = {
    .fixed_sparsity = fixed_sparsity, .fixed = 1, .project = project};
