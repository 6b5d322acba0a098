#include "bench/bench_model.h"

#include <stdlib.h>

#include "bench/flops.h"
#include "bench/model_runs.h"
#include "bench/record.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

/* One point of the sweep. */
typedef struct {
  int32_t threads, batch, seq;
} point;

/* Steps of the sweep: each variant that was planned, each race that was run. */
typedef struct {
  int64_t done, total;
  const tsr__bench_options *options;
} sweep;

static void step(sweep *s) {
  s->done++;
  if (s->options->progress) s->options->progress(s->options->progress_user, s->done, s->total);
}

/* The contestants of one point: [0] is the dense model, [1 + v] variant v, the last one, if there
 * is a baseline, its products. */
typedef struct {
  point at;
  tsr__model_input input;
  tsr__model_run *runs;
  size_t run_count;
  tsr__products_run products;
  tsr__contestant *contestants;
  size_t contestant_count;
} field;

static void field_close(field *f) {
  for (size_t r = 0; r < f->run_count; r++) tsr__model_run_release(&f->runs[r]);
  tsr__products_run_release(&f->products);
  tsr__model_input_release(&f->input);
  free(f->runs);
  free(f->contestants);
}

static tsr_status add_run(const tsr_model *source, tsr_model *working, const tsr__variant *variant,
                          sweep *progress, field *f) {
  tsr__model_run *run = &f->runs[f->run_count];
  TSR_TRY(tsr__model_run_create(source, working, variant, &f->input, f->at.threads,
                                progress->options, run));
  f->run_count++;
  /* The next execution captures the graph that later ones replay. */
  if (progress->options->gpu && !tsr__bench_modelled(progress->options))
    TSR_TRY(tsr__model_run_execute(run));
  step(progress);
  f->contestants[f->contestant_count++] =
      (tsr__contestant){"tessera", tsr__model_run_execute, run, run->touched, run->touched_count};
  return TSR_OK;
}

static tsr_status add_products(const tsr_model *source, const tsr__baseline *baseline, field *f) {
  TSR_TRY(tsr__products_run_create(source, baseline, &f->input, f->at.threads, &f->products));
  f->contestants[f->contestant_count++] =
      (tsr__contestant){baseline->name, tsr__products_run_execute, &f->products,
                        f->products.touched, f->products.count};
  return TSR_OK;
}

/* f is zeroed but for `at`, and closed by the caller. */
static tsr_status field_open(const tsr_model *source, tsr_model *working, sweep *progress,
                             field *f) {
  const tsr__bench_options *options = progress->options;
  static const tsr__variant dense = {.pattern = {.kind = TSR_PATTERN_DENSE}};
  size_t variants = options->variants.count;
  const tsr_model_info *info = tsr_model_get_info(source);
  TSR_TRY(tsr__model_input_create(info, f->at.batch, f->at.seq, &f->input));
  TSR_TRY(tsr__calloc(variants + 1, sizeof *f->runs, "the variants", &f->runs));
  TSR_TRY(tsr__calloc(variants + 2, sizeof *f->contestants, "the race", &f->contestants));
  TSR_TRY(add_run(source, working, &dense, progress, f));
  for (size_t v = 0; v < variants; v++)
    TSR_TRY(add_run(source, working, &options->variants.items[v], progress, f));
  /* On a GPU the baseline `dense` is the dense model itself. */
  int products = options->gpu ? options->baseline != &tsr__baseline_dense : 1;
  return options->baseline && products ? add_products(source, options->baseline, f) : TSR_OK;
}

static void describe_variant(const tsr__variant *variant, const tsr__model_run *run,
                             tsr_record *r) {
  if (variant->as_is) {
    TSR__SET_TEXT(r->pattern, "asis");
    r->sparsity = 1 - (double)run->stored / (double)run->elements;
  } else {
    tsr_pattern_text(&variant->pattern, r->pattern);
    r->sparsity = variant->sparsity;
  }
}

/* The record of contestant `own`, [0] being dense, without what is measured. */
static tsr_record describe(const field *f, size_t own, tsr_cache_state cache,
                           const tsr_model_info *info, const tsr__bench_options *options) {
  static const tsr__variant dense = {.pattern = {.kind = TSR_PATTERN_DENSE}};
  const tsr__model_run *run = &f->runs[own];
  tsr_record r = {.kind = TSR_RECORD_MODEL,
                  .threads = options->gpu ? 0 : f->at.threads,
                  .batch = f->at.batch,
                  .seq = (int32_t)f->input.seq,
                  .cache = cache,
                  .density = (double)run->stored / (double)run->elements,
                  .packed_bytes = run->packed_bytes};
  TSR__SET_TEXT(r.name, info->name);
  TSR__SET_TEXT(r.format, run->format);
  TSR__SET_TEXT(r.kernel, run->kernel);
  TSR__SET_TEXT(r.reason, run->reason);
  tsr__record_machine(options, &r);
  r.dense_bytes = run->elements * (int64_t)(options->gpu ? sizeof(uint16_t) : sizeof(float));
  describe_variant(own ? &options->variants.items[own - 1] : &dense, run, &r);
  if (own) {
    TSR__SET_TEXT(r.baseline, "tessera dense");
    TSR__SET_TEXT(r.baseline_version, tsr_version());
  } else if (f->products.count) {
    snprintf(r.baseline, sizeof r.baseline, "%s, %s only",
             f->input.pixels ? options->baseline->key : options->baseline->name,
             f->input.pixels ? "convolutions and classifier" : "linear layers");
    TSR__SET_TEXT(r.baseline_version, options->baseline_version);
  }
  return r;
}

static tsr_status race_field(const field *f, tsr_cache_state cache, const tsr_model_info *info,
                             const tsr__bench_options *options, tsr_report *report) {
  tsr__race_options race_options = {cache, options->min_rounds, options->min_seconds, NULL, NULL};
  if (options->gpu) race_options.device = tsr__bench_gpu_race_device(options->gpu);
  tsr__race_result race;
  TSR_TRY(tsr__race(f->contestants, f->contestant_count, &race_options, &race));
  tsr_status status = TSR_OK;
  for (size_t own = 0; own < f->run_count && status == TSR_OK; own++) {
    const tsr__model_run *run = &f->runs[own];
    tsr_record r = describe(f, own, cache, info, options);
    int baseline = own ? 0 : f->products.count ? (int)f->run_count : -1;
    status = tsr__record_timing(&race, own, baseline, run->stored_flops, run->flops, &r);
    if (status == TSR_OK) status = tsr_report_add(report, &r);
  }
  tsr__race_release(&race);
  return status;
}

/* Of a simulated GPU: counters in place of a race. */
static tsr_status count_field(const field *f, const tsr_model_info *info,
                              const tsr__bench_options *options, tsr_report *report) {
  double dense_us = 0;
  for (size_t own = 0; own < f->run_count; own++) {
    tsr_record r = describe(f, own, TSR_CACHE_WARM, info, options);
    TSR_TRY(tsr__bench_gpu_count(options->gpu, &f->contestants[own], &r));
    r.baseline_modelled_us = dense_us;
    if (!own) dense_us = r.modelled_us;
    TSR_TRY(tsr_report_add(report, &r));
  }
  return TSR_OK;
}

static tsr_status bench_point(const tsr_model *source, tsr_model *working, point at,
                              sweep *progress, tsr_report *report) {
  const tsr__bench_options *options = progress->options;
  field f = {.at = at};
  tsr_status status = field_open(source, working, progress, &f);
  const tsr_model_info *info = tsr_model_get_info(source);
  int modelled = tsr__bench_modelled(options);
  if (status == TSR_OK && modelled) status = count_field(&f, info, options, report);
  for (size_t c = 0; c < options->cache_count && status == TSR_OK; c++) {
    if (!modelled) status = race_field(&f, options->caches[c], info, options, report);
    step(progress);
  }
  field_close(&f);
  return status;
}

tsr_status tsr__bench_model(const tsr_model *source, tsr_model *working,
                            const tsr__bench_options *options, tsr_report *report) {
  size_t threads = options->gpu ? 1 : options->thread_count;
  int images = tsr_model_get_info(source)->image_height > 0;
  size_t seqs = images ? 1 : options->seq_count;
  size_t points = threads * options->batch_count * seqs;
  size_t steps = 1 + options->variants.count + options->cache_count;
  sweep progress = {.total = (int64_t)(points * steps), .options = options};
  for (size_t t = 0; t < threads; t++)
    for (size_t b = 0; b < options->batch_count; b++)
      for (size_t s = 0; s < seqs; s++) {
        point at = {options->threads[t], options->batches[b], options->seqs[s]};
        TSR_TRY(bench_point(source, working, at, &progress, report));
      }
  return TSR_OK;
}
