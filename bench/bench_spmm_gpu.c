#include "bench/bench_spmm_gpu.h"

#include <math.h>
#include <stdlib.h>

#include "bench/flops.h"
#include "bench/gpu_activations.h"
#include "bench/gpu_layer.h"
#include "bench/layer_record.h"
#include "bench/record.h"
#include "bench/reference.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

enum { VERIFIED_SAMPLES = 256 };

/* A layer in one variant, and its baseline: the layer in dense, or another library's product. */
typedef struct layer {
  const tsr__shape *shape;
  float *weights, *x; /* host, [m, k], not pruned; [n, k] or images, as f16 has them */
  float *pruned;      /* host, [m, k] */
  float *bias;        /* host, [m], as f16 has it; of a convolution, else NULL */
  tsr_packed packed;
  tsr__gpu_layer own, dense;
  const tsr__baseline *library; /* NULL = none, or Tessera's dense kernel */
  tsr__gpu_activations activations;
  void *state;
} layer;

static void layer_close(layer *l) {
  if (l->state) l->library->destroy(l->state);
  tsr__gpu_activations_release(&l->activations);
  tsr__gpu_layer_release(&l->own);
  tsr__gpu_layer_release(&l->dense);
  tsr_packed_release(&l->packed);
  free(l->weights);
  free(l->pruned);
  free(l->bias);
  free(l->x);
}

static size_t input_count(const tsr__shape *s) {
  return (size_t)(tsr__reference_rows(s) * tsr__reference_width(s));
}

/* Random values that f16 holds; the caller frees them. */
static tsr_status make_random(uint64_t seed, size_t count, const char *what, float **out) {
  TSR_TRY(tsr__aligned(count, sizeof **out, what, out));
  tsr__random_floats(seed, *out, count);
  return tsr__gpu_layer_round(TSR_DTYPE_F16, *out, count);
}

static tsr_status layer_open(const tsr__shape *shape, const tsr__variant *variant, layer *l) {
  size_t weights = (size_t)(shape->m * shape->k);
  l->shape = shape;
  TSR_TRY(tsr__aligned(weights, sizeof *l->pruned, "pruned weights", &l->pruned));
  TSR_TRY(make_random(1, weights, "weights", &l->weights));
  TSR_TRY(make_random(2, input_count(shape), "activations", &l->x));
  if (shape->conv.channels) TSR_TRY(make_random(4, (size_t)shape->m, "a bias", &l->bias));
  TSR_TRY(tsr__variant_pack(variant, l->weights, shape->m, shape->k, &l->packed));
  return tsr_unpack_f32(&l->packed, l->pruned, shape->k);
}

static tsr_status plan_layer(const layer *l, const tsr_packed *weight, const char *kernel,
                             const tsr__bench_options *options, tsr__gpu_layer *out) {
  tsr_linear linear = {.name = l->shape->name, .weight = *weight};
  linear.weight.owned = NULL;
  if (l->shape->conv.channels) {
    linear.conv = &l->shape->conv;
    linear.bias = l->bias;
    linear.activation = TSR_ACTIVATION_RELU;
  }
  tsr_plan_options plan = {.backend = TSR_BACKEND_CUDA,
                           .max_tokens = l->shape->n,
                           .threads = 1,
                           .hardware = options->hardware,
                           .force_kernel = kernel,
                           .no_dense_fallback = options->no_dense_fallback};
  return tsr__gpu_layer_create(&linear, &plan, l->x, out);
}

static tsr_status plan_dense(layer *l, const tsr__bench_options *options) {
  const tsr__shape *s = l->shape;
  tsr_packed dense = {.format = TSR_FORMAT_DENSE,
                      .dtype = TSR_DTYPE_F32,
                      .rows = s->m,
                      .cols = s->k,
                      .stored = s->m * s->k,
                      .values = l->weights};
  return plan_layer(l, &dense, NULL, options, &l->dense);
}

/* A product of k terms below 1 in magnitude, summed in f32 and rounded to f16: half a unit of f16's
 * 11 bits, and a rounding of the sum for each term, of which in practice far fewer bits are lost.
 * y: host, [n, m]. */
static tsr_status compare(const layer *l, const float *y, const char *who) {
  const tsr__shape *s = l->shape;
  uint64_t seed = 4;
  for (int i = 0; i < VERIFIED_SAMPLES; i++) {
    int64_t row = (int64_t)(tsr__random_next(&seed) % (uint64_t)s->m);
    int64_t token = (int64_t)(tsr__random_next(&seed) % (uint64_t)s->n);
    double sum = tsr__reference_output(s, l->pruned, l->x, l->bias, row, token);
    double got = (double)y[token * s->m + row];
    TSR_CHECK(fabs(got - sum) <= ldexp(fabs(sum), -11) + 1e-6 * (double)(s->k + 1), TSR_UNSUPPORTED,
              "%s: %s gives %g, not %g, at row %lld of token %lld", s->name, who, got, sum,
              (long long)row, (long long)token);
  }
  return TSR_OK;
}

/* Runs the library's product, which must be the one that was asked for. */
static tsr_status verify_library(const layer *l) {
  float *y;
  size_t count = (size_t)(l->shape->n * l->shape->m);
  TSR_TRY(tsr__aligned(count, sizeof *y, "outputs", &y));
  tsr_status status = l->library->run(l->state);
  if (status == TSR_OK) status = tsr__gpu_activations_read(&l->activations, y, count);
  if (status == TSR_OK) status = compare(l, y, l->library->name);
  free(y);
  return status;
}

static int has_no_product(tsr_status status) {
  return status == TSR_UNSUPPORTED || status == TSR_UNSUPPORTED_SHAPE || status == TSR_STRUCTURE;
}

/* What the library has no product for goes without a baseline: the record says why. */
static tsr_status plan_library(layer *l, const tsr__variant *variant,
                               const tsr__bench_options *options, tsr_record *record) {
  const tsr__shape *s = l->shape;
  const tsr_pattern *p = &variant->pattern;
  size_t x = input_count(s), width = (size_t)tsr__reference_width(s);
  TSR_TRY(tsr__gpu_activations_create(l->x, x, x + TSR__GPU_TOKEN_GROUP * width,
                                      (size_t)(tsr__gpu_tokens(s->n) * s->m), &l->activations));
  l->library = options->baseline;
  l->activations.operands.block = p->block_rows == p->block_cols ? p->block_rows : 0;
  tsr__conv_product conv = {
      .shape = s->conv, .images = tsr__reference_images(s), .bias = l->bias, .relu = 1};
  tsr__product product = {.m = s->m,
                          .k = s->k,
                          .n = s->n,
                          .threads = 1,
                          .weights = l->pruned,
                          .gpu = &l->activations.operands,
                          .conv = s->conv.channels ? &conv : NULL};
  tsr_status status = l->library->create(&product, &l->state);
  if (status == TSR_OK) return verify_library(l);
  if (!has_no_product(status)) return status;
  TSR__SET_TEXT(record->baseline, tsr_last_error());
  record->baseline_version[0] = 0;
  return TSR_OK;
}

/* Of what the layer has computed already. */
static tsr_status verify(const layer *l) {
  const tsr__shape *s = l->shape;
  float *y;
  TSR_TRY(tsr__aligned((size_t)(s->n * s->m), sizeof *y, "outputs", &y));
  tsr_status status = tsr__gpu_layer_read(&l->own, y);
  if (status == TSR_OK)
    status = compare(l, y, tsr_spmm_kernel_name(tsr_linear_plan_selection(l->own.plan)->kernel));
  free(y);
  return status;
}

/* ---- what is counted, what is timed ---- */

static tsr_status count(layer *l, const tsr__bench_options *options, tsr_record *record) {
  tsr__contestant own = {.name = l->shape->name, .run = tsr__gpu_layer_run, .user = &l->own};
  TSR_TRY(tsr__bench_gpu_count(options->gpu, &own, record));
  if (record->executed_share >= 1) TSR_TRY(verify(l));
  if (!l->dense.plan) return TSR_OK;
  tsr_record dense;
  own.user = &l->dense;
  TSR_TRY(tsr__bench_gpu_count(options->gpu, &own, &dense));
  record->baseline_modelled_us = dense.modelled_us;
  return TSR_OK;
}

static tsr_status race(layer *l, const tsr__bench_options *options, tsr__layer_result *out) {
  tsr_record *r = &out->record;
  tsr__contestant contestants[] = {{"tessera", tsr__gpu_layer_run, &l->own, NULL, 0},
                                   {"tessera dense", tsr__gpu_layer_run, &l->dense, NULL, 0}};
  int baseline = l->dense.plan || l->state ? 1 : -1;
  if (l->state)
    contestants[1] = (tsr__contestant){l->library->name, l->library->run, l->state, NULL, 0};
  tsr__race_options race_options = {r->cache, options->min_rounds, options->min_seconds, NULL,
                                    tsr__bench_gpu_race_device(options->gpu)};
  tsr__race_result result;
  TSR_TRY(tsr__gpu_layer_run(&l->own));
  TSR_TRY(verify(l));
  TSR_TRY(tsr__race(contestants, baseline > 0 ? 2 : 1, &race_options, &result));
  tsr_status status =
      tsr__record_timing(&result, 0, baseline, tsr__flops_stored(l->packed.stored, r->n),
                         tsr__flops_dense(r->m, r->k, r->n), r);
  if (status == TSR_OK && baseline > 0) status = tsr__race_speedup(&result, 0, 1, &out->speedup);
  tsr__race_release(&result);
  return status;
}

tsr_status tsr__bench_layer_gpu(const tsr__shape *shape, const tsr__variant *variant,
                                tsr_cache_state cache, const tsr__bench_options *options,
                                tsr__layer_result *out) {
  layer l = {0};
  tsr_status status;
  *out = (tsr__layer_result){.record = tsr__layer_record(shape, 0, cache, options)};
  TSR_TRY_GOTO(status, layer_open(shape, variant, &l), done);
  TSR_TRY_GOTO(status, plan_layer(&l, &l.packed, options->force_kernel, options, &l.own), done);
  if (options->baseline == &tsr__baseline_dense)
    TSR_TRY_GOTO(status, plan_dense(&l, options), done);
  else if (options->baseline)
    TSR_TRY_GOTO(status, plan_library(&l, variant, options, &out->record), done);
  tsr__layer_record_variant(l.own.plan, &l.packed, variant, &out->record);
  out->record.packed_bytes = (int64_t)tsr_linear_plan_weight_bytes(l.own.plan);
  status = tsr__bench_modelled(options) ? count(&l, options, &out->record) : race(&l, options, out);
done:
  layer_close(&l);
  return status;
}
