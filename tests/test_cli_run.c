/* run, explain and tune on a small model. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/tiny_bert.h"

static void enter(void) {
  command_enter();
  tiny_bert_write(command_path("model"));
}

TestSuite(cli_run, .init = enter, .fini = command_leave);

static const char sentences[] =
    "the cat sat on the mat.\na dog runs\n\nthe sky is blue, the river runs\n";
enum { SENTENCES = 4 };

static void write_sentences(void) {
  files_write_text(command_path("."), "sentences.txt", sentences);
}

/* rows x width numbers of a JSON array of arrays, malloced. */
static double *matrix(const json_t *rows, size_t *count, size_t width) {
  *count = json_array_size(rows);
  double *values = malloc(*count * width * sizeof *values);
  for (size_t r = 0; r < *count; r++) {
    const json_t *row = json_array_get(rows, r);
    cr_assert_eq(json_array_size(row), width);
    for (size_t c = 0; c < width; c++)
      values[r * width + c] = json_number_value(json_array_get(row, c));
  }
  return values;
}

static double *embeddings(const char *arguments) {
  char line[512];
  snprintf(line, sizeof line, "run %s --format json", arguments);
  json_t *root = command_json(line);
  cr_assert_eq(json_number(root, "width"), TINY_HIDDEN);
  size_t count;
  double *values = matrix(json_object_get(root, "embeddings"), &count, TINY_HIDDEN);
  cr_assert_eq(count, SENTENCES);
  json_decref(root);
  return values;
}

static void assert_close(const double *a, const double *b, size_t count, double tolerance) {
  for (size_t i = 0; i < count; i++) cr_assert_float_eq(a[i], b[i], tolerance, "element %zu", i);
}

static double dot(const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < TINY_HIDDEN; i++) sum += a[i] * b[i];
  return sum;
}

Test(cli_run, formats_agree) {
  write_sentences();
  double *values = embeddings("model --file sentences.txt");
  for (int s = 0; s < SENTENCES; s++)
    cr_assert_float_eq(dot(values + s * TINY_HIDDEN, values + s * TINY_HIDDEN), 1, 1e-5);

  cr_assert_eq(command_shell("\"$T\" run model < sentences.txt"), 0, "%s", command_errors());
  const char *text = command_output();
  char *end;
  for (int i = 0; i < SENTENCES * TINY_HIDDEN; i++, text = end)
    cr_assert_float_eq(strtod(text, &end), values[i], 1e-8, "element %d", i);
  cr_assert_str_eq(text, "\n");
  free(values);
}

/* The header by NumPy's description of the format, not by the code that wrote it. */
Test(cli_run, npy_is_what_numpy_describes) {
  write_sentences();
  double *values = embeddings("model --file sentences.txt");
  for (int piped = 0; piped < 2; piped++) {
    cr_assert_eq(command_shell(piped ? "\"$T\" run model -f sentences.txt --format npy >out.npy"
                                     : "\"$T\" run model -f sentences.txt --format npy -o out.npy"),
                 0, "%s", command_errors());
    size_t size;
    char *bytes = files_read(command_path("out.npy"), &size);
    cr_assert_eq(memcmp(bytes, "\x93NUMPY\x01\x00", 8), 0);
    size_t header = (size_t)(unsigned char)bytes[8] + 256 * (size_t)(unsigned char)bytes[9];
    cr_assert_eq((10 + header) % 64, 0);
    cr_assert_eq(bytes[10 + header - 1], '\n');
    static const char dictionary[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 32), }";
    cr_assert_eq(memcmp(bytes + 10, dictionary, sizeof dictionary - 1), 0, "%.*s", (int)header,
                 bytes + 10);
    cr_assert_eq(size, 10 + header + 4 * SENTENCES * TINY_HIDDEN);
    for (size_t i = 0; i < SENTENCES * TINY_HIDDEN; i++) {
      float value;
      memcpy(&value, bytes + 10 + header + 4 * i, 4);
      cr_assert_float_eq((double)value, values[i], 1e-8);
    }
    free(bytes);
  }
  free(values);
}

Test(cli_run, batches_and_threads_do_not_change_results) {
  write_sentences();
  double *one = embeddings("model --file sentences.txt --batch 1 --threads 1");
  double *all = embeddings("model --file sentences.txt --batch 100 --threads 2");
  assert_close(one, all, SENTENCES * TINY_HIDDEN, 1e-5);
  free(one);
  free(all);
}

Test(cli_run, packed_weights_give_what_dense_ones_give) {
  write_sentences();
  cr_assert_eq(command_run("prune model -o pruned -p block:4x4 -s 0.75"), 0);
  cr_assert_eq(command_run("pack pruned -o packed"), 0, "%s", command_errors());
  double *dense = embeddings("pruned --file sentences.txt");
  double *packed = embeddings("packed --file sentences.txt");
  double *original = embeddings("model --file sentences.txt");
  assert_close(dense, packed, SENTENCES * TINY_HIDDEN, 1e-5);
  cr_assert_lt(dot(original, dense), 0.9999, "pruning changed nothing");
  free(dense);
  free(packed);
  free(original);
}

/* "the cat" is [CLS] the cat [SEP] = 2 10 6 3. */
Test(cli_run, ids_mean_the_same_as_their_text) {
  files_write_text(command_path("."), "ids.txt", "2 10 6 3\n2,8,9\t3\n");
  cr_assert_eq(command_run("run model --ids ids.txt"), 0, "%s", command_errors());
  char *ids = strdup(command_output());
  cr_assert_eq(command_run("run model --text 'the cat' --text 'sat on'"), 0, "%s",
               command_errors());
  cr_assert_str_eq(command_output(), ids);
  free(ids);
}

Test(cli_run, embeddings_are_the_pooled_states) {
  json_t *root = command_json("run model --text 'the cat sat' --hidden --format json");
  size_t tokens;
  const json_t *groups = json_object_get(root, "hidden");
  cr_assert_eq(json_array_size(groups), 1);
  double *states = matrix(json_array_get(groups, 0), &tokens, TINY_HIDDEN);
  json_decref(root);
  cr_assert_eq(tokens, 5);
  double mean[TINY_HIDDEN] = {0};
  for (size_t t = 0; t < tokens; t++)
    for (int i = 0; i < TINY_HIDDEN; i++) mean[i] += states[t * TINY_HIDDEN + i] / (double)tokens;
  const char *const pooling[] = {"mean", "cls"};
  for (int p = 0; p < 2; p++) {
    char line[128];
    snprintf(line, sizeof line,
             "run model --text 'the cat sat' --pooling %s --no-normalise --format json",
             pooling[p]);
    root = command_json(line);
    size_t one;
    double *pooled = matrix(json_object_get(root, "embeddings"), &one, TINY_HIDDEN);
    assert_close(pooled, p ? states : mean, TINY_HIDDEN, 1e-5);
    free(pooled);
    json_decref(root);
  }
  free(states);
}

Test(cli_run, pairs_give_cosines) {
  files_write_text(command_path("."), "pairs.txt", "the cat\tthe cat\nthe cat\ta river bank\n");
  json_t *root = command_json("run model --pairs --file pairs.txt --format json");
  const json_t *similarities = json_object_get(root, "similarities");
  cr_assert_eq(json_array_size(similarities), 2);
  cr_assert_float_eq(json_number_value(json_array_get(similarities, 0)), 1, 1e-6);
  double similarity = json_number_value(json_array_get(similarities, 1));
  json_decref(root);

  root = command_json("run model --text 'the cat' --text 'a river bank' --format json");
  size_t count;
  double *values = matrix(json_object_get(root, "embeddings"), &count, TINY_HIDDEN);
  cr_assert_float_eq(similarity, dot(values, values + TINY_HIDDEN), 1e-6);
  free(values);
  json_decref(root);

  cr_assert_eq(command_run("run model --pairs --file pairs.txt"), 0);
  cr_assert(strstr(command_output(), "1.000000\tthe cat\tthe cat\n"), "%s", command_output());
}

Test(cli_run, long_sentences_are_cut) {
  char line[512] = "run model --text '";
  for (int i = 0; i < 3 * TINY_POSITIONS; i++) strcat(line, "cat ");
  strcat(line, "' --hidden");
  cr_assert_eq(command_run("%s", line), 0, "%s", command_errors());
  int rows = 0;
  for (const char *p = command_output(); *p; p++) rows += *p == '\n';
  cr_assert_eq(rows, TINY_POSITIONS);
  cr_assert_eq(command_run("%s --max-tokens 7", line), 0);
  rows = 0;
  for (const char *p = command_output(); *p; p++) rows += *p == '\n';
  cr_assert_eq(rows, 7);
}

Test(cli_run, no_sentences_give_an_empty_result) {
  cr_assert_eq(command_run("run model"), 0, "%s", command_errors());
  cr_assert_str_empty(command_output());
  json_t *root = command_json("run model --format json");
  cr_assert_eq(json_array_size(json_object_get(root, "embeddings")), 0);
  json_decref(root);
}

Test(cli_run, errors_name_what_is_wrong) {
  files_write_text(command_path("."), "ids.txt", "2 10 3\n2 24 3\n");
  assert_fails(2, "ids.txt, line 2: '24 3' is no token id within 0..23", "run model --ids ids.txt");
  files_write_text(command_path("."), "ids.txt", "2 10 3\n\n");
  assert_fails(2, "ids.txt, line 2: no token ids", "run model --ids ids.txt");
  assert_fails(2, "--text: no tab", "run model --pairs --text 'the cat'");
  assert_fails(3, "nowhere: no such file or folder, and none of the presets (minilm",
               "run nowhere --text a");
  assert_fails(3, "nowhere.txt", "run model --file nowhere.txt");
  assert_fails(2, "no vocabulary", "run minilm --text a");
  assert_fails(2, "--max-tokens: 21 is more than the model's 20", "run model --max-tokens 21");
  assert_fails(2, "exclude each other", "run model --ids ids.txt --text a");
  assert_fails(2, "exclude each other", "run model --hidden --pairs");
  assert_fails(3, "no_such_kernel", "run model --text a --kernel no_such_kernel");
  cr_assert_eq(command_shell("rm model/vocab.txt; \"$T\" run model --text a"), 3);
  cr_assert(strstr(command_errors(), "--vocab"), "%s", command_errors());
}

Test(cli_run, a_failed_run_leaves_no_file) {
  files_write_text(command_path("."), "ids.txt", "2 10 3\nx\n");
  cr_assert_eq(command_shell("mkdir results; \"$T\" run model --ids ids.txt -o results/out"), 2);
  cr_assert_eq(files_count(command_path("results")), 0);
}

Test(cli_run, explain_gives_choice_and_losers_of_each_layer) {
  cr_assert_eq(command_run("prune model -o pruned -p block:4x4 -s 0.75"), 0);
  cr_assert_eq(command_run("pack pruned -o packed"), 0);
  json_t *root = command_json("explain packed --seq 16 --batch 2 --threads 1 --json");
  cr_assert_eq(json_number(root, "threads"), 1);
  cr_assert(json_is_null(json_object_get(root, "tuning")));
  const json_t *layers = json_object_get(root, "layers");
  size_t l, c;
  const json_t *layer, *candidate;
  cr_assert_gt(json_array_size(layers), 0);
  json_array_foreach(layers, l, layer) {
    cr_assert_str_eq(json_text(layer, "format"), "bcsr");
    cr_assert_str_not_empty(json_text(layer, "reason"));
    const json_t *candidates = json_object_get(layer, "candidates");
    cr_assert_gt(json_array_size(candidates), 1);
    json_array_foreach(candidates, c, candidate) {
      cr_assert_eq(json_is_true(json_object_get(candidate, "chosen")), c == 0);
      cr_assert_str_not_empty(json_text(candidate, "reason"));
      if (!c) cr_assert_str_eq(json_text(candidate, "kernel"), json_text(layer, "kernel"));
    }
  }
  json_decref(root);
  cr_assert_eq(command_run("explain packed --seq 16"), 0);
  cr_assert(strstr(command_output(), "built-in costs"), "%s", command_output());
  assert_fails(2, "--seq: 21 is more than the model's 20", "explain model --seq 21");
}

/* Measuring itself takes many seconds: too long for a test. */
Test(cli_run, tune_refuses_a_place_before_it_measures) {
  assert_fails(4, "no/such/folder/x: cannot write", "tune -o no/such/folder/x");
  cr_assert_eq(command_shell("TESSERA_MAX_ISA=mmx \"$T\" tune"), 2);
}

/* With scalar kernels alone, which takes the least time. */
Test(cli_run, tune_measures_what_explain_then_goes_by) {
  setenv("TESSERA_MAX_ISA", "scalar", 1);
  json_t *tuned = command_json("tune --json"),
         *explained = command_json("explain model --seq 8 --json");
  cr_assert_str_eq(json_text(tuned, "output"), command_path("tuning.json"));
  cr_assert_str_eq(json_text(explained, "tuning"), command_path("tuning.json"));
  json_decref(tuned);
  json_decref(explained);
  cr_assert_eq(command_run("explain model --seq 8"), 0);
  cr_assert_null(strstr(command_output(), "built-in costs"), "%s", command_output());
  unsetenv("TESSERA_MAX_ISA");
  cr_assert_eq(access(command_path("tuning.json"), R_OK), 0);
}
