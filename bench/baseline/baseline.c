#include "bench/baseline/baseline.h"

#include <string.h>

#include "runtime/base/status.h"

static const tsr__baseline *const baselines[] = {&tsr__baseline_onednn, &tsr__baseline_sgemm,
                                                 &tsr__baseline_dense};

tsr_status tsr__baseline_find(const char *key, const tsr__baseline **out) {
  TSR_CHECK(key && out, TSR_INVALID_ARGUMENT, "baseline: a name and a result are needed");
  *out = NULL;
  if (!strcmp(key, "none")) return TSR_OK;
  for (size_t b = 0; b < sizeof baselines / sizeof baselines[0]; b++) {
    if (strcmp(key, baselines[b]->key)) continue;
    *out = baselines[b];
    return TSR_OK;
  }
  return tsr__error(TSR_INVALID_ARGUMENT, "baseline '%s': known are onednn, sgemm, dense, none",
                    key);
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
