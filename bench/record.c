#include "bench/record.h"

#include "bench/flops.h"
#include "runtime/base/status.h"

tsr_status tsr__record_timing(const tsr__race_result *race, size_t own, int baseline,
                              double stored_flops, double dense_flops, tsr_record *record) {
  tsr__timing timing;
  TSR_TRY(tsr__race_timing(race, own, &timing));
  record->runs = timing.runs;
  record->median_ms = timing.median_ms;
  record->p10_ms = timing.p10_ms;
  record->p90_ms = timing.p90_ms;
  record->useful_gflops = tsr__gflops(stored_flops, timing.median_ms);
  record->dense_equivalent_gflops = tsr__gflops(dense_flops, timing.median_ms);
  if (baseline < 0) return TSR_OK;
  TSR_TRY(tsr__race_timing(race, (size_t)baseline, &timing));
  record->baseline_median_ms = timing.median_ms;
  if (record->median_ms > 0) record->speedup = timing.median_ms / record->median_ms;
  return TSR_OK;
}
