/* The subcommands survive every allocation that fails: called in this process, since a failure
 * cannot be injected into another one. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/cli.h"
#include "tests/alloc_failures.h"
#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/evaluate_files.h"
#include "tests/tiny_bert.h"
#include "tests/tiny_resnet.h"

enum { WORDS_MAX = 24 };

/* In the folder of the command's tests, with a model in it; what the subcommands print is lost. */
static void enter(void) {
  command_enter();
  cr_assert_eq(chdir(command_path(".")), 0);
  tiny_bert_write("model");
  fflush(stdout);
  int nowhere = open("/dev/null", O_WRONLY);
  cr_assert_geq(nowhere, 0);
  cr_assert_geq(dup2(nowhere, STDOUT_FILENO), 0);
  close(nowhere);
}

TestSuite(alloc_cli, .init = enter, .fini = command_leave);

/* As main does it. line: the words after `tessera NAME`, between single spaces. */
static tsr_status subcommand(const tsr__command *command, const char *line) {
  char text[256], *words[WORDS_MAX] = {NULL}, *rest = text;
  int count = 1, help;
  words[0] = text;
  snprintf(text, sizeof text, "%s", line);
  for (char *word; count < WORDS_MAX && (word = strtok_r(rest, " ", &rest));) words[count++] = word;
  void *values;
  TSR_TRY(tsr__calloc(1, command->values_bytes, "the options", &values));
  tsr_status status = tsr__options_parse(command, count, words, values, &help);
  if (status == TSR_OK) status = command->run(values);
  tsr__options_release(command, values);
  free(values);
  return status;
}

static void must(const tsr__command *command, const char *line) {
  cr_assert_eq(subcommand(command, line), TSR_OK, "%s: %s", line, tsr_last_error());
}

static const char prune_line[] =
    "model -o pruned --pattern block:8x8 --sparsity 0.5 --layers *.0.attention.output.dense "
    "--threads 1 --json";
static const char pack_line[] = "pruned -o packed --layers *.0.attention.* --threads 1 --json";

Test(alloc_cli, prune) { EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_prune, prune_line)); }

Test(alloc_cli, prune_over_all_weights) {
  EXPECT_OUT_OF_MEMORY(
      subcommand(&tsr__cli_prune,
                 "model -o pruned.safetensors --pattern irregular --sparsity 0.5 --scope global "
                 "--dtype f16 --layers *.0.attention.* --threads 2"));
}

/* Its statistics are read, used for the budget, and used again. */
Test(alloc_cli, prune_calibrated) {
  static const char *const budgets[] = {"uniform", "owl", "measured"};
  files_write_text(".", "text", "the cat sat on the mat.\na dog runs\n");
  for (int i = 0; i < 3; i++) {
    char line[256];
    snprintf(line, sizeof line,
             "model -o pruned -p irregular -s 0.5 --method wanda -c text --budget %s --layers "
             "*.0.attention.self.query --threads 1 --json",
             budgets[i]);
    EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_prune, line));
  }
}

Test(alloc_cli, pack_and_unpack) {
  must(&tsr__cli_prune, prune_line);
  EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_pack, pack_line));
  EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_unpack, "packed -o dense --json"));
}

Test(alloc_cli, inspect) {
  must(&tsr__cli_prune, prune_line);
  must(&tsr__cli_pack, pack_line);
  EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_inspect, "packed --json --threads 1"));
}

Test(alloc_cli, inspect_as_text) {
  EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_inspect, "model --threads 1"));
}

Test(alloc_cli, explain) {
  EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_explain, "model --seq 8 --json"));
}

Test(alloc_cli, run) {
  files_write_text(".", "sentences.txt", "the cat sat on the mat.\na dog runs\n");
  EXPECT_OUT_OF_MEMORY(
      subcommand(&tsr__cli_run, "model --file sentences.txt --format json --threads 1"));
}

Test(alloc_cli, evaluate) {
  evaluate_sentences_write(".");
  evaluate_wordnet_write(".");
  EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_evaluate,
                                  "model -r model -d . -T fidelity -T sentiment -T retrieval "
                                  "--json --threads 1"));
}

Test(alloc_cli, bench_of_layers) {
  files_write_text(".", "shapes.txt", "16 16 4\n");
  EXPECT_OUT_OF_MEMORY(
      subcommand(&tsr__cli_bench,
                 "shapes.txt -p block:16x16 -s 0.5 --runs 1 --seconds 0 --baseline dense --isa "
                 "scalar --csv layers.csv"));
}

Test(alloc_cli, bench_of_a_model) {
  EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_bench,
                                  "model -p asis --seq 4 --runs 1 --seconds 0 --baseline dense "
                                  "--isa scalar --json model.json"));
}

Test(alloc_cli, doctor) { EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_doctor, "--json")); }

Test(alloc_cli, run_images) {
  tiny_resnet_write("resnet");
  char image[13 + TINY_SIDE * TINY_SIDE] = "P5 12 12 255\n";
  FILE *file = fopen("image.pgm", "wb");
  cr_assert_eq(fwrite(image, 1, sizeof image, file), sizeof image);
  fclose(file);
  EXPECT_OUT_OF_MEMORY(
      subcommand(&tsr__cli_run, "resnet --image image.pgm --format json --threads 1 --batch 1"));
}

/* Channels between blocks go, so that config.json is written, too. */
Test(alloc_cli, shrink) {
  tiny_resnet_write("resnet");
  must(&tsr__cli_prune,
       "resnet -o thin -p row -s 0.75 --layers layer2.*conv2 --layers layer2.0.downsample.0 "
       "--threads 1");
  EXPECT_OUT_OF_MEMORY(subcommand(&tsr__cli_shrink, "thin -o small --json"));
}
