#include "bench/record.h"

#include "bench/flops.h"
#include "runtime/base/status.h"

void tsr__record_machine(const tsr__bench_options *options, tsr_record *record) {
  TSR__SET_TEXT(record->backend,
                tsr_backend_name(options->gpu ? TSR_BACKEND_CUDA : TSR_BACKEND_CPU));
  TSR__SET_TEXT(record->dtype, tsr_dtype_name(options->gpu ? TSR_DTYPE_F16 : TSR_DTYPE_F32));
  if (options->gpu) TSR__SET_TEXT(record->device, options->hardware->gpu);
}

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
