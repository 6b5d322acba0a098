#include "runtime/base/status.h"
#include "runtime/cli/cli.h"
#include "runtime/cuda/context.h"
#include "runtime/plan/hardware.h"

tsr_status tsr__cli_hardware(int backend, tsr_hardware *out) {
  TSR_TRY(tsr__plan_hardware((tsr_backend)backend, out));
  TSR_CHECK(backend != TSR_BACKEND_CUDA || out->isa[TSR_ISA_SM80], TSR_UNSUPPORTED_HARDWARE,
            "--backend cuda: %s", out->missing[TSR_ISA_SM80]);
  return TSR_OK;
}

tsr_status tsr__cli_hardware_of(int backend, int64_t device, tsr_hardware *out) {
  if (device) {
    TSR_CHECK(backend == TSR_BACKEND_CUDA, TSR_INVALID_ARGUMENT,
              "--device %lld: only --backend cuda has devices", (long long)device);
    tsr_status status = tsr__cuda_use_device(device);
    if (status != TSR_OK) return tsr__error_prefix(status, "--device");
  }
  return tsr__cli_hardware(backend, out);
}

int32_t tsr__cli_threads(int64_t asked, const tsr_hardware *hardware) {
  if (asked > 0) return (int32_t)asked;
  return hardware->cores > 0 ? hardware->cores : 1;
}

tsr_status tsr__cli_load_tuning(const tsr_hardware *hardware, char *path, tsr_tuning **out) {
  *out = NULL;
  TSR_TRY(tsr_tuning_default_path(hardware, path, TSR__PATH_MAX));
  tsr_status status = tsr_tuning_load(path, hardware, out);
  /* Measurements of another machine or version are as good as none. */
  if (status == TSR_OK || status == TSR_NOT_FOUND || status == TSR_UNSUPPORTED_HARDWARE)
    return TSR_OK;
  return tsr__error(status, "%s; delete the file, or measure again with tessera tune",
                    tsr_last_error());
}
