/* Machines that selection is tested on. */
#ifndef TESSERA_TESTS_FORGED_H
#define TESSERA_TESTS_FORGED_H

#include <stdio.h>

#include "tessera/plan.h"

/* A machine whose best instruction set is isa. */
static inline tsr_hardware forged_hardware(tsr_isa isa) {
  tsr_hardware h = {.name = "Forged CPU",
                    .cores = 4,
                    .l1d_bytes = 32768,
                    .l2_bytes = 1048576,
                    .l3_bytes = 33554432};
  for (int i = 0; i < TSR_ISA_COUNT; i++) {
    h.isa[i] = i <= (int)isa;
    if (!h.isa[i]) snprintf(h.missing[i], sizeof h.missing[i], "forged away");
  }
  return h;
}

/* A machine with a GPU of sm_80 or newer. */
static inline tsr_hardware forged_gpu(int32_t sms, int32_t shared_bytes) {
  tsr_hardware h = forged_hardware(TSR_ISA_AVX2);
  h.isa[TSR_ISA_SM80] = 1;
  h.missing[TSR_ISA_SM80][0] = 0;
  h.gpu_sms = sms;
  h.gpu_shared_bytes = shared_bytes;
  return h;
}

#endif
