#include "bench/baseline/baseline.h"

#include <string.h>

#include "runtime/base/status.h"

static const tsr__baseline *const baselines[] = {&tsr__baseline_onednn, &tsr__baseline_sgemm};

tsr_status tsr__baseline_find(const char *key, const tsr__baseline **out) {
  TSR_CHECK(key && out, TSR_INVALID_ARGUMENT, "baseline: a name and a result are needed");
  *out = NULL;
  if (!strcmp(key, "none")) return TSR_OK;
  for (size_t b = 0; b < sizeof baselines / sizeof baselines[0]; b++) {
    if (strcmp(key, baselines[b]->key)) continue;
    *out = baselines[b];
    return TSR_OK;
  }
  return tsr__error(TSR_INVALID_ARGUMENT, "baseline '%s': known are onednn, sgemm, none", key);
}
