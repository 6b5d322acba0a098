/* tessera evaluate on a small model, against figures made from the embeddings of tessera run. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/evaluate_files.h"
#include "tests/tiny_bert.h"

static void enter(void) {
  command_enter();
  tiny_bert_write(command_path("model"));
  evaluate_sentences_write(command_path("."));
  evaluate_wordnet_write(command_path("."));
}

TestSuite(evaluate, .init = enter, .fini = command_leave);

static void prune(void) {
  cr_assert_eq(command_run("prune model -o pruned -p block:4x4 -s 0.5"), 0, "%s", command_errors());
  cr_assert_eq(command_run("pack pruned -o packed"), 0, "%s", command_errors());
}

/* The metric of a task; the value's interval as well if it is asked for. */
static double metric(const json_t *root, const char *task, const char *name, double *low,
                     double *high) {
  const json_t *tasks = json_object_get(root, "tasks"), *one;
  size_t index;
  json_array_foreach(tasks, index, one) {
    if (strcmp(json_text(one, "task"), task) != 0) continue;
    const json_t *found = json_object_get(json_object_get(one, "metrics"), name);
    cr_assert(found, "%s", name);
    if (low) *low = json_number(found, "low");
    if (high) *high = json_number(found, "high");
    return json_number(found, "value");
  }
  cr_assert(0, "no task %s", task);
  return 0;
}

/* [count, TINY_HIDDEN] by `tessera run`; free it. */
static double *embeddings(const char *model, const char *const *texts, int count) {
  char lines[4096] = "", command[64];
  for (int i = 0; i < count; i++) strcat(strcat(lines, texts[i]), "\n");
  files_write_text(command_path("."), "lines.txt", lines);
  snprintf(command, sizeof command, "run %s --file lines.txt --format json", model);
  json_t *root = command_json(command);
  double *out = malloc((size_t)(count * TINY_HIDDEN) * sizeof *out);
  for (int i = 0; i < count * TINY_HIDDEN; i++)
    out[i] = json_number_value(json_array_get(
        json_array_get(json_object_get(root, "embeddings"), (size_t)(i / TINY_HIDDEN)),
        (size_t)(i % TINY_HIDDEN)));
  json_decref(root);
  return out;
}

static double dot(const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < TINY_HIDDEN; i++) sum += a[i] * b[i];
  return sum;
}

Test(evaluate, a_model_against_itself) {
  json_t *root = command_json(
      "evaluate model -r model -d . --task fidelity --task sentiment --task retrieval --json");
  cr_assert_str_eq(json_text(root, "model"), "model");
  cr_assert_str_eq(json_text(root, "reference"), "model");
  cr_assert_float_eq(metric(root, "fidelity", "cosine", NULL, NULL), 1, 1e-6);
  cr_assert_float_eq(metric(root, "fidelity", "rank", NULL, NULL), 1, 1e-12);
  cr_assert_eq(metric(root, "sentiment", "frozen", NULL, NULL),
               metric(root, "sentiment", "refit", NULL, NULL));
  cr_assert_eq(metric(root, "sentiment", "ratings_frozen", NULL, NULL),
               metric(root, "sentiment", "ratings", NULL, NULL));
  json_decref(root);
}

/* Lines 0, 5, ... of the file, without the one that is rated 0. */
Test(evaluate, fidelity_is_the_mean_cosine_of_the_test_lines) {
  static const char *const test[] = {"a cat sat on the mat.",         "the river runs the mat.",
                                     "the dog sat on a bank",         "a cat is walking a bank",
                                     "the river sat on the blue sky", "a cat runs ",
                                     "the river is walking "};
  prune();
  double *dense = embeddings("model", test, 7), *pruned = embeddings("pruned", test, 7);
  double expected = 0;
  for (int i = 0; i < 7; i++)
    expected += dot(dense + i * TINY_HIDDEN, pruned + i * TINY_HIDDEN) / 7;
  cr_assert_lt(expected, 0.999);
  json_t *root = command_json("evaluate packed -r model -d . --task fidelity --json");
  const json_t *task = json_array_get(json_object_get(root, "tasks"), 0);
  cr_assert_eq(json_number(task, "count"), 7);
  cr_assert_float_eq(metric(root, "fidelity", "cosine", NULL, NULL), expected, 1e-6);
  double rank = metric(root, "fidelity", "rank", NULL, NULL);
  cr_assert(rank > -1 && rank < 1);
  json_decref(root);
  free(dense);
  free(pruned);
}

Test(evaluate, retrieval_ranks_documents) {
  double *queries = embeddings("model", evaluate_queries, EVALUATE_QUESTIONS);
  double *documents = embeddings("model", evaluate_documents, EVALUATE_QUESTIONS);
  double expected = 0;
  for (int q = 0; q < EVALUATE_QUESTIONS; q++) {
    int place = 1;
    const double *query = queries + q * TINY_HIDDEN;
    for (int d = 0; d < EVALUATE_QUESTIONS; d++)
      place += dot(query, documents + d * TINY_HIDDEN) > dot(query, documents + q * TINY_HIDDEN);
    expected += 1.0 / place / EVALUATE_QUESTIONS;
  }
  json_t *root = command_json("evaluate model -d . --task retrieval --json");
  double low, high;
  cr_assert_float_eq(metric(root, "retrieval", "mrr", NULL, NULL), expected, 1e-8);
  cr_assert_eq(metric(root, "retrieval", "recall@10", &low, &high), 1);
  cr_assert_float_eq(low, 0.5101, 5e-5); /* 1 / (1 + z^2 / 4) */
  cr_assert_eq(high, 1);
  cr_assert(json_is_null(json_object_get(root, "reference")));
  json_decref(root);
  free(queries);
  free(documents);
}

Test(evaluate, sentiment_of_few_lines) {
  prune();
  json_t *root = command_json("evaluate packed -r model -d . --task sentiment --json --threads 2");
  double low, high, share = metric(root, "sentiment", "frozen", &low, &high);
  cr_assert_float_eq(share * 7, round(share * 7), 1e-8);
  cr_assert(low < share && share < high);
  double refit = metric(root, "sentiment", "refit", NULL, NULL);
  json_decref(root);
  root = command_json("evaluate packed -d . --task sentiment --json --threads 1");
  cr_assert_eq(metric(root, "sentiment", "refit", NULL, NULL), refit);
  const json_t *task = json_array_get(json_object_get(root, "tasks"), 0);
  cr_assert_null(json_object_get(json_object_get(task, "metrics"), "frozen"));
  json_decref(root);
}

Test(evaluate, text_names_every_figure) {
  cr_assert_eq(command_run("evaluate model -r model -d . -T fidelity -T sentiment"), 0, "%s",
               command_errors());
  static const char *const words[] = {"fidelity, 7", "cosine", "rank",
                                      "frozen",      "refit",  "ratings_frozen"};
  for (int i = 0; i < 6; i++) cr_assert(strstr(command_output(), words[i]), "%s", words[i]);
}

Test(evaluate, bad_command_lines) {
  assert_fails(2, "--task is missing", "evaluate model -d .");
  assert_fails(2, "unknown task 'speed'", "evaluate model -T speed");
  assert_fails(2, "--reference is missing", "evaluate model -d . -T fidelity");
  assert_fails(2, "sentiment: it needs the folder", "evaluate model -T sentiment");
  assert_fails(3, "movieReviewSnippets_GroundTruth.txt", "evaluate model -d model -T sentiment");
  assert_fails(3, "nowhere", "evaluate nowhere -d . -T sentiment");
  assert_fails(3, "nowhere", "evaluate model -r nowhere -d . -T fidelity");
  assert_fails(2, "the preset minilm has no vocabulary: give --vocab",
               "evaluate minilm -d . -T sentiment");
  assert_fails(2, "fidelity: model has embeddings of 32, the reference minilm of 384",
               "evaluate model -r minilm --vocab model/vocab.txt -d . -T fidelity");
}
