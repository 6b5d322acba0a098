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

#endif
