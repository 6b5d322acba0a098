/* The baselines of a build that found no oneDNN. */
#include "bench/baseline/baseline.h"
#include "runtime/base/status.h"

static tsr_status absent(const char **version) {
  *version = "";
  return tsr__error(TSR_NOT_FOUND,
                    "oneDNN: this build has no baseline (oneDNN 2.x's headers were not found)");
}

const tsr__baseline tsr__baseline_onednn = {
    .key = "onednn", .name = "onednn matmul (packed weights)", .open = absent};
const tsr__baseline tsr__baseline_sgemm = {.key = "sgemm", .name = "onednn sgemm", .open = absent};
