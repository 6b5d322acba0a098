#include <stdio.h>

#include "bench/bars.h"
#include "bench/bench_spmm.h"
#include "bench/flops.h"
#include "bench/harness.h"
#include "runtime/base/status.h"

enum { MINILM = 1, LARGER = 2, ALL = MINILM | LARGER };

/* Tessera must keep this much of the dense product's speed per stored element. */
static const struct bar {
  const char *pattern;
  double density;
  int shapes;
  double required;
} bars_table[] = {
    {"block:16x16", 0.70, ALL, 0.97},
    {"block:16x16", 0.50, ALL, 0.97},
    {"block:16x16", 0.25, ALL, 0.97},
    {"block:32x32", 0.70, ALL, 0.97},
    {"block:32x32", 0.50, ALL, 0.97},
    {"block:32x32", 0.25, ALL, 0.97},
    {"block:16x16", 0.10, MINILM, 0.90},
    {"block:16x16", 0.10, LARGER, 0.97},
    {"block:4x4", 0.25, ALL, 0.75},
    {"block:8x8", 0.25, ALL, 0.85},
    {"row", 0.50, ALL, 0.95},
    {"column", 0.50, ALL, 0.95},
    {"vnm:64:2:8", 0.25, ALL, 0.65},
    {"vnm:64:2:16", 0.125, ALL, 0.65},
    {"2:4", 0.50, ALL, 0.60},
    {"irregular", 0.10, ALL, 0.55},
    {"irregular", 0.30, ALL, 0.60},
    {"dense", 1.00, ALL, 0.97},
};

static const struct {
  int group;
  tsr__shape shape;
} bars_shapes[] = {
    {MINILM, {.m = 1536, .k = 384, .n = 128, .name = "1536x384"}},
    {MINILM, {.m = 384, .k = 1536, .n = 128, .name = "384x1536"}},
    {LARGER, {.m = 3072, .k = 768, .n = 128, .name = "3072x768"}},
    {LARGER, {.m = 768, .k = 3072, .n = 128, .name = "768x3072"}},
    {LARGER, {.m = 4096, .k = 1024, .n = 128, .name = "4096x1024"}},
};

/* Medians over the repetitions. */
typedef struct {
  double speedup, density, milliseconds;
} measurement;

static tsr_status measure(const tsr__shape *shape, const tsr__variant *variant,
                          tsr_cache_state cache, const tsr__bench_options *options,
                          measurement *out) {
  double speedups[TSR__BARS_REPETITIONS], times[TSR__BARS_REPETITIONS];
  for (int r = 0; r < TSR__BARS_REPETITIONS; r++) {
    tsr__layer_result result;
    TSR_TRY(tsr__bench_layer(shape, variant, 1, cache, options, &result));
    speedups[r] = result.speedup;
    times[r] = result.record.median_ms;
    out->density = result.record.density;
  }
  out->speedup = tsr__quantile(speedups, TSR__BARS_REPETITIONS, 0.5);
  out->milliseconds = tsr__quantile(times, TSR__BARS_REPETITIONS, 0.5);
  return TSR_OK;
}

/* oneDNN's matmul with packed weights, or its sgemm where that is faster: on some CPUs the matmul
 * keeps half of sgemm's rate with many rows. */
static tsr_status strongest_baseline(const tsr__bars *bars, const tsr__shape *shape,
                                     tsr_cache_state cache, const tsr__baseline **out) {
  tsr__bench_options options = tsr__bars_options(bars, &tsr__baseline_onednn);
  tsr__layer_result result;
  TSR_TRY(tsr__bench_sgemm(shape, 1, cache, &options, &result));
  *out = result.speedup > 1 ? &tsr__baseline_sgemm : &tsr__baseline_onednn;
  printf("# %s: %s is raced; sgemm is %.2f times as fast as the packed matmul\n", shape->name,
         (*out)->name, result.speedup);
  return TSR_OK;
}

static tsr_status measure_bar(tsr__bars *bars, const struct bar *bar, const tsr__shape *shape,
                              const tsr__baseline *baseline, tsr_cache_state cache) {
  tsr__variant variant = {.sparsity = 1 - bar->density};
  TSR_TRY(tsr_pattern_parse(bar->pattern, &variant.pattern));
  tsr__bench_options options = tsr__bars_options(bars, baseline);
  options.no_dense_fallback = 1;
  measurement m;
  TSR_TRY(measure(shape, &variant, cache, &options, &m));
  char what[96];
  snprintf(what, sizeof what, "s x d  %-12s %5.1f %%  %s", bar->pattern, 100 * bar->density,
           shape->name);
  double measured = tsr__speedup_density(m.speedup, m.density);
  if (cache == TSR_CACHE_WARM)
    tsr__bars_print(bars, what, 0, bar->required - (bars->avx2 ? 0.1 : 0), measured);
  else
    printf("%-72s cold       measured %6.3f\n", what, measured);
  return TSR_OK;
}

tsr_status tsr__bars_layers(tsr__bars *bars) {
  enum { SHAPES = sizeof bars_shapes / sizeof bars_shapes[0] };
  const tsr__baseline *baselines[SHAPES];
  for (size_t s = 0; s < SHAPES; s++)
    TSR_TRY(strongest_baseline(bars, &bars_shapes[s].shape, TSR_CACHE_WARM, &baselines[s]));
  for (size_t b = 0; b < sizeof bars_table / sizeof bars_table[0]; b++)
    for (size_t s = 0; s < SHAPES; s++)
      if (bars_table[b].shapes & bars_shapes[s].group)
        TSR_TRY(
            measure_bar(bars, &bars_table[b], &bars_shapes[s].shape, baselines[s], TSR_CACHE_WARM));
  return TSR_OK;
}

tsr_status tsr__bars_cold(tsr__bars *bars) {
  const tsr__baseline *baseline;
  TSR_TRY(strongest_baseline(bars, &bars_shapes[0].shape, TSR_CACHE_COLD, &baseline));
  for (size_t b = 0; b < sizeof bars_table / sizeof bars_table[0]; b++)
    TSR_TRY(measure_bar(bars, &bars_table[b], &bars_shapes[0].shape, baseline, TSR_CACHE_COLD));
  return TSR_OK;
}

/* Fewer tokens must not take longer than more; and what selection chooses must keep up with the
 * dense kernel. 5 and 3 % are what repeated races of one kernel with itself differ by. */
static tsr_status sweep_tokens(tsr__bars *bars, const tsr__variant *variant, const char *pattern,
                               tsr__shape shape) {
  static const int64_t tokens[] = {1, 7, 16, 37, 100, 128, 384, 1024};
  tsr__bench_options options = tsr__bars_options(bars, &tsr__baseline_dense);
  double previous = 0;
  for (size_t t = 0; t < sizeof tokens / sizeof tokens[0]; t++) {
    char what[96];
    measurement m;
    shape.n = tokens[t];
    TSR_TRY(measure(&shape, variant, TSR_CACHE_WARM, &options, &m));
    int length = snprintf(what, sizeof what, "%4d tokens  %-11s %2.0f %%  %s", (int)shape.n,
                          pattern, 100 * m.density, shape.name);
    snprintf(what + length, sizeof what - (size_t)length, ": speedup over own dense");
    tsr__bars_print(bars, what, 0, 0.97, m.speedup);
    snprintf(what + length, sizeof what - (size_t)length, ": fewer tokens' time over this");
    if (previous > 0) tsr__bars_print(bars, what, 1, 1.05, previous / m.milliseconds);
    previous = m.milliseconds;
  }
  return TSR_OK;
}

tsr_status tsr__bars_tokens(tsr__bars *bars) {
  static const struct {
    const char *pattern;
    double sparsity;
  } variants[] = {{"block:16x16", 0.5}, {"block:16x16", 0.9}, {"2:4", 0.5}, {"irregular", 0.7}};
  for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
    tsr__variant variant = {.sparsity = variants[v].sparsity};
    TSR_TRY(tsr_pattern_parse(variants[v].pattern, &variant.pattern));
    TSR_TRY(sweep_tokens(bars, &variant, variants[v].pattern, bars_shapes[0].shape));
  }
  return TSR_OK;
}
