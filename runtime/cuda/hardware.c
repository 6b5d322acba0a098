#include <stdio.h>

#include "kernels/cuda/images.h"
#include "runtime/base/status.h"
#include "runtime/cuda/driver.h"
#include "tessera/plan.h"

static tsr_status examine(tsr_hardware *hardware) {
  const tsr__cu *cu;
  void *context;
  int device, major, minor, sms, shared;
  TSR_CHECK(tsr__cuda_image_data(TSR__CUDA_IMAGE_convert), TSR_UNSUPPORTED_HARDWARE,
            "built without nvcc, so without CUDA kernels");
  TSR_TRY(tsr__cu_get(&cu));
  TSR_TRY(tsr__cu_current(cu, &context, &device));
  TSR__CU_TRY("the GPU", DeviceGetName, hardware->gpu, (int)sizeof hardware->gpu, device);
  TSR_TRY(tsr__cu_attribute(cu, device, TSR__CU_MULTIPROCESSOR_COUNT, &sms));
  TSR_TRY(tsr__cu_attribute(cu, device, TSR__CU_CAPABILITY_MAJOR, &major));
  TSR_TRY(tsr__cu_attribute(cu, device, TSR__CU_CAPABILITY_MINOR, &minor));
  TSR_TRY(tsr__cu_attribute(cu, device, TSR__CU_SHARED_PER_BLOCK_OPTIN, &shared));
  hardware->gpu_sms = sms;
  hardware->gpu_shared_bytes = shared;
  TSR_CHECK(major >= 8, TSR_UNSUPPORTED_HARDWARE, "%s is sm_%d%d", hardware->gpu, major, minor);
  return TSR_OK;
}

tsr_status tsr_hardware_detect_gpu(tsr_hardware *hardware) {
  TSR_CHECK(hardware, TSR_INVALID_ARGUMENT, "tsr_hardware_detect_gpu: hardware is NULL");
  char *missing = hardware->missing[TSR_ISA_SM80];
  hardware->gpu[0] = 0;
  hardware->gpu_sms = hardware->gpu_shared_bytes = 0;
  hardware->isa[TSR_ISA_SM80] = examine(hardware) == TSR_OK;
  missing[0] = 0;
  if (!hardware->isa[TSR_ISA_SM80])
    snprintf(missing, sizeof hardware->missing[0], "%.*s", (int)sizeof hardware->missing[0] - 1,
             tsr_last_error());
  return TSR_OK;
}
