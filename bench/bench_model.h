/* Whole models: each variant against Tessera's own dense run, and that against oneDNN. */
#ifndef TESSERA_BENCH_BENCH_MODEL_H
#define TESSERA_BENCH_BENCH_MODEL_H

#include "bench/options.h"
#include "tessera/model.h"

/* source: the model as it came. working: the same model loaded once more; its linear weights are
 * replaced variant by variant. For each number of threads, batch, seq and cache state adds
 *   a record of the dense model, its baseline being the sum of the baseline library's products of
 *   the linear layers (so the rest of the model is in Tessera's time only), and
 *   a record of each variant, its baseline being the dense model,
 * all of them raced in one interleaved run. */
tsr_status tsr__bench_model(const tsr_model *source, tsr_model *working,
                            const tsr__bench_options *options, tsr_report *report);

#endif
