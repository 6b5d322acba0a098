#include <math.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/pattern.h"
#include "runtime/base/status.h"
#include "runtime/prune/projection.h"

static const tsr__pattern_ops *const table[TSR_PATTERN_COUNT] = {
#define TSR__PATTERN(enumerator, name) [TSR_PATTERN_##enumerator] = &tsr__pattern_##name,
#include "runtime/prune/patterns.inc"
#undef TSR__PATTERN
};

/* Sparsities are typed in decimal; 1 - n/m rarely is one. */
static const double SPARSITY_TOLERANCE = 1e-6;

double tsr_pattern_fixed_sparsity(const tsr_pattern *pattern) {
  if (!pattern || tsr__pattern_check(pattern)) return 0;
  const tsr__pattern_ops *ops = table[pattern->kind];
  return ops->fixed_sparsity ? ops->fixed_sparsity(pattern) : 0;
}

static tsr_status check_sparsity(const tsr_pattern *pattern, double *sparsity) {
  char text[TSR_PATTERN_TEXT_MAX];
  double least = tsr_pattern_fixed_sparsity(pattern);
  int fixed = table[pattern->kind]->fixed;
  tsr_pattern_text(pattern, text);
  if (fixed && *sparsity < 0) *sparsity = least;
  TSR_CHECK(*sparsity >= least - SPARSITY_TOLERANCE && *sparsity <= 1, TSR_INVALID_ARGUMENT,
            "sparsity %g is not in %g..1 for pattern %s", *sparsity, least, text);
  TSR_CHECK(!fixed || *sparsity <= least + SPARSITY_TOLERANCE, TSR_INVALID_ARGUMENT,
            "sparsity %g: pattern %s has %g and no other", *sparsity, text, least);
  if (*sparsity < least) *sparsity = least;
  return TSR_OK;
}

static tsr_status check_item(const tsr_project_item *item, int64_t *total) {
  int64_t size;
  TSR_CHECK(item->rows >= 0 && item->cols >= 0 && tsr__mul_i64(item->rows, item->cols, &size) &&
                size <= INT64_MAX / 8 - *total,
            TSR_INVALID_ARGUMENT, "projection: the scores are %lld x %lld", (long long)item->rows,
            (long long)item->cols);
  TSR_CHECK((item->scores && item->mask) || !size, TSR_INVALID_ARGUMENT,
            "projection: scores or mask is NULL");
  *total += size;
  int64_t bad = INT64_MAX;
#pragma omp parallel for schedule(static) reduction(min : bad)
  for (int64_t i = 0; i < size; i++)
    if (!(item->scores[i] >= 0) && i < bad) bad = i;
  TSR_CHECK(bad == INT64_MAX, TSR_INVALID_ARGUMENT,
            "projection: score of row %lld, column %lld is %g", (long long)(bad / item->cols),
            (long long)(bad % item->cols), (double)item->scores[bad]);
  return TSR_OK;
}

static tsr_status project(tsr__projection *projection) {
  int64_t total = 0;
  TSR_TRY(tsr__pattern_check(projection->pattern));
  TSR_TRY(check_sparsity(projection->pattern, &projection->sparsity));
  for (size_t i = 0; i < projection->count; i++) TSR_TRY(check_item(&projection->items[i], &total));
  for (size_t i = 0; i < projection->count; i++) {
    const tsr_project_item *item = &projection->items[i];
    if (item->mask) memset(item->mask, 1, (size_t)(item->rows * item->cols));
  }
  return total ? table[projection->pattern->kind]->project(projection) : TSR_OK;
}

tsr_status tsr_project(const tsr_pattern *pattern, double sparsity, const float *scores,
                       int64_t rows, int64_t cols, tsr_mask *mask) {
  tsr_project_item item = {scores, rows, cols, mask};
  return project(&(tsr__projection){pattern, sparsity, &item, 1, 0});
}

tsr_status tsr_project_global(const tsr_pattern *pattern, double sparsity,
                              const tsr_project_item *items, size_t count) {
  TSR_CHECK(items || !count, TSR_INVALID_ARGUMENT, "tsr_project_global: items is NULL");
  return project(&(tsr__projection){pattern, sparsity, items, count, 1});
}
