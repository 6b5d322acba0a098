#include <stdio.h>

#include "bench/bars.h"
#include "bench/harness.h"
#include "bench/model_runs.h"
#include "runtime/base/status.h"

enum { ROUNDS = 20 };

static const tsr__variant dense_variant = {.pattern = {.kind = TSR_PATTERN_DENSE}};
static const tsr__variant sparse_variant = {
    .pattern = {.kind = TSR_PATTERN_BLOCK, .block_rows = 16, .block_cols = 16}, .sparsity = 0.9};

typedef struct {
  tsr_checkpoint *checkpoint;
  tsr_model *source, *working;
} models;

static tsr_status open_models(const char *path, models *out) {
  if (!path) {
    TSR_TRY(tsr_model_preset("minilm", 1, &out->source));
    return tsr_model_preset("minilm", 1, &out->working);
  }
  TSR_TRY(tsr_checkpoint_open(path, &out->checkpoint));
  TSR_TRY(tsr_model_load(out->checkpoint, &out->source));
  return tsr_model_load(out->checkpoint, &out->working);
}

static void close_models(models *m) {
  tsr_model_destroy(m->source);
  tsr_model_destroy(m->working);
  tsr_checkpoint_close(m->checkpoint);
}

/* The median over repetitions of ROUNDS-round races of median(slow / fast); *fast_ms likewise. */
static tsr_status repeat_race(const tsr__contestant *fast, const tsr__contestant *slow,
                              double *speedup, double *fast_ms) {
  tsr__contestant pair[] = {*fast, *slow};
  tsr__race_options options = {TSR_CACHE_WARM, ROUNDS, 0.5, NULL, NULL};
  double speedups[TSR__BARS_REPETITIONS], times[TSR__BARS_REPETITIONS];
  for (int r = 0; r < TSR__BARS_REPETITIONS; r++) {
    tsr__race_result race;
    tsr__timing timing = {0};
    TSR_TRY(tsr__race(pair, 2, &options, &race));
    tsr_status status = tsr__race_speedup(&race, 0, 1, &speedups[r]);
    if (status == TSR_OK) status = tsr__race_timing(&race, 0, &timing);
    tsr__race_release(&race);
    TSR_TRY(status);
    times[r] = timing.median_ms;
  }
  *speedup = tsr__quantile(speedups, TSR__BARS_REPETITIONS, 0.5);
  *fast_ms = tsr__quantile(times, TSR__BARS_REPETITIONS, 0.5);
  return TSR_OK;
}

static tsr__contestant model_contestant(tsr__model_run *run) {
  return (tsr__contestant){"tessera", tsr__model_run_execute, run, NULL, 0};
}

/* One sequence of 128 tokens in one thread. */
static tsr_status bar_latency(tsr__bars *bars, const models *m) {
  tsr__bench_options options = tsr__bars_options(bars, &tsr__baseline_onednn);
  tsr__model_input input;
  tsr__model_run dense = {0}, sparse = {0};
  tsr__products_run products = {0};
  double speedup, sparse_ms, dense_ms, ratio;
  tsr_status status;
  TSR_TRY(tsr__model_input_create(tsr_model_get_info(m->source), 1, 128, &input));
  TSR_TRY_GOTO(
      status,
      tsr__model_run_create(m->source, m->working, &dense_variant, &input, 1, &options, &dense),
      done);
  TSR_TRY_GOTO(
      status,
      tsr__model_run_create(m->source, m->working, &sparse_variant, &input, 1, &options, &sparse),
      done);
  TSR_TRY_GOTO(status, tsr__products_run_create(m->source, options.baseline, &input, 1, &products),
               done);
  tsr__contestant dense_run = model_contestant(&dense), sparse_run = model_contestant(&sparse);
  tsr__contestant products_run = {"products", tsr__products_run_execute, &products, NULL, 0};
  TSR_TRY_GOTO(status, repeat_race(&sparse_run, &dense_run, &speedup, &sparse_ms), done);
  TSR_TRY_GOTO(status, repeat_race(&dense_run, &products_run, &ratio, &dense_ms), done);
  tsr__bars_print(bars, "MiniLM, 16x16 90 %: speedup over own dense", 0, 4.5, speedup);
  tsr__bars_print(bars, "MiniLM, 16x16 90 %: milliseconds", 1, 5.5, sparse_ms);
  tsr__bars_print(bars, "MiniLM, dense: time over 1.15 x oneDNN's products", 1, 1.1,
                  1 / (1.15 * ratio));
  printf("  (dense %.2f ms, products %.2f ms, 16x16 90 %% %.2f ms)\n", dense_ms, dense_ms * ratio,
         sparse_ms);
done:
  tsr__products_run_release(&products);
  tsr__model_run_release(&sparse);
  tsr__model_run_release(&dense);
  tsr__model_input_release(&input);
  return status;
}

/* Eight sequences: two threads against one. */
static tsr_status bar_threads(tsr__bars *bars, const models *m, const tsr__variant *variant,
                              const char *what) {
  tsr__bench_options options = tsr__bars_options(bars, NULL);
  tsr__model_input input;
  tsr__model_run one = {0}, two = {0};
  double speedup, milliseconds;
  tsr_status status;
  TSR_TRY(tsr__model_input_create(tsr_model_get_info(m->source), 8, 128, &input));
  TSR_TRY_GOTO(status,
               tsr__model_run_create(m->source, m->working, variant, &input, 1, &options, &one),
               done);
  TSR_TRY_GOTO(status,
               tsr__model_run_create(m->source, m->working, variant, &input, 2, &options, &two),
               done);
  tsr__contestant one_run = model_contestant(&one), two_run = model_contestant(&two);
  TSR_TRY_GOTO(status, repeat_race(&two_run, &one_run, &speedup, &milliseconds), done);
  tsr__bars_print(bars, what, 0, 1.7, speedup);
done:
  tsr__model_run_release(&two);
  tsr__model_run_release(&one);
  tsr__model_input_release(&input);
  return status;
}

tsr_status tsr__bars_models(tsr__bars *bars, const char *path) {
  models m = {0};
  tsr_status status;
  TSR_TRY_GOTO(status, open_models(path, &m), done);
  TSR_TRY_GOTO(status, bar_latency(bars, &m), done);
  TSR_TRY_GOTO(status,
               bar_threads(bars, &m, &sparse_variant, "MiniLM, 16x16 90 %, batch 8: two threads"),
               done);
  status = bar_threads(bars, &m, &dense_variant, "MiniLM, dense, batch 8: two threads");
done:
  close_models(&m);
  return status;
}
