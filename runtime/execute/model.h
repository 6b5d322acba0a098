/* What every way of executing a model checks first. */
#ifndef TESSERA_EXECUTE_MODEL_H
#define TESSERA_EXECUTE_MODEL_H

#include "tessera/execute.h"

tsr_status tsr__model_execute_check(const tsr_model_plan *plan, const tsr_batch *batch,
                                    const void *workspace, size_t workspace_bytes);

tsr_status tsr__image_execute_check(const tsr_model_plan *plan, const tsr_image_batch *batch,
                                    const void *workspace, size_t workspace_bytes);

#endif
