/* Tessera: block-sparse inference.
 *
 * The life of a weight matrix:
 *
 *   tsr_checkpoint_open          map a safetensors file                        checkpoint.h
 *   tsr_prune_scores             how much each weight matters                  prune.h
 *   tsr_project, tsr_mask_apply  the best mask that the pattern allows         prune.h
 *   tsr_pack                     drop the zeros                                pack.h
 *   tsr_linear / tsr_model_load  say what is to be computed                    layer.h, model.h
 *   tsr_linear_plan_create,      choose a kernel, lay the weights out for it   plan.h
 *   tsr_model_plan_create
 *   tsr_linear_execute,          run: allocates nothing, any number of         execute.h
 *   tsr_model_execute            threads over one plan
 *   tsr_report_*                 tell what was measured                        report.h
 *
 * Every function that can fail returns a tsr_status; tsr_last_error() then names what was at fault.
 * The library prints nothing, never exits, and never aborts on bad input. */
#ifndef TESSERA_TESSERA_H
#define TESSERA_TESSERA_H

#include "tessera/calibrate.h"
#include "tessera/checkpoint.h"
#include "tessera/execute.h"
#include "tessera/layer.h"
#include "tessera/model.h"
#include "tessera/pack.h"
#include "tessera/plan.h"
#include "tessera/prune.h"
#include "tessera/report.h"
#include "tessera/status.h"
#include "tessera/types.h"

#endif
