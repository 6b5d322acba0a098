/* Bad plans and bad batches: refused before anything is written, naming the value. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bert_run.h"
#include "tests/checkpoint_files.h"
#include "tests/small_bert.h"

#define CHECK(call) cr_assert_eq(call, TSR_OK, "%s", tsr_last_error())

static char *folder;
static small_bert bert;
static tsr_checkpoint *checkpoint;
static tsr_model *model;
static tsr_model_plan *plan;
static void *workspace;
static size_t bytes;

static void set_up(void) {
  folder = files_folder();
  small_bert_init(&bert, 21);
  small_bert_save(&bert, folder, "", TSR_DTYPE_F32, 0);
  small_bert_config(folder, NULL, NULL);
  CHECK(tsr_checkpoint_open(folder, &checkpoint));
  CHECK(tsr_model_load(checkpoint, &model));
  CHECK(bert_plan(model, 16, 3, 10, NULL, 1, &plan));
  workspace = bert_workspace(plan);
  bytes = tsr_model_plan_workspace_bytes(plan);
}

static void tear_down(void) {
  free(workspace);
  tsr_model_plan_destroy(plan);
  tsr_model_destroy(model);
  tsr_checkpoint_close(checkpoint);
  small_bert_release(&bert);
  files_remove(folder);
}

TestSuite(arguments, .init = set_up, .fini = tear_down);

static void refused(tsr_status status, const char *word) {
  cr_assert_eq(status, TSR_INVALID_ARGUMENT, "%s", tsr_status_name(status));
  cr_assert(strstr(tsr_last_error(), word), "no '%s' in: %s", word, tsr_last_error());
}

Test(arguments, of_a_plan) {
  static const struct {
    tsr_model_plan_options options;
    const char *word;
  } cases[] = {
      {{{.max_tokens = 0, .threads = 1}, 1, 1}, "max_tokens is 0"},
      {{{.max_tokens = -5, .threads = 1}, 1, 1}, "max_tokens is -5"},
      {{{.max_tokens = 8, .threads = 0}, 1, 1}, "threads is 0"},
      {{{.max_tokens = 8, .threads = 1}, 0, 1}, "max_batch is 0"},
      {{{.max_tokens = 8, .threads = 1}, 1, -1}, "max_seq is -1"},
      {{{.max_tokens = 32, .threads = 1}, 1, 21}, "max_seq is 21"},
      {{{.max_tokens = 8, .threads = 1, .force_kernel = "no_such_kernel"}, 1, 8}, "no_such_kernel"},
  };
  tsr_model_plan *p = plan;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tsr_status status = tsr_model_plan_create(model, &cases[i].options, &p);
    cr_assert_neq(status, TSR_OK);
    cr_assert_null(p);
    cr_assert(strstr(tsr_last_error(), cases[i].word), "no '%s' in: %s", cases[i].word,
              tsr_last_error());
  }
  tsr_model_plan_options options = cases[0].options;
  refused(tsr_model_plan_create(NULL, &options, &p), "NULL");
  refused(tsr_model_plan_create(model, NULL, &p), "NULL");
  refused(tsr_model_plan_create(model, &options, NULL), "NULL");
  cr_assert_eq(tsr_model_plan_workspace_bytes(NULL), 0);
  cr_assert_null(tsr_model_plan_linear(NULL, 0));
  cr_assert_null(tsr_model_plan_linear(plan, 0));
  cr_assert_null(tsr_model_plan_linear(plan, 1000));
  cr_assert_not_null(tsr_model_plan_linear(plan, 2));
  tsr_model_plan_destroy(NULL);
}

static tsr_status run(int64_t sequences, const int64_t *offsets, const int32_t *ids,
                      const int32_t *types) {
  float hidden[16 * SMALL_HIDDEN];
  tsr_batch batch = {sequences, offsets, ids, types};
  tsr_output output = {.hidden = hidden};
  return tsr_model_execute(plan, &batch, &output, workspace, bytes);
}

Test(arguments, of_a_batch) {
  static const int32_t ids[32] = {0};
  refused(run(0, (const int64_t[]){0}, ids, NULL), "0 sequences");
  refused(run(-1, (const int64_t[]){0}, ids, NULL), "-1 sequences");
  refused(run(4, (const int64_t[]){0, 1, 2, 3, 4}, ids, NULL), "4 sequences");
  refused(run(1, (const int64_t[]){1, 4}, ids, NULL), "first offset is 1");
  refused(run(2, (const int64_t[]){0, 4, 4}, ids, NULL), "sequence 1 is empty");
  refused(run(2, (const int64_t[]){0, 4, 2}, ids, NULL), "sequence 1 is empty");
  refused(run(2, (const int64_t[]){0, 8, 17}, ids, NULL), "token 17");
  refused(run(1, (const int64_t[]){0, 11}, ids, NULL), "11 tokens");
  refused(run(1, NULL, ids, NULL), "NULL");
  refused(run(1, (const int64_t[]){0, 4}, NULL, NULL), "NULL");
}

Test(arguments, ids_and_types_out_of_range) {
  static const int64_t offsets[] = {0, 4};
  static const int32_t good[] = {0, 49, 0, 1}, high[] = {0, 1, 50, 1}, low[] = {0, -7, 0, 0};
  static const int32_t types[] = {0, 1, 0, 2}, below[] = {-1, 0, 0, 0};
  CHECK(run(1, offsets, good, NULL));
  refused(run(1, offsets, high, NULL), "token 2 has id 50");
  refused(run(1, offsets, low, NULL), "token 1 has id -7");
  refused(run(1, offsets, good, types), "token 3 has type 2");
  refused(run(1, offsets, good, below), "token 0 has type -1");
}

Test(arguments, of_the_workspace) {
  static const int64_t offsets[] = {0, 2};
  static const int32_t ids[] = {0, 1};
  tsr_batch batch = {1, offsets, ids, NULL};
  float embedding[SMALL_HIDDEN];
  tsr_output output = {.embedding = embedding}, nothing = {.hidden = NULL};
  refused(tsr_model_execute(plan, &batch, &output, NULL, bytes), "workspace");
  refused(tsr_model_execute(plan, &batch, &output, workspace, bytes - 1), "workspace");
  refused(tsr_model_execute(plan, &batch, &output, (char *)workspace + 4, bytes), "aligned");
  refused(tsr_model_execute(NULL, &batch, &output, workspace, bytes), "NULL");
  refused(tsr_model_execute(plan, NULL, &output, workspace, bytes), "NULL");
  refused(tsr_model_execute(plan, &batch, NULL, workspace, bytes), "NULL");
  CHECK(tsr_model_execute(plan, &batch, &nothing, workspace, bytes));
}
