#include "bench/baseline/baseline.h"

#include <stdio.h>
#include <string.h>

#include "runtime/base/status.h"

static const tsr__baseline *const baselines[] = {
#define TSR__BASELINE(key) &tsr__baseline_##key,
#include "bench/baseline/baselines.inc"
#undef TSR__BASELINE
};
enum { COUNT = sizeof baselines / sizeof baselines[0] };

const tsr__baseline *tsr__baseline_at(size_t index) {
  return index < COUNT ? baselines[index] : NULL;
}

static tsr_status unknown(const char *key) {
  char known[256] = "";
  for (size_t b = 0; b < COUNT; b++) {
    size_t length = strlen(known);
    snprintf(known + length, sizeof known - length, "%s, ", baselines[b]->key);
  }
  return tsr__error(TSR_INVALID_ARGUMENT, "baseline '%s': known are %snone", key, known);
}

tsr_status tsr__baseline_find(const char *key, const tsr__baseline **out) {
  TSR_CHECK(key && out, TSR_INVALID_ARGUMENT, "baseline: a name and a result are needed");
  *out = NULL;
  if (!strcmp(key, "none")) return TSR_OK;
  for (size_t b = 0; b < COUNT; b++) {
    if (strcmp(key, baselines[b]->key)) continue;
    *out = baselines[b];
    return TSR_OK;
  }
  return unknown(key);
}

tsr_status tsr__product_check(const tsr__product *p, void **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "baseline: no result to write to");
  *out = NULL;
  TSR_CHECK(p && p->weights && p->x && p->y, TSR_INVALID_ARGUMENT,
            "baseline: a product and its three matrices are needed");
  TSR_CHECK(p->m > 0 && p->k > 0 && p->n > 0 && p->threads > 0, TSR_INVALID_ARGUMENT,
            "baseline: %lld x %lld x %lld in %d threads", (long long)p->m, (long long)p->k,
            (long long)p->n, (int)p->threads);
  return TSR_OK;
}
