/* The layers of a model, one after the other, over one batch. */
#ifndef TESSERA_EXECUTE_RUN_H
#define TESSERA_EXECUTE_RUN_H

#include "runtime/plan/model_plan.h"

typedef struct tsr__run {
  const tsr_model_plan *plan;
  const tsr_batch *batch; /* of a model of images: NULL */
  int64_t tokens, sequences;
  const float *pixels; /* what the image slot is to be; NULL: the slot */
  void *workspace;
} tsr__run;

/* Checks size and alignment of the workspace. */
tsr_status tsr__run_check_workspace(const tsr_model_plan *plan, const void *workspace,
                                    size_t bytes);
/* NULL for TSR__NO_SLOT. */
float *tsr__run_slot(const tsr__run *run, int32_t slot);
tsr_status tsr__run_layers(const tsr__run *run);

#endif
