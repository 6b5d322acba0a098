/* Execution: batches, threads, bad batches, and that nothing is allocated. */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/alloc_failures.h"
#include "tests/bert_run.h"
#include "tests/checkpoint_files.h"
#include "tests/small_bert.h"

#define CHECK(call) cr_assert_eq(call, TSR_OK, "%s", tsr_last_error())

enum { SEQUENCES = 5, TOKENS = 45, WIDTH = SMALL_HIDDEN };

static const int64_t offsets[SEQUENCES + 1] = {0, 1, 8, 28, 30, TOKENS};

typedef struct fixture {
  char *folder;
  small_bert bert;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  int32_t ids[TOKENS], types[TOKENS];
} fixture;

static void open_fixture(fixture *f, uint64_t seed, const char *activation) {
  f->folder = files_folder();
  small_bert_init(&f->bert, seed);
  small_bert_save(&f->bert, f->folder, "", TSR_DTYPE_F32, 0);
  small_bert_config(f->folder, "hidden_act", activation ? activation : "\"gelu\"");
  CHECK(tsr_checkpoint_open(f->folder, &f->checkpoint));
  CHECK(tsr_model_load(f->checkpoint, &f->model));
  for (int t = 0; t < TOKENS; t++) {
    f->ids[t] = (int32_t)((unsigned)t * 31 % SMALL_VOCABULARY);
    f->types[t] = t % 3 == 1;
  }
}

static void close_fixture(fixture *f) {
  tsr_model_destroy(f->model);
  tsr_checkpoint_close(f->checkpoint);
  small_bert_release(&f->bert);
  files_remove(f->folder);
}

static tsr_batch batch_of(const fixture *f) {
  return (tsr_batch){SEQUENCES, offsets, f->ids, f->types};
}

static void compare(const char *what, const float *got, const double *expected, int64_t count,
                    double tolerance) {
  for (int64_t i = 0; i < count; i++)
    cr_assert(fabs((double)got[i] - expected[i]) <= tolerance, "%s [%lld, %lld]: %.9g, not %.9g",
              what, (long long)(i / WIDTH), (long long)(i % WIDTH), (double)got[i], expected[i]);
}

/* Hidden states, the mean of each sentence, and the same at length 1, for a ragged batch. */
static void check_against_reference(fixture *f, const tsr_hardware *hardware, int32_t threads) {
  tsr_batch batch = batch_of(f);
  float hidden[TOKENS * WIDTH], embedding[SEQUENCES * WIDTH], unit[SEQUENCES * WIDTH];
  double expected[TOKENS * WIDTH], mean[SEQUENCES * WIDTH] = {0}, scaled[SEQUENCES * WIDTH];
  tsr_output plain = {.hidden = hidden, .embedding = embedding},
             normalised = {.embedding = unit, .normalise = 1};
  CHECK(bert_run(f->model, &batch, &plain, hardware, threads));
  CHECK(bert_run(f->model, &batch, &normalised, hardware, threads));
  for (int s = 0; s < SEQUENCES; s++) {
    int64_t first = offsets[s], count = offsets[s + 1] - first;
    small_bert_forward(&f->bert, f->ids + first, f->types + first, count, expected + first * WIDTH);
    double squares = 0;
    for (int64_t i = 0; i < WIDTH; i++) {
      for (int64_t t = first; t < first + count; t++)
        mean[s * WIDTH + i] += expected[t * WIDTH + i] / (double)count;
      squares += mean[s * WIDTH + i] * mean[s * WIDTH + i];
    }
    for (int64_t i = 0; i < WIDTH; i++) scaled[s * WIDTH + i] = mean[s * WIDTH + i] / sqrt(squares);
  }
  compare("hidden", hidden, expected, TOKENS * WIDTH, 1e-5);
  compare("embedding", embedding, mean, SEQUENCES * WIDTH, 1e-5);
  compare("unit embedding", unit, scaled, SEQUENCES * WIDTH, 1e-5);
}

Test(execute, a_ragged_batch_agrees_with_the_reference_on_every_isa) {
  fixture f;
  tsr_hardware hardware;
  open_fixture(&f, 11, NULL);
  CHECK(tsr_hardware_detect(&hardware));
  for (int isa = TSR_ISA_CPU_COUNT - 1; isa >= 0; isa--) {
    if (hardware.isa[isa]) check_against_reference(&f, &hardware, 1);
    hardware.isa[isa] = 0;
  }
  close_fixture(&f);
}

Test(execute, threads_change_nothing_but_time) {
  fixture f;
  open_fixture(&f, 12, NULL);
  for (int32_t threads = 2; threads <= 7; threads += 5) check_against_reference(&f, NULL, threads);
  close_fixture(&f);
}

Test(execute, a_batch_gives_what_single_sentences_give) {
  fixture f;
  open_fixture(&f, 13, NULL);
  tsr_batch batch = batch_of(&f);
  float together[TOKENS * WIDTH], alone[TOKENS * WIDTH];
  tsr_output output = {.hidden = together};
  CHECK(bert_run(f.model, &batch, &output, NULL, 1));
  for (int s = 0; s < SEQUENCES; s++) {
    int64_t count = offsets[s + 1] - offsets[s], one[] = {0, count};
    tsr_batch single = {1, one, f.ids + offsets[s], f.types + offsets[s]};
    tsr_output rows = {.hidden = alone};
    CHECK(bert_run(f.model, &single, &rows, NULL, 1));
    for (int64_t i = 0; i < count * WIDTH; i++)
      cr_assert(fabsf(alone[i] - together[offsets[s] * WIDTH + i]) <= 1e-5f, "sentence %d", s);
  }
  close_fixture(&f);
}

/* One plan serves smaller batches than it was made for, again and again, bit for bit the same;
 * token types that are left out are 0. */
Test(execute, a_plan_is_reused_and_deterministic) {
  fixture f;
  tsr_model_plan *plan;
  open_fixture(&f, 14, NULL);
  CHECK(bert_plan(f.model, 60, 6, SMALL_POSITIONS, NULL, 1, &plan));
  void *workspace = bert_workspace(plan);
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  float first[TOKENS * WIDTH], second[TOKENS * WIDTH];
  const int32_t no_types[TOKENS] = {0};
  tsr_batch batch = {SEQUENCES, offsets, f.ids, NULL}, other = batch_of(&f);
  tsr_output output = {.hidden = first}, again = {.hidden = second};
  memset(workspace, 0xff, bytes);
  CHECK(tsr_model_execute(plan, &batch, &output, workspace, bytes));
  CHECK(tsr_model_execute(plan, &other, &again, workspace, bytes));
  cr_assert_neq(memcmp(first, second, sizeof first), 0);
  other.types = no_types;
  CHECK(tsr_model_execute(plan, &other, &again, workspace, bytes));
  cr_assert_eq(memcmp(first, second, sizeof first), 0);
  free(workspace);
  tsr_model_plan_destroy(plan);
  close_fixture(&f);
}

Test(execute, other_activations_run) {
  static const char *const names[] = {"\"relu\"", "\"tanh\""};
  float previous[TOKENS * WIDTH] = {0};
  for (int i = 0; i < 2; i++) {
    fixture f;
    open_fixture(&f, 15, names[i]);
    tsr_batch batch = batch_of(&f);
    float hidden[TOKENS * WIDTH];
    tsr_output output = {.hidden = hidden};
    CHECK(bert_run(f.model, &batch, &output, NULL, 1));
    for (int j = 0; j < TOKENS * WIDTH; j++) cr_assert(isfinite(hidden[j]));
    cr_assert_neq(memcmp(hidden, previous, sizeof hidden), 0);
    memcpy(previous, hidden, sizeof hidden);
    close_fixture(&f);
  }
}

/* ---- several threads over one plan ---- */

typedef struct worker {
  const tsr_model_plan *plan;
  const tsr_batch *batch;
  const float *expected;
  int wrong;
} worker;

static void *work(void *argument) {
  worker *w = argument;
  void *workspace = bert_workspace(w->plan);
  for (int round = 0; round < 20; round++) {
    float hidden[TOKENS * WIDTH];
    tsr_output output = {.hidden = hidden};
    if (tsr_model_execute(w->plan, w->batch, &output, workspace,
                          tsr_model_plan_workspace_bytes(w->plan)) != TSR_OK ||
        memcmp(hidden, w->expected, sizeof hidden))
      w->wrong++;
  }
  free(workspace);
  return NULL;
}

Test(execute, threads_share_a_plan) {
  enum { WORKERS = 4 };
  fixture f;
  tsr_model_plan *plan;
  open_fixture(&f, 16, NULL);
  CHECK(bert_plan(f.model, TOKENS, SEQUENCES, SMALL_POSITIONS, NULL, 1, &plan));
  tsr_batch batch = batch_of(&f);
  float expected[TOKENS * WIDTH];
  tsr_output output = {.hidden = expected};
  CHECK(bert_run(f.model, &batch, &output, NULL, 1));
  pthread_t threads[WORKERS];
  worker workers[WORKERS];
  for (int i = 0; i < WORKERS; i++) {
    workers[i] = (worker){plan, &batch, expected, 0};
    cr_assert_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < WORKERS; i++) {
    pthread_join(threads[i], NULL);
    cr_assert_eq(workers[i].wrong, 0, "worker %d: %d wrong results", i, workers[i].wrong);
  }
  tsr_model_plan_destroy(plan);
  close_fixture(&f);
}

/* ---- memory ---- */

static tsr_status load_and_destroy(const tsr_checkpoint *checkpoint) {
  tsr_model *model;
  tsr_status status = tsr_model_load(checkpoint, &model);
  tsr_model_destroy(model);
  return status;
}

static tsr_status plan_and_destroy(const tsr_model *model) {
  tsr_model_plan *plan;
  tsr_status status = bert_plan(model, TOKENS, SEQUENCES, SMALL_POSITIONS, NULL, 1, &plan);
  tsr_model_plan_destroy(plan);
  return status;
}

Test(memory, failing_allocations_are_survived) {
  fixture f;
  open_fixture(&f, 17, NULL);
  EXPECT_OUT_OF_MEMORY(load_and_destroy(f.checkpoint));
  cr_assert_gt(alloc_failures_count(), 2);
  EXPECT_OUT_OF_MEMORY(plan_and_destroy(f.model));
  cr_assert_gt(alloc_failures_count(), 24);
  close_fixture(&f);
}

Test(memory, execution_allocates_nothing) {
  fixture f;
  tsr_model_plan *plan;
  open_fixture(&f, 18, NULL);
  CHECK(bert_plan(f.model, TOKENS, SEQUENCES, SMALL_POSITIONS, NULL, 1, &plan));
  void *workspace = bert_workspace(plan);
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  float hidden[TOKENS * WIDTH], embedding[SEQUENCES * WIDTH];
  tsr_batch batch = batch_of(&f);
  tsr_output output = {.hidden = hidden, .embedding = embedding, .normalise = 1};
  EXPECT_OUT_OF_MEMORY(tsr_model_execute(plan, &batch, &output, workspace, bytes));
  cr_assert_eq(alloc_failures_count(), 0);
  free(workspace);
  tsr_model_plan_destroy(plan);
  close_fixture(&f);
}
