#include "bench/bench_spmm.h"

#include <math.h>
#include <stdlib.h>

#include "bench/bench_spmm_gpu.h"
#include "bench/flops.h"
#include "bench/layer_record.h"
#include "bench/record.h"
#include "bench/reference.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/linear_plan.h"
#include "tessera/execute.h"

enum { VERIFIED_SAMPLES = 256 };

/* One layer in all that a race needs. */
typedef struct {
  const tsr__shape *shape;
  float *weights; /* host, [m, k], not pruned */
  float *x;       /* host, [n, k], or an image */
  float *bias;    /* host, [m]; of a convolution, which a ReLU follows, too */
  float *y;       /* host, [n, m]; the contestants' alike */
  tsr_packed packed;
  tsr_linear_plan *plan;
  void *workspace;
  size_t workspace_bytes;
} layer;

static void layer_close(layer *l) {
  tsr_linear_plan_destroy(l->plan);
  tsr_packed_release(&l->packed);
  free(l->workspace);
  free(l->weights);
  free(l->x);
  free(l->bias);
  free(l->y);
}

static tsr_status run_layer(void *user) {
  layer *l = user;
  const tsr__shape *s = l->shape;
  tsr_linear_io io = {
      .tokens = s->n, .x = l->x, .ldx = tsr__reference_width(s), .y = l->y, .ldy = s->m};
  return tsr_linear_execute(l->plan, &io, l->workspace, l->workspace_bytes);
}

static size_t input_floats(const tsr__shape *s) {
  return (size_t)(tsr__reference_rows(s) * tsr__reference_width(s));
}

/* The matrices alone; l is zeroed and closed by the caller. */
static tsr_status layer_open(const tsr__shape *shape, layer *l) {
  size_t m = (size_t)shape->m, k = (size_t)shape->k, n = (size_t)shape->n, x = input_floats(shape);
  l->shape = shape;
  TSR_TRY(tsr__aligned(m * k, sizeof *l->weights, "weights", &l->weights));
  TSR_TRY(tsr__aligned(x, sizeof *l->x, "activations", &l->x));
  TSR_TRY(tsr__aligned(n * m, sizeof *l->y, "outputs", &l->y));
  tsr__random_floats(1, l->weights, m * k);
  tsr__random_floats(2, l->x, x);
  tsr__random_floats(3, l->y, n * m);
  if (!shape->conv.channels) return TSR_OK;
  TSR_TRY(tsr__aligned(m, sizeof *l->bias, "a bias", &l->bias));
  tsr__random_floats(4, l->bias, m);
  return TSR_OK;
}

static tsr_status layer_plan(layer *l, const tsr__variant *variant, int32_t threads,
                             const tsr__bench_options *options) {
  const tsr__shape *s = l->shape;
  TSR_TRY(tsr__variant_pack(variant, l->weights, s->m, s->k, &l->packed));
  tsr_linear linear = {.name = s->name, .weight = l->packed};
  linear.weight.owned = NULL;
  if (s->conv.channels) {
    linear.conv = &s->conv;
    linear.bias = l->bias;
    linear.activation = TSR_ACTIVATION_RELU;
  }
  tsr_plan_options plan = {.backend = TSR_BACKEND_CPU,
                           .max_tokens = s->n,
                           .threads = threads,
                           .hardware = options->hardware,
                           .tuning = options->tuning,
                           .force_kernel = options->force_kernel,
                           .no_dense_fallback = options->no_dense_fallback};
  TSR_TRY(tsr_linear_plan_create(&linear, &plan, &l->plan));
  l->workspace_bytes = tsr_linear_plan_workspace_bytes(l->plan);
  return tsr__aligned(l->workspace_bytes, 1, "a workspace", &l->workspace);
}

/* Compares samples of y with products in double. */
static tsr_status verify(layer *l) {
  const tsr__shape *s = l->shape;
  float *weights;
  TSR_TRY(tsr__aligned((size_t)(s->m * s->k), sizeof *weights, "unpacked weights", &weights));
  tsr_status status;
  TSR_TRY_GOTO(status, tsr_unpack_f32(&l->packed, weights, s->k), done);
  TSR_TRY_GOTO(status, run_layer(l), done);
  uint64_t seed = 4;
  for (int i = 0; i < VERIFIED_SAMPLES && status == TSR_OK; i++) {
    int64_t row = (int64_t)(tsr__random_next(&seed) % (uint64_t)s->m);
    int64_t token = (int64_t)(tsr__random_next(&seed) % (uint64_t)s->n);
    double sum = tsr__reference_output(s, weights, l->x, l->bias, row, token);
    double got = (double)l->y[token * s->m + row];
    /* k + 1 roundings of values below k in magnitude; in practice far fewer bits are lost. */
    if (!(fabs(got - sum) <= 1e-6 * (double)(s->k + 1)))
      status =
          tsr__error(TSR_UNSUPPORTED, "%s: kernel %s gives %g, not %g, at row %lld of token %lld",
                     s->name, tsr_spmm_kernel_name(tsr_linear_plan_selection(l->plan)->kernel), got,
                     sum, (long long)row, (long long)token);
  }
done:
  free(weights);
  return status;
}

/* Ranges that a contestant touches, apart from its weights. */
enum { RANGE_X, RANGE_Y, RANGE_WEIGHTS, RANGE_WORKSPACE, RANGE_COUNT };

static void set_ranges(const layer *l, tsr__range weights, tsr__range ranges[RANGE_COUNT]) {
  const tsr__shape *s = l->shape;
  ranges[RANGE_X] = (tsr__range){l->x, input_floats(s) * sizeof(float)};
  ranges[RANGE_Y] = (tsr__range){l->y, (size_t)(s->n * s->m) * sizeof(float)};
  ranges[RANGE_WEIGHTS] = weights;
  ranges[RANGE_WORKSPACE] = (tsr__range){l->workspace, l->workspace_bytes};
}

static tsr__contestant own_contestant(layer *l, tsr__range ranges[RANGE_COUNT]) {
  set_ranges(l, (tsr__range){l->plan->weights, l->plan->weight_bytes}, ranges);
  return (tsr__contestant){"tessera", run_layer, l, ranges, RANGE_COUNT};
}

/* A contestant of another library; *state is destroyed by the caller. */
static tsr_status other_contestant(const layer *l, const tsr__baseline *baseline, int32_t threads,
                                   void **state, tsr__range ranges[RANGE_COUNT],
                                   tsr__contestant *out) {
  const tsr__shape *s = l->shape;
  tsr__conv_product conv = {
      .shape = s->conv, .images = tsr__reference_images(s), .bias = l->bias, .relu = 1};
  tsr__product product = {.m = s->m,
                          .k = s->k,
                          .n = s->n,
                          .threads = threads,
                          .weights = l->weights,
                          .x = l->x,
                          .y = l->y,
                          .conv = s->conv.channels ? &conv : NULL};
  TSR_TRY(baseline->create(&product, state));
  set_ranges(l, baseline->weights(*state), ranges);
  *out = (tsr__contestant){baseline->name, baseline->run, *state, ranges, RANGE_COUNT};
  return TSR_OK;
}

/* Races contestants[0] against contestants[1], the baseline, if there is one. */
static tsr_status race(const tsr__contestant contestants[2], const tsr__bench_options *options,
                       int64_t stored, tsr__layer_result *out) {
  tsr_record *r = &out->record;
  size_t count = options->baseline ? 2 : 1;
  tsr__race_options race_options = {r->cache, options->min_rounds, options->min_seconds, NULL,
                                    NULL};
  tsr__race_result result;
  TSR_TRY(tsr__race(contestants, count, &race_options, &result));
  tsr_status status =
      tsr__record_timing(&result, 0, options->baseline ? 1 : -1, tsr__flops_stored(stored, r->n),
                         tsr__flops_dense(r->m, r->k, r->n), r);
  if (status == TSR_OK && options->baseline)
    status = tsr__race_speedup(&result, 0, 1, &out->speedup);
  tsr__race_release(&result);
  return status;
}

tsr_status tsr__bench_layer(const tsr__shape *shape, const tsr__variant *variant, int32_t threads,
                            tsr_cache_state cache, const tsr__bench_options *options,
                            tsr__layer_result *out) {
  if (options->gpu) return tsr__bench_layer_gpu(shape, variant, cache, options, out);
  layer l = {0};
  void *base = NULL;
  tsr__range ranges[2][RANGE_COUNT];
  tsr__contestant contestants[2];
  tsr_status status;
  *out = (tsr__layer_result){.record = tsr__layer_record(shape, threads, cache, options)};
  TSR_TRY_GOTO(status, layer_open(shape, &l), done);
  TSR_TRY_GOTO(status, layer_plan(&l, variant, threads, options), done);
  TSR_TRY_GOTO(status, verify(&l), done);
  contestants[0] = own_contestant(&l, ranges[0]);
  if (options->baseline)
    TSR_TRY_GOTO(
        status, other_contestant(&l, options->baseline, threads, &base, ranges[1], &contestants[1]),
        done);
  tsr__layer_record_variant(l.plan, &l.packed, variant, &out->record);
  out->record.packed_bytes = (int64_t)tsr_packed_bytes(&l.packed);
  status = race(contestants, options, l.packed.stored, out);
done:
  if (base) options->baseline->destroy(base);
  layer_close(&l);
  return status;
}

tsr_status tsr__bench_sgemm(const tsr__shape *shape, int32_t threads, tsr_cache_state cache,
                            const tsr__bench_options *options, tsr__layer_result *out) {
  layer l = {0};
  void *own = NULL, *base = NULL;
  tsr__range ranges[2][RANGE_COUNT];
  tsr__contestant contestants[2];
  tsr_status status;
  *out = (tsr__layer_result){.record = tsr__layer_record(shape, threads, cache, options)};
  tsr_record *r = &out->record;
  TSR_TRY_GOTO(status, layer_open(shape, &l), done);
  TSR_TRY_GOTO(
      status, other_contestant(&l, &tsr__baseline_sgemm, threads, &own, ranges[0], &contestants[0]),
      done);
  TSR_TRY_GOTO(status,
               other_contestant(&l, options->baseline, threads, &base, ranges[1], &contestants[1]),
               done);
  r->density = 1;
  r->packed_bytes = r->dense_bytes;
  TSR__SET_TEXT(r->pattern, "dense");
  TSR__SET_TEXT(r->format, tsr_format_name(TSR_FORMAT_DENSE));
  TSR__SET_TEXT(r->kernel, tsr__baseline_sgemm.name);
  TSR__SET_TEXT(r->reason, "another dense product, for comparison");
  status = race(contestants, options, shape->m * shape->k, out);
done:
  if (own) tsr__baseline_sgemm.destroy(own);
  if (base) options->baseline->destroy(base);
  layer_close(&l);
  return status;
}

/* All records of one shape at one number of threads in one cache state. */
static tsr_status bench_shape(const tsr__shape *shape, int32_t threads, tsr_cache_state cache,
                              const tsr__bench_options *options, int64_t *done, int64_t total,
                              tsr_report *report) {
  tsr__layer_result result;
  for (size_t v = 0; v < options->variants.count; v++) {
    TSR_TRY(tsr__bench_layer(shape, &options->variants.items[v], threads, cache, options, &result));
    TSR_TRY(tsr_report_add(report, &result.record));
    if (options->progress) options->progress(options->progress_user, ++*done, total);
  }
  if (options->baseline != &tsr__baseline_onednn || shape->conv.channels) return TSR_OK;
  TSR_TRY(tsr__bench_sgemm(shape, threads, cache, options, &result));
  return tsr_report_add(report, &result.record);
}

/* Products of tokens bring their own n. */
static size_t batches_of(const tsr__shape *shape, const tsr__bench_options *options) {
  return shape->conv.channels ? options->batch_count : 1;
}

static tsr_status bench_batches(const tsr__shape *shape, int32_t threads, tsr_cache_state cache,
                                const tsr__bench_options *options, int64_t *done, int64_t total,
                                tsr_report *report) {
  for (size_t b = 0; b < batches_of(shape, options); b++) {
    tsr__shape batch = *shape;
    if (shape->conv.channels) batch.n *= options->batches[b];
    TSR_TRY(bench_shape(&batch, threads, cache, options, done, total, report));
  }
  return TSR_OK;
}

tsr_status tsr__bench_spmm(const tsr__shapes *shapes, const tsr__bench_options *options,
                           tsr_report *report) {
  /* A GPU knows no threads, and a simulated one no caches that could be cold. */
  size_t threads = options->gpu ? 1 : options->thread_count, products = 0;
  size_t caches = tsr__bench_modelled(options) ? 1 : options->cache_count;
  for (size_t s = 0; s < shapes->count; s++) products += batches_of(&shapes->items[s], options);
  int64_t done = 0, total = (int64_t)(products * threads * caches * options->variants.count);
  for (size_t s = 0; s < shapes->count; s++)
    for (size_t t = 0; t < threads; t++)
      for (size_t c = 0; c < caches; c++)
        TSR_TRY(bench_batches(&shapes->items[s], options->threads[t], options->caches[c], options,
                              &done, total, report));
  return TSR_OK;
}
