/* One layer on a GPU. */
#ifndef TESSERA_BENCH_BENCH_SPMM_GPU_H
#define TESSERA_BENCH_BENCH_SPMM_GPU_H

#include "bench/bench_spmm.h"

/* As tsr__bench_layer, on options->gpu: activations and outputs are f16, in device memory, and not
 * converted. Of a simulated GPU the record has counters, and no times. A result that was computed
 * whole is compared with products in double first. */
tsr_status tsr__bench_layer_gpu(const tsr__shape *shape, const tsr__variant *variant,
                                tsr_cache_state cache, const tsr__bench_options *options,
                                tsr__layer_result *out);

#endif
