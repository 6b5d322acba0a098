/* One planned layer through the public entry points. tests/test_spmm.c checks every kernel; here it
 * is what lies around them: types, formats, threads, workspaces, arguments. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/half.h"
#include "tessera/execute.h"
#include "tests/compare.h"
#include "tests/forged.h"
#include "tests/reference.h"
#include "tests/spmm_case.h"

enum { M = 70, K = 90, TOKENS = 33 };

static const char *const patterns[] = {"dense", "row",         "column",     "irregular",
                                       "2:4",   "block:16x16", "vnm:16:2:8", "block:16x16+2:4"};
enum { PATTERNS = sizeof patterns / sizeof patterns[0] };

static spmm_case make(const char *text, uint64_t seed) {
  random_state random = random_seed(seed);
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK);
  return spmm_case_create(&random, tsr_pattern_format(&pattern), &pattern, 0.4, M, K, TOKENS, 2);
}

static tsr_linear layer_of(const spmm_case *c) {
  return (tsr_linear){.name = "encoder.layer.3.dense",
                      .weight = c->packed,
                      .bias = c->bias,
                      .activation = TSR_ACTIVATION_GELU};
}

static tsr_plan_options options_of(int32_t threads) {
  return (tsr_plan_options){.max_tokens = TOKENS, .threads = threads};
}

static tsr_linear_plan *plan_of(const tsr_linear *layer, const tsr_plan_options *options) {
  tsr_linear_plan *plan;
  cr_assert_eq(tsr_linear_plan_create(layer, options, &plan), TSR_OK, "%s", tsr_last_error());
  return plan;
}

static void *workspace_of(const tsr_linear_plan *plan) {
  size_t bytes = tsr_linear_plan_workspace_bytes(plan);
  cr_assert_eq(bytes % 64, 0);
  void *workspace = aligned_alloc(64, bytes ? bytes : 64);
  cr_assert(workspace);
  memset(workspace, 0xff, bytes);
  return workspace;
}

static const spmm_variant gelu_bias_residual = {
    .activation = TSR_ACTIVATION_GELU, .bias = 1, .residual = RESIDUAL_APART};

static void execute(const tsr_linear_plan *plan, const spmm_case *c, int64_t tokens, float *y) {
  void *workspace = workspace_of(plan);
  tsr_linear_io io = {.tokens = tokens,
                      .x = c->x,
                      .ldx = c->ldx,
                      .residual = c->residual,
                      .ldr = c->ldr,
                      .y = y,
                      .ldy = M};
  cr_assert_eq(tsr_linear_execute(plan, &io, workspace, tsr_linear_plan_workspace_bytes(plan)),
               TSR_OK, "%s", tsr_last_error());
  free(workspace);
}

static void check(const tsr_linear_plan *plan, const spmm_case *c, int64_t tokens,
                  const char *what) {
  static float y[TOKENS * M];
  static double expected[TOKENS * M];
  execute(plan, c, tokens, y);
  spmm_case_expected(c, gelu_bias_residual, tokens, expected);
  cr_assert(tsr_test_close(what, expected, y, tokens, M, M, spmm_case_tolerance(c)));
}

Test(linear_plan, every_pattern_in_one_to_three_threads) {
  static const int64_t token_counts[] = {0, 1, 2, 3, 17, TOKENS};
  for (int p = 0; p < PATTERNS; p++) {
    spmm_case c = make(patterns[p], 5);
    tsr_linear layer = layer_of(&c);
    for (int32_t threads = 1; threads <= 3; threads++) {
      tsr_plan_options options = options_of(threads);
      tsr_linear_plan *plan = plan_of(&layer, &options);
      for (int i = 0; i < 6; i++) check(plan, &c, token_counts[i], patterns[p]);
      tsr_linear_plan_destroy(plan);
    }
    spmm_case_destroy(&c);
  }
}

Test(linear_plan, a_sparse_weight_runs_on_the_dense_kernel_too) {
  for (int p = 1; p < PATTERNS; p++) {
    spmm_case c = make(patterns[p], 6);
    tsr_linear layer = layer_of(&c);
    tsr_plan_options options = options_of(2);
    options.force_kernel = "tsr_f32_dense_spmm_1x1__scalar";
    tsr_linear_plan *plan = plan_of(&layer, &options);
    const tsr_selection *s = tsr_linear_plan_selection(plan);
    cr_assert_eq(tsr_spmm_kernel_format(s->kernel), TSR_FORMAT_DENSE);
    cr_assert_geq(tsr_linear_plan_weight_bytes(plan), M * K * sizeof(float));
    check(plan, &c, TOKENS, patterns[p]);
    tsr_linear_plan_destroy(plan);
    spmm_case_destroy(&c);
  }
}

/* Widening is exact, so the reference takes the rounded weights and the tolerance stays. */
Test(linear_plan, half_and_bfloat_weights) {
  static const tsr_dtype dtypes[] = {TSR_DTYPE_F16, TSR_DTYPE_BF16};
  for (int p = 0; p < PATTERNS; p++)
    for (int d = 0; d < 2 * 2; d++) {
      spmm_case c = make(patterns[p], 7);
      tsr_pattern pattern = tsr_packed_pattern(&c.packed);
      static uint16_t narrow[M * K];
      cr_assert(tsr__from_f32(c.w, dtypes[d % 2], narrow, M * K));
      cr_assert(tsr__to_f32(narrow, dtypes[d % 2], c.w, M * K));
      tsr_test_sums(c.w, c.stored, M, K, c.x, c.ldx, TOKENS, c.sums);
      tsr_matrix dense = {narrow, dtypes[d % 2], M, K, K};
      tsr_packed packed;
      cr_assert_eq(tsr_pack(&dense, c.packed.format, &pattern, &packed), TSR_OK);
      tsr_linear layer = layer_of(&c);
      layer.weight = packed;
      tsr_plan_options options = options_of(1);
      if (d / 2) options.force_kernel = "tsr_f32_dense_spmm_1x1__scalar";
      tsr_linear_plan *plan = plan_of(&layer, &options);
      check(plan, &c, TOKENS, patterns[p]);
      tsr_linear_plan_destroy(plan);
      tsr_packed_release(&packed);
      spmm_case_destroy(&c);
    }
}

Test(linear_plan, keeps_its_own_copy_of_the_weights) {
  spmm_case c = make("block:16x16", 8);
  tsr_linear layer = layer_of(&c);
  tsr_plan_options options = options_of(1);
  tsr_linear_plan *plan = plan_of(&layer, &options);
  tsr_packed_release(&c.packed);
  check(plan, &c, TOKENS, "after the weight was released");
  tsr_linear_plan_destroy(plan);
  spmm_case_destroy(&c);
}

Test(linear_plan, selection_is_kept_and_obeys_the_options) {
  spmm_case c = make("block:16x16", 9);
  tsr_linear layer = layer_of(&c);
  tsr_hardware scalar = forged_hardware(TSR_ISA_SCALAR);
  tsr_plan_options options = options_of(1);
  options.hardware = &scalar;
  options.no_dense_fallback = 1;
  tsr_linear_plan *plan = plan_of(&layer, &options);
  const tsr_selection *s = tsr_linear_plan_selection(plan);
  cr_assert_str_eq(tsr_spmm_kernel_name(s->kernel), "tsr_f32_bcsr_spmm_1x1__scalar");
  for (int i = 0; i < s->candidate_count; i++)
    cr_assert_eq(tsr_spmm_kernel_format(s->candidates[i].kernel), TSR_FORMAT_BCSR);
  tsr_linear_plan_destroy(plan);
  spmm_case_destroy(&c);
}

Test(linear_plan, zero_sizes) {
  static const int64_t sizes[][2] = {{0, 5}, {5, 0}, {0, 0}};
  const tsr_pattern pattern = {.kind = TSR_PATTERN_DENSE};
  const float bias[5] = {1, 2, 3, 4, 5};
  for (int i = 0; i < 3; i++) {
    tsr_matrix dense = {NULL, TSR_DTYPE_F32, sizes[i][0], sizes[i][1], sizes[i][1]};
    tsr_linear layer = {.bias = bias, .activation = TSR_ACTIVATION_RELU};
    cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_DENSE, &pattern, &layer.weight), TSR_OK, "%s",
                 tsr_last_error());
    tsr_plan_options options = options_of(2);
    tsr_linear_plan *plan = plan_of(&layer, &options);
    void *workspace = workspace_of(plan);
    float x[3 * 5] = {0}, y[3 * 5] = {0};
    tsr_linear_io io = {.tokens = 3, .x = x, .ldx = 5, .y = y, .ldy = 5};
    cr_assert_eq(tsr_linear_execute(plan, &io, workspace, tsr_linear_plan_workspace_bytes(plan)),
                 TSR_OK);
    for (int j = 0; j < 15; j++) cr_assert_eq(y[j], sizes[i][0] ? bias[j % 5] : 0.0f);
    free(workspace);
    tsr_linear_plan_destroy(plan);
    tsr_packed_release(&layer.weight);
  }
}

/* ---- several threads on one plan ---- */

typedef struct job {
  const tsr_linear_plan *plan;
  const spmm_case *c;
  float y[TOKENS * M];
} job;

static void *run_job(void *argument) {
  job *j = argument;
  for (int i = 0; i < 20; i++) execute(j->plan, j->c, TOKENS, j->y);
  return NULL;
}

Test(linear_plan, several_threads_execute_one_plan) {
  enum { JOBS = 4 };
  static job jobs[JOBS];
  static double expected[TOKENS * M];
  pthread_t threads[JOBS];
  spmm_case c = make("block:16x16", 10);
  tsr_linear layer = layer_of(&c);
  tsr_plan_options options = options_of(1);
  tsr_linear_plan *plan = plan_of(&layer, &options);
  for (int i = 0; i < JOBS; i++) {
    jobs[i].plan = plan;
    jobs[i].c = &c;
    cr_assert_eq(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
  }
  spmm_case_expected(&c, gelu_bias_residual, TOKENS, expected);
  for (int i = 0; i < JOBS; i++) {
    cr_assert_eq(pthread_join(threads[i], NULL), 0);
    cr_assert(
        tsr_test_close("concurrent", expected, jobs[i].y, TOKENS, M, M, spmm_case_tolerance(&c)));
  }
  tsr_linear_plan_destroy(plan);
  spmm_case_destroy(&c);
}

/* ---- bad arguments ---- */

static void refuse_plan(const tsr_linear *layer, const tsr_plan_options *options, tsr_status status,
                        const char *word) {
  tsr_linear_plan *plan = (tsr_linear_plan *)1;
  cr_assert_eq(tsr_linear_plan_create(layer, options, &plan), status, "%s", tsr_last_error());
  cr_assert_null(plan);
  cr_assert(strstr(tsr_last_error(), word), "\"%s\" lacks \"%s\"", tsr_last_error(), word);
}

Test(linear_plan, create_refuses_bad_arguments) {
  spmm_case c = make("block:16x16", 11);
  tsr_linear layer = layer_of(&c), bad_layer = layer;
  tsr_plan_options options = options_of(1), bad = options;
  cr_assert_eq(tsr_linear_plan_create(&layer, &options, NULL), TSR_INVALID_ARGUMENT);
  refuse_plan(NULL, &options, TSR_INVALID_ARGUMENT, "NULL");
  refuse_plan(&layer, NULL, TSR_INVALID_ARGUMENT, "NULL");
  bad.threads = 0;
  refuse_plan(&layer, &bad, TSR_INVALID_ARGUMENT, "threads is 0");
  cr_assert(strstr(tsr_last_error(), layer.name));
  bad.threads = 1 << 30;
  refuse_plan(&layer, &bad, TSR_INVALID_ARGUMENT, "1073741824");
  bad = options;
  bad.max_tokens = -1;
  refuse_plan(&layer, &bad, TSR_INVALID_ARGUMENT, "-1");
  bad = options;
  bad.backend = TSR_BACKEND_COUNT;
  refuse_plan(&layer, &bad, TSR_INVALID_ARGUMENT, "backend");
  bad = options;
  bad.force_kernel = "tsr_no_such";
  refuse_plan(&layer, &bad, TSR_NOT_FOUND, "tsr_no_such");
  bad_layer.activation = TSR_ACTIVATION_COUNT;
  refuse_plan(&bad_layer, &options, TSR_INVALID_ARGUMENT, "activation");
  bad_layer = layer;
  bad_layer.weight.nnzb++;
  refuse_plan(&bad_layer, &options, TSR_MALFORMED, layer.name);
  bad_layer.weight = (tsr_packed){.format = TSR_FORMAT_COUNT};
  refuse_plan(&bad_layer, &options, TSR_INVALID_ARGUMENT, layer.name);
  spmm_case_destroy(&c);
}

Test(linear_plan, accessors_accept_null) {
  tsr_linear_plan_destroy(NULL);
  cr_assert_eq(tsr_linear_plan_workspace_bytes(NULL), 0);
  cr_assert_eq(tsr_linear_plan_weight_bytes(NULL), 0);
  cr_assert_null(tsr_linear_plan_selection(NULL));
}

Test(linear_plan, execute_refuses_bad_arguments) {
  spmm_case c = make("block:16x16", 12);
  tsr_linear layer = layer_of(&c);
  tsr_plan_options options = options_of(1);
  tsr_linear_plan *plan = plan_of(&layer, &options);
  size_t bytes = tsr_linear_plan_workspace_bytes(plan);
  char *workspace = workspace_of(plan);
  static float y[TOKENS * M];
  const tsr_linear_io good = {TOKENS, c.x, c.ldx, c.residual, c.ldr, y, M, NULL};
  tsr_linear_io bad[9];
  for (int i = 0; i < 9; i++) bad[i] = good;
  bad[0].tokens = -1;
  bad[1].tokens = TOKENS + 1;
  bad[2].x = NULL;
  bad[3].ldx = K - 1;
  bad[4].y = NULL;
  bad[5].ldy = M - 1;
  bad[6].ldr = M - 1;
  bad[7].ldx = -K;
  bad[8].ldy = INT64_MIN;
  for (int i = 0; i < 9; i++) {
    cr_assert_eq(tsr_linear_execute(plan, &bad[i], workspace, bytes), TSR_INVALID_ARGUMENT, "%d",
                 i);
    cr_assert(strstr(tsr_last_error(), layer.name));
  }
  cr_assert_eq(tsr_linear_execute(NULL, &good, workspace, bytes), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_linear_execute(plan, NULL, workspace, bytes), TSR_INVALID_ARGUMENT);
  if (bytes) {
    cr_assert_eq(tsr_linear_execute(plan, &good, NULL, bytes), TSR_INVALID_ARGUMENT);
    cr_assert_eq(tsr_linear_execute(plan, &good, workspace, bytes - 1), TSR_INVALID_ARGUMENT);
    cr_assert_eq(tsr_linear_execute(plan, &good, workspace + 4, bytes), TSR_INVALID_ARGUMENT);
    cr_assert(strstr(tsr_last_error(), "aligned"));
  }
  tsr_linear_io nothing = {0};
  cr_assert_eq(tsr_linear_execute(plan, &nothing, workspace, bytes), TSR_OK);
  free(workspace);
  tsr_linear_plan_destroy(plan);
  spmm_case_destroy(&c);
}
