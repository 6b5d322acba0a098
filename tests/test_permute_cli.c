/* tessera prune --permute: another order of the channels, the same model. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/tiny_bert.h"

static void enter(void) {
  command_enter();
  tiny_bert_write(command_path("model"));
  files_write_text(command_path("."), "lines.txt",
                   "the cat sat on the mat.\na dog runs\nthe blue river bank\n");
}

TestSuite(permute_cli, .init = enter, .fini = command_leave);

enum { VALUES = 3 * TINY_HIDDEN };

static void embed(const char *model, double values[VALUES]) {
  char line[96];
  snprintf(line, sizeof line, "run %s --file lines.txt --format json", model);
  json_t *root = command_json(line);
  for (size_t i = 0; i < VALUES; i++)
    values[i] = json_number_value(json_array_get(
        json_array_get(json_object_get(root, "embeddings"), i / TINY_HIDDEN), i % TINY_HIDDEN));
  json_decref(root);
}

/* The greatest difference of the embeddings of two models. */
static double difference(const char *a, const char *b) {
  double x[VALUES], y[VALUES], greatest = 0;
  embed(a, x);
  embed(b, y);
  for (int i = 0; i < VALUES; i++) greatest = fmax(greatest, fabs(x[i] - y[i]));
  return greatest;
}

static int same_bytes(const char *a, const char *b) {
  size_t a_size, b_size;
  char *x = files_read(command_path(a), &a_size), *y = files_read(command_path(b), &b_size);
  int same = a_size == b_size && !memcmp(x, y, a_size);
  free(x);
  free(y);
  return same;
}

/* Nothing is pruned from 2 of 2 or at sparsity 0, so that the order alone is seen. */
Test(permute_cli, the_model_computes_the_same) {
  static const char *const patterns[] = {"block:4x4 -s 0", "block:8x8+2:2 -s 0"};
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(command_run("prune model -o ordered -p %s --permute", patterns[i]), 0, "%s",
                 command_errors());
    cr_assert_lt(difference("model", "ordered"), 1e-5, "%s", patterns[i]);
  }
}

/* Wanda changes no weight that it keeps; it orders by what the layers read. */
Test(permute_cli, the_model_computes_the_same_in_an_order_of_calibrated_scores) {
  files_write_text(command_path("."), "text", "the cat sat on the mat.\na dog runs\n");
  cr_assert_eq(command_run("prune model -o ordered -p block:4x4 -s 0 --permute --method wanda "
                           "-c text -t 1"),
               0, "%s", command_errors());
  cr_assert_lt(difference("model", "ordered"), 1e-5);
  cr_assert_not(same_bytes("model/model.safetensors", "ordered/model.safetensors"));
}

static double score_kept(const char *options) {
  char line[128];
  snprintf(line, sizeof line, "prune model -o pruned %s --json", options);
  json_t *root = command_json(line);
  const json_t *layers = json_object_get(root, "layers"), *layer;
  size_t index;
  double sum = 0;
  json_array_foreach(layers, index, layer) sum += json_number(layer, "score_kept");
  json_decref(root);
  return sum;
}

/* The weights that were kept are the model's own, in their new places: all else is 0, so that the
 * pruned model in the old order would compute the same as the one in the new. What can be seen from
 * outside is that more is kept. */
Test(permute_cli, more_is_kept) {
  static const char *const patterns[] = {"-p 2:4", "-p block:4x4 -s 0.5", "-p vnm:16:2:8"};
  for (int i = 0; i < 3; i++) {
    char line[64];
    snprintf(line, sizeof line, "%s --permute", patterns[i]);
    cr_assert_gt(score_kept(line), score_kept(patterns[i]), "%s", patterns[i]);
  }
}

/* With other element types, a prefix in front of the names, and the same order every time. */
Test(permute_cli, threads_do_not_matter) {
  cr_assert_eq(command_run("prune model -o one -p 2:4 --permute -t 1 --dtype f16"), 0);
  cr_assert_eq(command_run("prune model -o two -p 2:4 --permute -t 2 --dtype f16"), 0);
  cr_assert(same_bytes("one/model.safetensors", "two/model.safetensors"));
  cr_assert_eq(command_run("prune one -o again -p block:4x4 -s 0 --permute"), 0, "%s",
               command_errors());
  cr_assert_lt(difference("one", "again"), 1e-5);
}

Test(permute_cli, bad_models) {
  cr_assert_eq(command_run("prune model -o pruned -p 2:4"), 0);
  cr_assert_eq(command_run("pack pruned -o packed --layers '*.query'"), 0, "%s", command_errors());
  assert_fails(6, "attention.self.query: only a plain weight can be reordered",
               "prune packed -o x -p 2:4 --permute");
}
