#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/layer_kernel.h"
#include "tessera/plan.h"
#include "tests/layer_reference.h"

typedef struct problem {
  int64_t tokens, head_dim, ld, ldy;
  float *qkv, *y, *workspace;
  double *expected;
} problem;

/* q, k and v lie side by side, as in a model, with a column to spare on the right. */
static problem make(const tsr_layer_kernels *kernels, int64_t tokens, int64_t head_dim) {
  problem p = {tokens, head_dim, 3 * head_dim + 1, head_dim + 3, NULL, NULL, NULL, NULL};
  p.qkv = reference_random((size_t)(tokens * p.ld), (uint64_t)(tokens * 131 + head_dim), 2.0f);
  p.y = reference_random((size_t)(tokens * p.ldy), 1, 1.0f);
  p.expected = malloc((size_t)(tokens * head_dim) * sizeof *p.expected);
  p.workspace = aligned_alloc(64, (kernels->attention_bytes(tokens, head_dim) + 63) / 64 * 64);
  return p;
}

static void release(problem *p) {
  free(p->qkv);
  free(p->y);
  free(p->expected);
  free(p->workspace);
}

static void run(const tsr_layer_kernels *kernels, const problem *p, float scale) {
  tsr_attention_args args = {.q = p->qkv,
                             .k = p->qkv + p->head_dim,
                             .v = p->qkv + 2 * p->head_dim,
                             .ld = p->ld,
                             .y = p->y,
                             .ldy = p->ldy,
                             .tokens = p->tokens,
                             .head_dim = p->head_dim,
                             .scale = scale,
                             .workspace = p->workspace};
  kernels->attention(&args);
  reference_attention(args.q, args.k, args.v, p->ld, p->tokens, p->head_dim, scale, p->expected);
}

static void compare(const char *isa, const problem *p, double tolerance) {
  for (int64_t t = 0; t < p->tokens; t++)
    for (int64_t d = 0; d < p->head_dim; d++) {
      float got = p->y[t * p->ldy + d];
      double want = p->expected[t * p->head_dim + d];
      cr_assert(fabs((double)got - want) <= tolerance || (isnan(got) && isnan(want)),
                "%s, %lld tokens, head_dim %lld: [%lld, %lld] is %.9g, not %.9g", isa,
                (long long)p->tokens, (long long)p->head_dim, (long long)t, (long long)d,
                (double)got, want);
    }
}

static const int64_t all_tokens[] = {1, 2, 7, 16, 17, 37, 128, 200};
static const int64_t all_dims[] = {1, 8, 31, 32, 64, 80};

Test(attention, every_isa_agrees_with_the_reference) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++) {
    if (!hardware.isa[isa]) continue;
    for (size_t i = 0; i < sizeof all_tokens / sizeof all_tokens[0]; i++)
      for (size_t j = 0; j < sizeof all_dims / sizeof all_dims[0]; j++) {
        problem p = make(&tsr__layer_kernels[isa], all_tokens[i], all_dims[j]);
        run(&tsr__layer_kernels[isa], &p, 1.0f / sqrtf((float)p.head_dim));
        compare(tsr_isa_name((tsr_isa)isa), &p, 1e-5);
        release(&p);
      }
  }
}

/* What lies between the rows of y must not be written. */
Test(attention, gaps_between_rows_stay_untouched) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++) {
    if (!hardware.isa[isa]) continue;
    problem p = make(&tsr__layer_kernels[isa], 19, 31);
    float *before = reference_random((size_t)(p.tokens * p.ldy), 1, 1.0f);
    run(&tsr__layer_kernels[isa], &p, 0.2f);
    for (int64_t t = 0; t < p.tokens; t++)
      for (int64_t d = p.head_dim; d < p.ldy; d++)
        cr_assert_eq(p.y[t * p.ldy + d], before[t * p.ldy + d], "%s: row %lld, column %lld",
                     tsr_isa_name((tsr_isa)isa), (long long)t, (long long)d);
    free(before);
    release(&p);
  }
}

/* Scores of some thousands: without the largest taken off, exp would overflow. */
Test(attention, large_scores_do_not_overflow) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++) {
    if (!hardware.isa[isa]) continue;
    problem p = make(&tsr__layer_kernels[isa], 33, 32);
    for (int64_t i = 0; i < p.tokens * p.ld; i++) p.qkv[i] = rintf(p.qkv[i] * 4);
    run(&tsr__layer_kernels[isa], &p, 16.0f);
    compare(tsr_isa_name((tsr_isa)isa), &p, 1e-4);
    release(&p);
  }
}

/* A query that holds NaN spoils its own row only; a key, every row; a value, its column. */
Test(attention, nan_passes_through_and_no_further) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++)
    for (int part = 0; part < 3; part++) {
      if (!hardware.isa[isa]) continue;
      problem p = make(&tsr__layer_kernels[isa], 37, 32);
      p.qkv[20 * p.ld + part * 32 + 5] = NAN;
      run(&tsr__layer_kernels[isa], &p, 0.2f);
      compare(tsr_isa_name((tsr_isa)isa), &p, 1e-5);
      release(&p);
    }
}

Test(attention, an_infinite_value_passes_through) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  for (int isa = 0; isa < TSR_ISA_CPU_COUNT; isa++) {
    if (!hardware.isa[isa]) continue;
    problem p = make(&tsr__layer_kernels[isa], 17, 8);
    p.qkv[3 * p.ld + 2 * 8 + 1] = INFINITY;
    run(&tsr__layer_kernels[isa], &p, 0.2f);
    for (int64_t t = 0; t < p.tokens; t++) {
      cr_assert(isinf(p.y[t * p.ldy + 1]) && p.y[t * p.ldy + 1] > 0);
      cr_assert(isfinite(p.y[t * p.ldy]) && isfinite(p.y[t * p.ldy + 2]));
    }
    release(&p);
  }
}
