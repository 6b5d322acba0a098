/* What `tessera prune` prints. */
#ifndef TESSERA_CLI_PRUNE_REPORT_H
#define TESSERA_CLI_PRUNE_REPORT_H

#include "runtime/cli/prune_layer.h"

/* To the standard output: what became of the layers. output: the file that was written. */
tsr_status tsr__prune_report(const tsr__prune_rule *rule, const tsr__prune_layer *layers,
                             size_t count, const char *output, int json);
/* To the standard error: a layer whose statistics had to be mended is not what was asked for. */
void tsr__prune_report_damping(const tsr__prune_layer *layers, size_t count);

#endif
