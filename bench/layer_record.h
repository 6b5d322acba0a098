/* What the records of layers have in common. */
#ifndef TESSERA_BENCH_LAYER_RECORD_H
#define TESSERA_BENCH_LAYER_RECORD_H

#include "bench/options.h"
#include "bench/shapes.h"

/* threads: 0 on a GPU. */
tsr_record tsr__layer_record(const tsr__shape *shape, int32_t threads, tsr_cache_state cache,
                             const tsr__bench_options *options);

/* What runs, and why. */
void tsr__layer_record_variant(const tsr_linear_plan *plan, const tsr_packed *packed,
                               const tsr__variant *variant, tsr_record *record);

#endif
