/* What threads may share: a plan, a tokenizer, the library's own state. ThreadSanitizer runs these
 * (label `threads`); the comparison with the single thread's bits holds without it too. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"
#include "tessera/tessera.h"
#include "tests/spmm_case.h"

enum { THREADS = 4, ROUNDS = 5, M = 96, K = 80, TOKENS = 33 };

/* Runs `body` in THREADS threads, each with its own element of `contexts`. */
static void in_threads(void *(*body)(void *), void *contexts, size_t context_bytes) {
  pthread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; i++)
    cr_assert_eq(pthread_create(&threads[i], NULL, body, (char *)contexts + i * context_bytes), 0);
  for (size_t i = 0; i < THREADS; i++) cr_assert_eq(pthread_join(threads[i], NULL), 0);
}

/* ---- errors ---- */

static void *fail_in_turn(void *number) {
  char expected[32];
  for (int round = 0; round < 1000; round++) {
    snprintf(expected, sizeof expected, "thread %d, round %d", *(int *)number, round);
    tsr__error(TSR_IO, "%s", expected);
    if (strcmp(tsr_last_error(), expected)) return *(int *)number = -1, NULL;
  }
  return NULL;
}

Test(threads, each_has_its_own_last_error) {
  int numbers[THREADS] = {0, 1, 2, 3};
  in_threads(fail_in_turn, numbers, sizeof *numbers);
  for (int i = 0; i < THREADS; i++) cr_assert_eq(numbers[i], i);
}

/* ---- hardware ---- */

static void *detect(void *hardware) {
  tsr_hardware_detect(hardware);
  return NULL;
}

Test(threads, hardware_may_be_detected_by_all_at_once) {
  tsr_hardware seen[THREADS];
  memset(seen, 0, sizeof seen);
  in_threads(detect, seen, sizeof *seen);
  for (int i = 1; i < THREADS; i++) cr_assert_eq(memcmp(&seen[0], &seen[i], sizeof seen[0]), 0);
}

/* ---- one plan of a linear layer ---- */

typedef struct linear_job {
  const tsr_linear_plan *plan;
  const spmm_case *c;
  tsr_status status;
  float y[TOKENS * M];
} linear_job;

static void *execute_linear(void *context) {
  linear_job *job = context;
  size_t bytes = tsr_linear_plan_workspace_bytes(job->plan);
  void *workspace = aligned_alloc(64, (bytes / 64 + 1) * 64);
  tsr_linear_io io = {.tokens = TOKENS, .x = job->c->x, .ldx = job->c->ldx, .y = job->y, .ldy = M};
  for (int round = 0; round < ROUNDS && job->status == TSR_OK; round++)
    job->status = tsr_linear_execute(job->plan, &io, workspace, bytes);
  free(workspace);
  return NULL;
}

static void check_shared_plan(const char *pattern_text, int32_t plan_threads) {
  random_state random = random_seed(7);
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(pattern_text, &pattern), TSR_OK);
  spmm_case c =
      spmm_case_create(&random, tsr_pattern_format(&pattern), &pattern, 0.3, M, K, TOKENS, 0);
  tsr_linear layer = {.name = pattern_text, .weight = c.packed, .bias = c.bias};
  tsr_plan_options options = {
      .max_tokens = TOKENS, .threads = plan_threads, .no_dense_fallback = 1};
  tsr_linear_plan *plan;
  cr_assert_eq(tsr_linear_plan_create(&layer, &options, &plan), TSR_OK, "%s", tsr_last_error());

  static linear_job alone, jobs[THREADS];
  alone = (linear_job){.plan = plan, .c = &c};
  execute_linear(&alone);
  cr_assert_eq(alone.status, TSR_OK);
  for (int i = 0; i < THREADS; i++) jobs[i] = (linear_job){.plan = plan, .c = &c};
  in_threads(execute_linear, jobs, sizeof *jobs);
  for (int i = 0; i < THREADS; i++) {
    cr_assert_eq(jobs[i].status, TSR_OK);
    cr_assert_eq(memcmp(alone.y, jobs[i].y, sizeof alone.y), 0, "%s, thread %d", pattern_text, i);
  }
  tsr_linear_plan_destroy(plan);
  spmm_case_destroy(&c);
}

static const char *const patterns[] = {"dense",  "irregular",  "row",
                                       "2:4",    "vnm:16:2:8", "block:16x16",
                                       "column", "block:4x4",  "block:16x16+2:4"};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

Test(threads, one_linear_plan_serves_several) {
  for (int i = 0; i < PATTERNS; i++) check_shared_plan(patterns[i], 1);
}

Test(threads, plans_that_use_threads_themselves_serve_several) {
  for (int i = 0; i < PATTERNS; i++) check_shared_plan(patterns[i], 3);
}

/* ---- one tokenizer ---- */

typedef struct token_job {
  const tsr_tokenizer *tokenizer;
  tsr_status status;
  size_t count;
  int32_t ids[64];
} token_job;

static void *encode(void *context) {
  static const char text[] = "Two threads, one tokenizer: caf\xc3\xa9 unaffably \xe4\xb8\xad!";
  token_job *job = context;
  for (int round = 0; round < 100 && job->status == TSR_OK; round++)
    job->status =
        tsr_tokenizer_encode(job->tokenizer, text, sizeof text - 1, 64, job->ids, 64, &job->count);
  return NULL;
}

Test(threads, one_tokenizer_serves_several) {
  tsr_tokenizer *tokenizer;
  cr_assert_eq(tsr_tokenizer_open(TESSERA_TEST_DATA "/golden/tokenizer/vocab.txt", &tokenizer),
               TSR_OK, "%s", tsr_last_error());
  token_job alone = {.tokenizer = tokenizer}, jobs[THREADS];
  encode(&alone);
  cr_assert_eq(alone.status, TSR_OK);
  cr_assert_gt(alone.count, 5);
  for (int i = 0; i < THREADS; i++) jobs[i] = (token_job){.tokenizer = tokenizer};
  in_threads(encode, jobs, sizeof *jobs);
  for (int i = 0; i < THREADS; i++) {
    cr_assert_eq(jobs[i].count, alone.count);
    cr_assert_eq(memcmp(jobs[i].ids, alone.ids, alone.count * sizeof *alone.ids), 0);
  }
  tsr_tokenizer_close(tokenizer);
}
