/* How long layers and models take in a pattern at given sparsities, measured on this machine. */
#ifndef TESSERA_CLI_PRUNE_LATENCY_H
#define TESSERA_CLI_PRUNE_LATENCY_H

#include "runtime/cli/prune_calibrated.h"

typedef struct tsr__latency tsr__latency;

/* values: [run->count], the layers' matrices; they, rule and run must outlive it. Random tokens and
 * random activations are run, one sequence of `tokens`, with the kernels that selection takes from
 * this machine's tuning file where there is one. */
tsr_status tsr__latency_open(const tsr__prune_rule *rule, const tsr__calibrated_run *run,
                             float *const *values, tsr__latency **out);
void tsr__latency_close(tsr__latency *latency); /* NULL is fine */

/* Milliseconds of each layer at each level, in turn and warm. levels: [count] sparsities; ms:
 * [run->count, count]. Layers of one shape are measured once. */
tsr_status tsr__latency_layers(const tsr__latency *latency, const double *levels, size_t count,
                               double *ms);

typedef struct tsr__model_latency {
  double ms, dense_ms; /* medians */
  double speedup;      /* the median of the rounds' */
} tsr__model_latency;

/* The whole model, each layer pruned by magnitude to its sparsity, raced against its dense self.
 * sparsities: [run->count]. */
tsr_status tsr__latency_model(tsr__latency *latency, const double *sparsities,
                              tsr__model_latency *out);

#endif
