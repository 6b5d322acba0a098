#include "runtime/plan/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

const double *tsr__tuning_find(const tsr_tuning *tuning, const tsr_spmm_kernel *kernel) {
  for (int i = 0; tuning && i < tuning->count; i++)
    if (strcmp(tuning->entries[i].kernel, kernel->name) == 0)
      return tuning->entries[i].coefficients;
  return NULL;
}

tsr_isa tsr__best_isa(const tsr_hardware *hardware) {
  tsr_isa best = TSR_ISA_SCALAR;
  for (int i = 0; i < TSR_ISA_CPU_COUNT; i++)
    if (hardware->isa[i]) best = (tsr_isa)i;
  return best;
}

tsr_status tsr__tuning_create(const tsr_hardware *hardware, tsr_tuning **out) {
  TSR_TRY(tsr__calloc(1, sizeof **out, "a tuning table", out));
  snprintf((*out)->cpu, sizeof(*out)->cpu, "%s", hardware->name);
  snprintf((*out)->isa, sizeof(*out)->isa, "%s", tsr_isa_name(tsr__best_isa(hardware)));
  snprintf((*out)->version, sizeof(*out)->version, "%s", tsr_version());
  return TSR_OK;
}

void tsr_tuning_destroy(tsr_tuning *tuning) { free(tuning); }
