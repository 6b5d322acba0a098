/* What BatchNorm's scale and shift make up for. */
#ifndef TESSERA_CLI_PRUNE_RESTORE_H
#define TESSERA_CLI_PRUNE_RESTORE_H

#include "runtime/cli/prune_calibrated.h"

/* Sets the layer's scale and shift so that every filter has the mean and the variance that it has
 * in the unpruned model. Other layers, and rows that are gone, stay as they are. */
tsr_status tsr__restore_moments(const tsr__calibrated_place *place, const tsr_moments *now,
                                const tsr_moments *wanted);

#endif
