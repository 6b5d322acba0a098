/* The budget by measurement. */
#ifndef TESSERA_CLI_PRUNE_MEASURE_H
#define TESSERA_CLI_PRUNE_MEASURE_H

#include "runtime/cli/prune_calibrated.h"

/* sparsities: [run->count], written: those of the layers that together have the rule's sparsity, or
 * reach its target, and move the model's embeddings least, as measured by pruning each layer alone
 * at several sparsities. TSR_UNSUPPORTED: a target that no sparsities reach. */
tsr_status tsr__budget_measure(const tsr__prune_rule *rule, const tsr__calibrated_run *run,
                               double *sparsities);

#endif
