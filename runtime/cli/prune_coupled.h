/* Rows that only one other matrix reads: they go together with the columns that read them. */
#ifndef TESSERA_CLI_PRUNE_COUPLED_H
#define TESSERA_CLI_PRUNE_COUPLED_H

#include "runtime/cli/prune_calibrated.h"

/* By the model's layers: the other half of a pair of which both are being pruned; SIZE_MAX = none.
 */
typedef struct tsr__coupling {
  size_t *maker;  /* of the rows that this layer's columns read */
  size_t *reader; /* of this layer's rows */
} tsr__coupling;

/* chosen: [layers of the model], 1 = to be pruned. Release it either way. */
tsr_status tsr__coupling_find(const tsr_model *model, const uint8_t *chosen, tsr__coupling *out);
void tsr__coupling_release(tsr__coupling *coupling);

/* One visit. A layer whose rows another one reads waits with them until that one is visited, and
 * computes as before meanwhile: the columns that read what goes are 0 from that visit on. */
typedef struct tsr__coupled_visit {
  const tsr__prune_rule *rule;
  int threads;
  const tsr__coupling *coupling;
  const tsr__calibrated_place *place;
  tsr__prune_layer *maker; /* the layer of coupling->maker[place->index], if there is one */
} tsr__coupled_visit;
tsr_status tsr__prune_coupled(const tsr__coupled_visit *visit, const tsr_statistics *statistics);

#endif
