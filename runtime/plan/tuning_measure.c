/* Measuring the coefficients of the cost model: random matrices of a few structures and sizes are
 * run by every kernel that can, on one thread, and each kernel's coefficients fitted to its times.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/cost.h"
#include "runtime/plan/registry.h"
#include "runtime/plan/tuning.h"
#include "tessera/execute.h"
#include "tessera/prune.h"

static const struct {
  tsr_format format;
  tsr_pattern pattern;
  double sparsity; /* < 0: the pattern's own */
} structures[] = {
    {TSR_FORMAT_DENSE, {.kind = TSR_PATTERN_DENSE}, 0.0},
    {TSR_FORMAT_COMPACT, {.kind = TSR_PATTERN_ROW}, 0.5},
    {TSR_FORMAT_COMPACT, {.kind = TSR_PATTERN_COLUMN}, 0.5},
    {TSR_FORMAT_CSR, {.kind = TSR_PATTERN_IRREGULAR}, 0.7},
    {TSR_FORMAT_CSR, {.kind = TSR_PATTERN_IRREGULAR}, 0.95},
    {TSR_FORMAT_NM, {.kind = TSR_PATTERN_NM, .n = 2, .m = 4}, -1.0},
    {TSR_FORMAT_NM, {.kind = TSR_PATTERN_NM, .n = 2, .m = 8}, -1.0},
    {TSR_FORMAT_BCSR, {.kind = TSR_PATTERN_BLOCK, .block_rows = 4, .block_cols = 4}, 0.75},
    {TSR_FORMAT_BCSR, {.kind = TSR_PATTERN_BLOCK, .block_rows = 8, .block_cols = 8}, 0.75},
    {TSR_FORMAT_BCSR, {.kind = TSR_PATTERN_BLOCK, .block_rows = 16, .block_cols = 16}, 0.5},
    {TSR_FORMAT_BCSR, {.kind = TSR_PATTERN_BLOCK, .block_rows = 16, .block_cols = 16}, 0.9},
    {TSR_FORMAT_BCSR, {.kind = TSR_PATTERN_BLOCK, .block_rows = 32, .block_cols = 32}, 0.5},
    {TSR_FORMAT_VNM, {.kind = TSR_PATTERN_VNM, .v = 64, .n = 2, .m = 8}, -1.0},
    {TSR_FORMAT_VNM, {.kind = TSR_PATTERN_VNM, .v = 64, .n = 2, .m = 16}, -1.0},
    {TSR_FORMAT_BCSR_NM,
     {.kind = TSR_PATTERN_BLOCK_NM, .block_rows = 16, .block_cols = 16, .n = 2, .m = 4},
     0.75},
};
static const int64_t shapes[][2] = {{256, 256}, {1536, 384}, {384, 1536}, {3072, 768}};
static const int64_t token_counts[] = {1, 16, 128};

enum {
  STRUCTURES = sizeof structures / sizeof structures[0],
  SHAPES = sizeof shapes / sizeof shapes[0],
  TOKEN_COUNTS = sizeof token_counts / sizeof token_counts[0],
  TOKENS_MAX = 128,
  ELEMENTS_MAX = 3072 * 768,
  FEATURES_MAX = 3072,
  SAMPLES_MAX = STRUCTURES * SHAPES * TOKEN_COUNTS,
};

/* Runs that take longer are left out, which bounds the total time: the terms of slow kernels show
 * in smaller problems, too. Runs are timed in batches so that the clock's grain is small. */
static const tsr__tuning_effort whole = {
    .structures = STRUCTURES, .shapes = SHAPES, .run_us_max = 4000.0, .batch_us = 300.0};
enum { BATCHES = 4 };

typedef struct bench {
  const tsr_hardware *hardware;
  const tsr__tuning_effort *effort;
  float *weights, *scores, *x, *y;
  tsr_mask *mask;
  tsr__sample *samples; /* [TSR__TUNING_MAX][SAMPLES_MAX] */
  int counts[TSR__TUNING_MAX];
} bench;

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static void fill(float *out, int64_t count, uint64_t seed, float low) {
  for (int64_t i = 0; i < count; i++) {
    seed ^= seed >> 12, seed ^= seed << 25, seed ^= seed >> 27;
    out[i] = low + (float)((seed * 0x2545f4914f6cdd1du) >> 40) * 0x1p-24f;
  }
}

static void destroy(bench *b) {
  free(b->weights);
  free(b->scores);
  free(b->x);
  free(b->y);
  free(b->mask);
  free(b->samples);
}

static tsr_status create(bench *b) {
  const char *what = "tuning";
  TSR_TRY(tsr__aligned(ELEMENTS_MAX, sizeof(float), what, &b->weights));
  TSR_TRY(tsr__aligned(ELEMENTS_MAX, sizeof(float), what, &b->scores));
  TSR_TRY(tsr__aligned(ELEMENTS_MAX, 1, what, &b->mask));
  TSR_TRY(tsr__aligned(FEATURES_MAX * TOKENS_MAX, sizeof(float), what, &b->x));
  TSR_TRY(tsr__aligned(FEATURES_MAX * TOKENS_MAX, sizeof(float), what, &b->y));
  TSR_TRY(
      tsr__calloc((size_t)TSR__TUNING_MAX * SAMPLES_MAX, sizeof *b->samples, what, &b->samples));
  fill(b->x, FEATURES_MAX * TOKENS_MAX, 1, -0.5f);
  return TSR_OK;
}

static tsr_status make_weight(bench *b, int structure, const int64_t *shape, tsr_packed *out) {
  int64_t m = shape[0], k = shape[1];
  fill(b->weights, m * k, 2, 0.5f); /* no zeros: the mask alone decides what is stored */
  if (structures[structure].pattern.kind != TSR_PATTERN_DENSE) {
    fill(b->scores, m * k, 3, 0.0f);
    TSR_TRY(tsr_project(&structures[structure].pattern, structures[structure].sparsity, b->scores,
                        m, k, b->mask));
    tsr_mask_apply(b->mask, b->weights, m, k);
  }
  tsr_matrix dense = {b->weights, TSR_DTYPE_F32, m, k, k};
  return tsr_pack(&dense, structures[structure].format, &structures[structure].pattern, out);
}

/* The fastest of a few batches: what disturbs a measurement only ever adds time. */
static tsr_status time_run(const tsr_linear_plan *plan, const tsr_linear_io *io, void *workspace,
                           double batch_us, double *us) {
  size_t bytes = tsr_linear_plan_workspace_bytes(plan);
  int64_t runs = 1;
  *us = 0.0;
  for (int batch = 0; batch <= BATCHES; batch++) {
    double start = now_us();
    for (int64_t i = 0; i < runs; i++) TSR_TRY(tsr_linear_execute(plan, io, workspace, bytes));
    double each = (now_us() - start) / (double)runs;
    if (each < 1e-3) each = 1e-3;
    /* The first batch warms up and tells how many runs fill one. */
    if (!batch) runs = each < batch_us ? (int64_t)(batch_us / each) + 1 : 1;
    if (batch == 1 || (batch && each < *us)) *us = each;
  }
  return TSR_OK;
}

static tsr_status run_token_counts(bench *b, const tsr_linear_plan *plan, const tsr_packed *weight,
                                   int kernel_index, void *workspace) {
  const tsr_spmm_kernel *kernel = tsr_spmm_kernel_at((size_t)kernel_index);
  for (int i = 0; i < TOKEN_COUNTS; i++) {
    tsr_spmm_problem problem = {.backend = kernel->backend,
                                .format = weight->format,
                                .pattern = tsr_packed_pattern(weight),
                                .m = weight->rows,
                                .k = weight->cols,
                                .n = token_counts[i],
                                .stored = weight->stored,
                                .threads = 1};
    if (tsr_predicted_us(kernel, &problem, NULL) > b->effort->run_us_max) continue;
    tsr_linear_io io = {
        .tokens = token_counts[i], .x = b->x, .ldx = weight->cols, .y = b->y, .ldy = weight->rows};
    tsr__sample *sample =
        &b->samples[(int64_t)kernel_index * SAMPLES_MAX + b->counts[kernel_index]];
    TSR_TRY(time_run(plan, &io, workspace, b->effort->batch_us, &sample->us));
    tsr__cost_terms(kernel, &problem, sample->terms);
    b->counts[kernel_index]++;
  }
  return TSR_OK;
}

static tsr_status run_kernel(bench *b, const tsr_packed *weight, int kernel_index) {
  tsr_linear layer = {.name = "tuning", .weight = *weight};
  tsr_plan_options options = {
      .max_tokens = TOKENS_MAX,
      .threads = 1,
      .hardware = b->hardware,
      .force_kernel = tsr_spmm_kernel_name(tsr_spmm_kernel_at((size_t)kernel_index))};
  tsr_linear_plan *plan = NULL;
  void *workspace = NULL;
  tsr_status status;
  TSR_TRY_GOTO(status, tsr_linear_plan_create(&layer, &options, &plan), done);
  TSR_TRY_GOTO(status,
               tsr__aligned(tsr_linear_plan_workspace_bytes(plan), 1, "a workspace", &workspace),
               done);
  status = run_token_counts(b, plan, weight, kernel_index, workspace);
done:
  free(workspace);
  tsr_linear_plan_destroy(plan);
  return status;
}

static tsr_status run_structure(bench *b, int structure, const int64_t *shape) {
  tsr_packed weight = {0};
  tsr_status status;
  TSR_TRY_GOTO(status, make_weight(b, structure, shape, &weight), done);
  tsr_spmm_problem problem = {.format = structures[structure].format,
                              .pattern = structures[structure].pattern,
                              .m = shape[0],
                              .k = shape[1],
                              .n = TOKENS_MAX,
                              .stored = weight.stored,
                              .threads = 1};
  const tsr_spmm_kernel *kernel;
  for (int i = 0; i < TSR__TUNING_MAX && (kernel = tsr_spmm_kernel_at((size_t)i)); i++) {
    if (kernel->format != problem.format) continue;
    if (tsr_spmm_kernel_refusal(kernel, &problem, b->hardware)) continue;
    TSR_TRY_GOTO(status, run_kernel(b, &weight, i), done);
  }
done:
  tsr_packed_release(&weight);
  return status;
}

static void fit_all(const bench *b, tsr_tuning *tuning) {
  for (int i = 0; i < TSR__TUNING_MAX; i++) {
    if (!b->counts[i]) continue;
    tsr__tuning_entry *entry = &tuning->entries[tuning->count++];
    memcpy(entry->kernel, tsr_spmm_kernel_at((size_t)i)->name,
           strlen(tsr_spmm_kernel_at((size_t)i)->name) + 1);
    tsr__tuning_fit(b->samples + (int64_t)i * SAMPLES_MAX, b->counts[i], entry->coefficients);
  }
}

tsr_status tsr__tuning_measure(const tsr_hardware *hardware, const tsr__tuning_effort *effort,
                               void (*progress)(void *user, int done, int total), void *user,
                               tsr_tuning **out) {
  bench b = {.hardware = hardware, .effort = effort};
  tsr_tuning *tuning = NULL;
  const int total = effort->structures * effort->shapes;
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__tuning_create(hardware, &tuning), done);
  TSR_TRY_GOTO(status, create(&b), done);
  for (int i = 0; i < total; i++) {
    if (progress) progress(user, i, total);
    TSR_TRY_GOTO(status, run_structure(&b, i / effort->shapes, shapes[i % effort->shapes]), done);
  }
  if (progress) progress(user, total, total);
  fit_all(&b, tuning);
  *out = tuning;
  tuning = NULL;
done:
  destroy(&b);
  tsr_tuning_destroy(tuning);
  return status;
}

tsr_status tsr_tuning_measure(const tsr_hardware *hardware,
                              void (*progress)(void *user, int done, int total), void *user,
                              tsr_tuning **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_tuning_measure: out is NULL");
  *out = NULL;
  TSR_CHECK(hardware, TSR_INVALID_ARGUMENT, "tsr_tuning_measure: hardware is NULL");
  return tsr__tuning_measure(hardware, &whole, progress, user, out);
}
