/* How a common sparsity is shared among the layers. */
#ifndef TESSERA_CLI_PRUNE_BUDGET_H
#define TESSERA_CLI_PRUNE_BUDGET_H

#include "runtime/cli/prune_calibrated.h"

/* In the order of the words of --budget. */
typedef enum tsr__budget {
  TSR__BUDGET_UNIFORM,
  TSR__BUDGET_ERK,
  TSR__BUDGET_OWL,
  TSR__BUDGET_MEASURED
} tsr__budget;

#define TSR__ROW_BUDGET(values)                                                                  \
  {                                                                                              \
    .kind = TSR__OPTION_CHOICE, .name = "budget", .argument = "uniform|erk|owl|measured",        \
    .help =                                                                                      \
        "how the sparsity is shared: the same in every layer; by the layers' sides (erk); less " \
        "where --calibrate finds weights that matter much more than the others (owl); or so "    \
        "that the embeddings of those lines move least (measured, which takes minutes)",         \
    .offset = offsetof(values, budget), .fallback = "uniform"                                    \
  }

/* Sets the sparsity of every layer. run: how to reach the model for OWL, the measured budget and a
 * global sparsity; its visit is not used. */
tsr_status tsr__budget_share(tsr__budget budget, const tsr__prune_rule *rule,
                             const tsr__calibrated_run *run);

/* The same for a rule that is global and has a method with statistics. */
tsr_status tsr__budget_global(const tsr__prune_rule *rule, const tsr__calibrated_run *run);

#endif
