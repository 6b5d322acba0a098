/* Layers of given shapes: random weights in each variant, raced against a dense baseline. */
#ifndef TESSERA_BENCH_BENCH_SPMM_H
#define TESSERA_BENCH_BENCH_SPMM_H

#include "bench/options.h"
#include "bench/shapes.h"

/* Adds one record per shape x threads x variant x cache state, and one of oneDNN's sgemm per shape
 * x threads x cache state when the baseline is oneDNN's matmul. Activations are token-major, all
 * packing of them is timed. Each variant's result is first compared with a product in double at
 * sampled places: a kernel that computes something else is an error, not a fast kernel. */
tsr_status tsr__bench_spmm(const tsr__shapes *shapes, const tsr__bench_options *options,
                           tsr_report *report);

/* One layer in one variant against the baseline, for callers that want more than medians. */
typedef struct tsr__layer_result {
  tsr_record record;
  double speedup; /* the median of the rounds' ratios; 0 without a baseline */
} tsr__layer_result;
tsr_status tsr__bench_layer(const tsr__shape *shape, const tsr__variant *variant, int32_t threads,
                            tsr_cache_state cache, const tsr__bench_options *options,
                            tsr__layer_result *out);

/* oneDNN's sgemm raced against the dense product of options->baseline. */
tsr_status tsr__bench_sgemm(const tsr__shape *shape, int32_t threads, tsr_cache_state cache,
                            const tsr__bench_options *options, tsr__layer_result *out);

#endif
