/* Selection as a pure function, on forged machines and forged measurements. */
#include <criterion/criterion.h>
#include <string.h>

#include "kernels/kernel.h"
#include "runtime/plan/registry.h"
#include "runtime/plan/tuning.h"
#include "tests/forged.h"
#include "tests/random.h"

static tsr_spmm_problem bcsr_problem(int64_t stored) {
  return (tsr_spmm_problem){
      .format = TSR_FORMAT_BCSR,
      .pattern = {.kind = TSR_PATTERN_BLOCK, .block_rows = 16, .block_cols = 16},
      .m = 768,
      .k = 512,
      .n = 128,
      .stored = stored,
      .threads = 1};
}

static const char *const sparse_scalar = "tsr_f32_bcsr_spmm_1x1__scalar";
static const char *const dense_scalar = "tsr_f32_dense_spmm_1x1__scalar";

/* A tuning in which the two scalar kernels take a fixed time per call. */
static tsr_tuning fixed_times(double sparse_us, double dense_us) {
  tsr_tuning t = {.count = 2};
  strcpy(t.entries[0].kernel, sparse_scalar);
  strcpy(t.entries[1].kernel, dense_scalar);
  t.entries[0].coefficients[TSR_COST_CALL] = sparse_us;
  t.entries[1].coefficients[TSR_COST_CALL] = dense_us;
  return t;
}

static tsr_selection choose(const tsr_spmm_problem *problem, tsr_isa isa, const tsr_tuning *tuning,
                            const char *force, int allow_dense) {
  tsr_hardware hardware = forged_hardware(isa);
  tsr_selection s;
  cr_assert_eq(tsr_select(problem, &hardware, tuning, force, allow_dense, &s), TSR_OK, "%s",
               tsr_last_error());
  cr_assert_eq(s.kernel, s.candidates[0].kernel);
  cr_assert_str_eq(s.reason, s.candidates[0].reason);
  return s;
}

static const tsr_candidate *candidate(const tsr_selection *s, const char *name) {
  for (int i = 0; i < s->candidate_count; i++)
    if (strcmp(tsr_spmm_kernel_name(s->candidates[i].kernel), name) == 0) return &s->candidates[i];
  return NULL;
}

Test(select, the_chosen_kernel_runs_on_the_machine) {
  tsr_spmm_problem problem = bcsr_problem(768 * 512 / 4);
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++) {
    tsr_selection s = choose(&problem, (tsr_isa)isa, NULL, NULL, 1);
    cr_assert_leq((int)tsr_spmm_kernel_isa(s.kernel), isa);
    if (isa == TSR_ISA_SCALAR) cr_assert_eq(tsr_spmm_kernel_format(s.kernel), TSR_FORMAT_BCSR);
  }
}

Test(select, is_pure) {
  tsr_spmm_problem problem = bcsr_problem(768 * 512 / 4);
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++) {
    tsr_selection a = choose(&problem, (tsr_isa)isa, NULL, NULL, 1);
    tsr_selection b = choose(&problem, (tsr_isa)isa, NULL, NULL, 1);
    cr_assert_eq(memcmp(&a, &b, sizeof a), 0);
  }
}

Test(select, every_candidate_has_a_reason_and_the_chosen_one_is_the_fastest) {
  tsr_spmm_problem problem = bcsr_problem(768 * 512 / 4);
  tsr_selection s = choose(&problem, TSR_ISA_SCALAR, NULL, NULL, 1);
  const tsr_spmm_kernel *kernel;
  int competitors = 0;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++) {
    int competes = kernel->backend == TSR_BACKEND_CPU &&
                   (kernel->format == TSR_FORMAT_BCSR || kernel->format == TSR_FORMAT_DENSE);
    cr_assert_eq(candidate(&s, kernel->name) != NULL, competes, "%s", kernel->name);
    competitors += competes;
  }
  cr_assert_eq(s.candidate_count, competitors);
  for (int i = 0; i < s.candidate_count; i++) {
    const tsr_candidate *c = &s.candidates[i];
    cr_assert_gt(strlen(c->reason), 0);
    if (tsr_spmm_kernel_isa(c->kernel) > TSR_ISA_SCALAR) {
      cr_assert(strstr(c->reason, "needs AVX"), "%s", c->reason);
      cr_assert(strstr(c->reason, "forged away"), "%s", c->reason);
      cr_assert_eq(c->predicted_us, 0.0);
    } else {
      cr_assert_geq(c->predicted_us, s.candidates[0].predicted_us);
    }
  }
}

Test(select, a_losers_reason_tells_by_how_much) {
  tsr_spmm_problem problem = bcsr_problem(768 * 512 / 4);
  tsr_tuning tuning = fixed_times(20.0, 50.0);
  tsr_selection s = choose(&problem, TSR_ISA_SCALAR, &tuning, NULL, 1);
  cr_assert_str_eq(tsr_spmm_kernel_name(s.kernel), sparse_scalar);
  cr_assert_eq(s.candidates[0].predicted_us, 20.0);
  cr_assert(strstr(candidate(&s, dense_scalar)->reason, "predicted 50 us, 2.50x"));
}

Test(select, dense_wins_where_it_is_faster_and_only_where_it_is_allowed) {
  tsr_spmm_problem problem = bcsr_problem(768 * 512);
  tsr_tuning tuning = fixed_times(51.0, 50.0);
  tsr_selection s = choose(&problem, TSR_ISA_SCALAR, &tuning, NULL, 1);
  cr_assert_str_eq(tsr_spmm_kernel_name(s.kernel), dense_scalar);
  s = choose(&problem, TSR_ISA_SCALAR, &tuning, NULL, 0);
  cr_assert_str_eq(tsr_spmm_kernel_name(s.kernel), sparse_scalar);
  cr_assert_null(candidate(&s, dense_scalar));
}

Test(select, a_tie_goes_to_the_weights_own_format) {
  tsr_spmm_problem problem = bcsr_problem(768 * 512);
  tsr_tuning tuning = fixed_times(50.0, 50.0);
  tsr_selection s = choose(&problem, TSR_ISA_SCALAR, &tuning, NULL, 1);
  cr_assert_str_eq(tsr_spmm_kernel_name(s.kernel), sparse_scalar);
}

/* By the model, whatever the coefficients, the format, the size and the machine. */
Test(select, is_never_slower_than_dense) {
  random_state random = random_seed(4);
  const char *const patterns[] = {"row",         "irregular",  "2:4",
                                  "block:16x16", "vnm:64:2:8", "block:16x16+2:4"};
  for (int round = 0; round < 600; round++) {
    tsr_spmm_problem p = bcsr_problem(0);
    cr_assert_eq(tsr_pattern_parse(patterns[round % 6], &p.pattern), TSR_OK);
    p.format = tsr_pattern_format(&p.pattern);
    p.m = random_below(&random, 2000);
    p.k = random_below(&random, 2000);
    p.n = random_below(&random, 300);
    p.stored = (int64_t)(random_unit(&random) * (double)(p.m * p.k));
    p.threads = (int32_t)random_below(&random, 4) + 1;
    tsr_tuning tuning = {0};
    for (size_t i = 0; tsr_spmm_kernel_at(i); i++) {
      tsr__tuning_entry *entry = &tuning.entries[tuning.count++];
      strcpy(entry->kernel, tsr_spmm_kernel_name(tsr_spmm_kernel_at(i)));
      for (int t = 0; t < TSR_COST_TERMS; t++)
        entry->coefficients[t] = random_unit(&random) * (t ? 1e-3 : 1.0);
    }
    tsr_isa isa = (tsr_isa)(round % TSR_ISA_CPU_COUNT);
    tsr_selection s = choose(&p, isa, round % 2 ? &tuning : NULL, NULL, 1);
    double chosen = tsr_predicted_us(s.kernel, &p, round % 2 ? &tuning : NULL);
    for (size_t i = 0; tsr_spmm_kernel_at(i); i++) {
      const tsr_spmm_kernel *kernel = tsr_spmm_kernel_at(i);
      tsr_hardware hardware = forged_hardware(isa);
      if (kernel->format == TSR_FORMAT_DENSE && !tsr_spmm_kernel_refusal(kernel, &p, &hardware))
        cr_assert_leq(chosen, tsr_predicted_us(kernel, &p, round % 2 ? &tuning : NULL));
    }
  }
}

Test(select, predictions_grow_with_the_work) {
  const tsr_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++) {
    if (kernel->format != TSR_FORMAT_BCSR || kernel->backend != TSR_BACKEND_CPU) continue;
    tsr_spmm_problem few = bcsr_problem(768 * 512 / 10), many = bcsr_problem(768 * 512 / 2);
    cr_assert_lt(tsr_predicted_us(kernel, &few, NULL), tsr_predicted_us(kernel, &many, NULL));
    tsr_spmm_problem half = few;
    half.n = few.n / 2;
    cr_assert_lt(tsr_predicted_us(kernel, &half, NULL), tsr_predicted_us(kernel, &few, NULL));
  }
}

Test(select, a_forced_kernel_is_taken_although_slower) {
  tsr_spmm_problem problem = bcsr_problem(768 * 512 / 10);
  tsr_tuning tuning = fixed_times(1.0, 90.0);
  tsr_selection s = choose(&problem, TSR_ISA_SCALAR, &tuning, dense_scalar, 0);
  cr_assert_str_eq(tsr_spmm_kernel_name(s.kernel), dense_scalar);
  cr_assert(strstr(s.reason, "forced"));
  cr_assert(strstr(candidate(&s, sparse_scalar)->reason, "forced"));
}

static tsr_status try_force(const tsr_spmm_problem *problem, tsr_isa isa, const char *name) {
  tsr_hardware hardware = forged_hardware(isa);
  tsr_selection s;
  return tsr_select(problem, &hardware, NULL, name, 1, &s);
}

Test(select, a_forced_kernel_that_cannot_run_is_an_error) {
  tsr_spmm_problem problem = bcsr_problem(100);
  cr_assert_eq(try_force(&problem, TSR_ISA_AVX512, "no_such_kernel"), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), "no_such_kernel"));
  cr_assert_eq(try_force(&problem, TSR_ISA_AVX512, "tsr_f32_csr_spmm_1x1__scalar"), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), "another format"));
  const tsr_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++) {
    if (kernel->isa == TSR_ISA_SCALAR || kernel->format != TSR_FORMAT_BCSR) continue;
    if (kernel->backend != TSR_BACKEND_CPU) continue;
    cr_assert_eq(try_force(&problem, TSR_ISA_SCALAR, kernel->name), TSR_UNSUPPORTED_HARDWARE);
    cr_assert(strstr(tsr_last_error(), "forged away"));
  }
}

Test(select, a_machine_that_can_run_nothing_is_told_why) {
  tsr_spmm_problem problem = bcsr_problem(100);
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  hardware.isa[TSR_ISA_SCALAR] = 0;
  strcpy(hardware.missing[TSR_ISA_SCALAR], "no C");
  tsr_selection s;
  cr_assert_eq(tsr_select(&problem, &hardware, NULL, NULL, 1, &s), TSR_UNSUPPORTED_HARDWARE);
  cr_assert(strstr(tsr_last_error(), "no C"));
}

Test(select, bad_arguments) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  tsr_spmm_problem good = bcsr_problem(100);
  tsr_selection s;
  cr_assert_eq(tsr_select(NULL, &hardware, NULL, NULL, 1, &s), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_select(&good, NULL, NULL, NULL, 1, &s), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_select(&good, &hardware, NULL, NULL, 1, NULL), TSR_INVALID_ARGUMENT);
  tsr_spmm_problem bad[8];
  for (int i = 0; i < 8; i++) bad[i] = good;
  bad[0].m = -1;
  bad[1].k = -1;
  bad[2].n = -1;
  bad[3].stored = -1;
  bad[4].threads = 0;
  bad[5].format = TSR_FORMAT_COUNT;
  bad[6].backend = TSR_BACKEND_COUNT;
  bad[7].format = (tsr_format)-1;
  for (int i = 0; i < 8; i++)
    cr_assert_eq(tsr_select(&bad[i], &hardware, NULL, NULL, 1, &s), TSR_INVALID_ARGUMENT, "%d", i);
  good.m = good.k = INT64_MAX / 2;
  cr_assert_eq(tsr_select(&good, &hardware, NULL, NULL, 1, &s), TSR_UNSUPPORTED_SHAPE);
}

Test(registry, accessors_accept_null_and_the_end) {
  size_t count = 0;
  while (tsr_spmm_kernel_at(count)) count++;
  cr_assert_geq(count, TSR_FORMAT_COUNT);
  cr_assert_lt(count, TSR__TUNING_MAX);
  cr_assert_null(tsr_spmm_kernel_at(SIZE_MAX));
  cr_assert_str_eq(tsr_spmm_kernel_name(NULL), "");
  cr_assert_eq(tsr_spmm_kernel_format(NULL), TSR_FORMAT_COUNT);
  cr_assert_eq(tsr_spmm_kernel_isa(NULL), TSR_ISA_COUNT);
  tsr_spmm_problem problem = bcsr_problem(100);
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  cr_assert_not_null(tsr_spmm_kernel_refusal(NULL, &problem, &hardware));
  cr_assert_not_null(tsr_spmm_kernel_refusal(tsr_spmm_kernel_at(0), NULL, &hardware));
  cr_assert_not_null(tsr_spmm_kernel_refusal(tsr_spmm_kernel_at(0), &problem, NULL));
  cr_assert_eq(tsr_predicted_us(NULL, &problem, NULL), 0.0);
  cr_assert_eq(tsr_predicted_us(tsr_spmm_kernel_at(0), NULL, NULL), 0.0);
}

/* Names follow tsr_<dtype>_<format>_spmm_<MxN>__<isa>, and nobody else has the same one. */
Test(registry, names_tell_format_tile_and_instruction_set) {
  const tsr_spmm_kernel *a, *b;
  for (size_t i = 0; (a = tsr_spmm_kernel_at(i)) != NULL; i++) {
    char wanted[120], steps[40] = "";
    const tsr_cuda_spmm_kernel *cuda =
        a->backend == TSR_BACKEND_CUDA ? tsr__spmm_kernel_cuda(a) : NULL;
    if (cuda) snprintf(steps, sizeof steps, "x%d_s%d", (int)cuda->tile_k, (int)cuda->stages);
    snprintf(wanted, sizeof wanted, "tsr_%s_%s_%s_%dx%d%s__%s",
             !cuda                           ? "f32"
             : cuda->dtype == TSR_DTYPE_BF16 ? "bf16"
                                             : "f16",
             tsr_format_name(a->format), cuda && cuda->ops->convolution ? "conv" : "spmm",
             (int)a->tile_m, (int)a->tile_n, steps, tsr_isa_name(a->isa));
    cr_assert_str_eq(a->name, wanted);
    for (size_t j = 0; j < i && (b = tsr_spmm_kernel_at(j)) != NULL; j++)
      cr_assert_str_neq(a->name, b->name);
  }
}

Test(registry, every_format_has_a_kernel_that_needs_nothing) {
  int found[TSR_FORMAT_COUNT] = {0};
  const tsr_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++)
    found[kernel->format] |= kernel->isa == TSR_ISA_SCALAR;
  for (int f = 0; f < TSR_FORMAT_COUNT; f++)
    cr_assert(found[f], "%s", tsr_format_name((tsr_format)f));
}
