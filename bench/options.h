/* What a benchmark run is asked for. */
#ifndef TESSERA_BENCH_OPTIONS_H
#define TESSERA_BENCH_OPTIONS_H

#include "bench/baseline/baseline.h"
#include "bench/bench_gpu.h"
#include "bench/variant.h"
#include "tessera/report.h"

typedef struct tsr__bench_options {
  tsr__variants variants;
  const int32_t *threads;
  size_t thread_count;
  const int32_t *batches, *seqs; /* of models; shapes bring their own n */
  size_t batch_count, seq_count;
  const tsr_cache_state *caches;
  size_t cache_count;
  int32_t min_rounds;
  double min_seconds; /* of each race */
  const tsr_hardware *hardware;
  const tsr_tuning *tuning; /* NULL = built-in coefficients */
  const char *force_kernel; /* NULL = selection chooses */
  int32_t no_dense_fallback;
  const tsr__baseline *baseline; /* opened, of the backend; NULL = none. With a GPU, `dense` stands
                                    for Tessera's own dense kernel there */
  const char *baseline_version;
  tsr__bench_gpu *gpu; /* opened: the CUDA backend is measured on it; NULL = the CPU's */
  void (*progress)(void *user, int64_t done, int64_t total); /* NULL = silent */
  void *progress_user;
} tsr__bench_options;

/* 1 = the GPU is simulated: counters and modelled bounds instead of times. */
static inline int tsr__bench_modelled(const tsr__bench_options *options) {
  return options->gpu && tsr__bench_gpu_simulated(options->gpu);
}

#endif
