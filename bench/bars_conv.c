#include <stdio.h>
#include <string.h>

#include "bench/bars.h"
#include "bench/bench_spmm.h"
#include "bench/harness.h"
#include "bench/model_runs.h"
#include "runtime/base/status.h"

enum { LEAST_CHANNELS = 64, ROUNDS = 10 };

static const tsr_pattern blocks = {.kind = TSR_PATTERN_BLOCK, .block_rows = 16, .block_cols = 16};

/* ---- layers ---- */

/* s x d of every layer, and of all of them weighted by oneDNN's time. */
static tsr_status bar_density(tsr__bars *bars, const tsr__shapes *shapes, double density,
                              double required) {
  tsr__bench_options options = tsr__bars_options(bars, &tsr__baseline_onednn);
  options.no_dense_fallback = 1;
  options.min_rounds = ROUNDS;
  double own = 0, base = 0, kept = 0;
  char what[96];
  for (size_t i = 0; i < shapes->count; i++) {
    const tsr__shape *shape = &shapes->items[i];
    if (shape->conv.channels < LEAST_CHANNELS) continue;
    tsr__variant variant = {.pattern = blocks, .sparsity = 1 - density};
    tsr__layer_result r;
    TSR_TRY(tsr__bench_layer(shape, &variant, 1, TSR_CACHE_WARM, &options, &r));
    double milliseconds = r.record.median_ms * (double)shape->layers;
    own += milliseconds;
    base += milliseconds * r.speedup;
    kept += milliseconds * r.speedup * r.record.density;
    snprintf(what, sizeof what, "s x d  16x16 %2.0f %%  %s (%.3f ms)", 100 * density, shape->name,
             r.record.median_ms);
    tsr__bars_print(bars, what, 0, 0.5, r.speedup * r.record.density);
  }
  snprintf(what, sizeof what, "s x d  16x16 %2.0f %%  all, weighted by oneDNN's time",
           100 * density);
  tsr__bars_print(bars, what, 0, required, own > 0 ? kept / own : 0);
  printf("  (Tessera %.2f ms, oneDNN %.2f ms)\n", own, base);
  return TSR_OK;
}

tsr_status tsr__bars_conv_layers(tsr__bars *bars, const char *path) {
  tsr__shapes shapes;
  TSR_TRY(tsr__shapes_load(path, &shapes));
  double less = bars->avx2 ? 0.1 : 0;
  tsr_status status = bar_density(bars, &shapes, 0.25, 0.80 - less);
  if (status == TSR_OK) status = bar_density(bars, &shapes, 0.10, 0.70 - less);
  tsr__shapes_release(&shapes);
  return status;
}

/* ---- models ---- */

typedef struct runs {
  tsr_model *source, *working;
  tsr__model_input input;
  tsr__model_run dense, sparse, pair;
  tsr__products_run products;
} runs;

static void release(runs *r) {
  tsr__products_run_release(&r->products);
  tsr__model_run_release(&r->dense);
  tsr__model_run_release(&r->sparse);
  tsr__model_run_release(&r->pair);
  tsr__model_input_release(&r->input);
  tsr_model_destroy(r->source);
  tsr_model_destroy(r->working);
}

static tsr_status open_runs(const tsr__bars *bars, const char *model, runs *r) {
  static const tsr__variant dense = {.pattern = {.kind = TSR_PATTERN_DENSE}};
  const tsr__variant sparse = {.pattern = blocks, .sparsity = 0.9};
  tsr__bench_options options = tsr__bars_options(bars, &tsr__baseline_onednn);
  TSR_TRY(tsr_model_preset(model, 1, &r->source));
  TSR_TRY(tsr_model_preset(model, 1, &r->working));
  TSR_TRY(tsr__model_input_create(tsr_model_get_info(r->source), 1, 1, &r->input));
  const struct {
    const tsr__variant *variant;
    int threads;
    tsr__model_run *run;
  } wanted[] = {{&dense, 1, &r->dense}, {&sparse, 1, &r->sparse}, {&sparse, 2, &r->pair}};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
    TSR_TRY(tsr__model_run_create(r->source, r->working, wanted[i].variant, &r->input,
                                  wanted[i].threads, &options, wanted[i].run));
  return tsr__products_run_create(r->source, options.baseline, &r->input, 1, &r->products);
}

/* The medians of one race between all of them; the ratios of its rounds. */
static tsr_status race(tsr__bars *bars, const char *model, double required, runs *r) {
  enum { DENSE, SPARSE, PAIR, ONEDNN, COUNT };
  tsr__contestant contestants[COUNT] = {
      {"dense", tsr__model_run_execute, &r->dense, NULL, 0},
      {"sparse", tsr__model_run_execute, &r->sparse, NULL, 0},
      {"two threads", tsr__model_run_execute, &r->pair, NULL, 0},
      {"onednn", tsr__products_run_execute, &r->products, NULL, 0}};
  tsr__race_options options = {TSR_CACHE_WARM, ROUNDS, 1, NULL, NULL};
  tsr__race_result result;
  const struct {
    size_t fast, slow;
    double least;
    const char *what;
  } ratios[] = {{SPARSE, ONEDNN, required, "16x16 90 %: speedup over oneDNN's dense convolutions"},
                {DENSE, ONEDNN, 1 / 1.21, "dense: oneDNN's convolutions over its time"},
                {PAIR, SPARSE, 1.7, "16x16 90 %: two threads"}};
  TSR_TRY(tsr__race(contestants, COUNT, &options, &result));
  tsr_status status = TSR_OK;
  for (size_t i = 0; i < sizeof ratios / sizeof ratios[0] && status == TSR_OK; i++) {
    double speedup;
    char what[96];
    status = tsr__race_speedup(&result, ratios[i].fast, ratios[i].slow, &speedup);
    snprintf(what, sizeof what, "%s, %s", model, ratios[i].what);
    if (status == TSR_OK) tsr__bars_print(bars, what, 0, ratios[i].least, speedup);
  }
  for (size_t i = 0; i < COUNT && status == TSR_OK; i++) {
    tsr__timing timing;
    status = tsr__race_timing(&result, i, &timing);
    if (status == TSR_OK) printf("  %s %.2f ms\n", contestants[i].name, timing.median_ms);
  }
  if (status == TSR_OK)
    puts("  (onednn: the sum of its convolutions and the classifier; pooling is left out)");
  tsr__race_release(&result);
  return status;
}

tsr_status tsr__bars_conv_model(tsr__bars *bars, const char *model) {
  runs r = {0};
  tsr_status status = open_runs(bars, model, &r);
  if (status == TSR_OK) status = race(bars, model, strcmp(model, "resnet18") ? 3.0 : 2.8, &r);
  release(&r);
  return status;
}
