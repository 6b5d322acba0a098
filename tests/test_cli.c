/* The command's frame: help, options, exit codes; doctor and prune. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/tiny_bert.h"

static void enter(void) {
  command_enter();
  tiny_bert_write(command_path("model"));
}

TestSuite(cli, .init = enter, .fini = command_leave);

static const char *const names[] = {
#define TSR_COMMAND(name, summary) #name,
#include "runtime/cli/commands.inc"
#undef TSR_COMMAND
};

enum { NAMES = sizeof names / sizeof names[0] };

Test(cli, version) {
  cr_assert_eq(command_run("--version"), 0);
  cr_assert_str_eq(command_output(), "tessera " TSR_VERSION "\n");
}

Test(cli, overview_lists_commands_and_exit_codes) {
  cr_assert_eq(command_run("--help"), 0);
  for (int i = 0; i < NAMES; i++) cr_assert(strstr(command_output(), names[i]), "%s", names[i]);
  cr_assert(strstr(command_output(), "\n   5  malformed file\n"));
  cr_assert(strstr(command_output(), "\n  10  out of memory\n"));
  cr_assert_eq(command_run("%s", ""), 2);
  cr_assert(strstr(command_errors(), "Usage: tessera COMMAND"));
}

Test(cli, every_command_has_help_with_examples) {
  for (int i = 0; i < NAMES; i++) {
    char first[64];
    snprintf(first, sizeof first, "Usage: tessera %s", names[i]);
    cr_assert_eq(command_run("%s --help", names[i]), 0, "%s", names[i]);
    cr_assert_eq(strncmp(command_output(), first, strlen(first)), 0, "%s", command_output());
    cr_assert(strstr(command_output(), "\nExamples:\n"), "%s", names[i]);
    char *text = strdup(command_output());
    cr_assert_eq(command_run("help %s", names[i]), 0);
    cr_assert_str_eq(command_output(), text);
    free(text);
  }
}

Test(cli, every_command_refuses_unknown_options) {
  for (int i = 0; i < NAMES; i++)
    assert_fails(2, "'--no-such-thing'", "%s --no-such-thing", names[i]);
}

Test(cli, bad_command_lines) {
  assert_fails(2, "tessera: unknown command 'prun'", "prun");
  assert_fails(2, "tessera prune: IN is missing", "prune -o x -p 2:4");
  assert_fails(2, "--output is missing", "prune model -p 2:4");
  assert_fails(2, "unexpected argument 'more'", "prune model more -o x -p 2:4");
  assert_fails(2, "--sparsity: 'much' is not a number", "prune model -o x -p row --sparsity much");
  assert_fails(2, "--sparsity: 1.5 is not within 0..1", "prune model -o x -p row -s 1.5");
  assert_fails(2, "--sparsity: nan is not within 0..1", "prune model -o x -p row -s nan");
  assert_fails(2, "--sparsity needs a value", "prune model -o x -p row --sparsity");
  assert_fails(2, "--sparsity is missing", "prune model -o x -p row");
  assert_fails(2, "--threads: 0 is not within 1..", "prune model -o x -p 2:4 --threads=0");
  assert_fails(2, "--threads: '2x' is not a whole number", "prune model -o x -p 2:4 -t2x");
  assert_fails(2, "--scope: 'all' is none of layer|global", "prune model -o x -p 2:4 --scope all");
  assert_fails(2, "--json takes no value", "doctor --json=yes");
  assert_fails(2, "--pattern: ", "prune model -o x -p block:0x4 -s 0.5");
  assert_fails(2, "--method: ", "prune model -o x -p 2:4 --method best");
}

Test(cli, options_may_be_spelled_in_every_usual_way) {
  static const char *const lines[] = {
      "prune model -o %s --pattern block:4x4 --sparsity 0.5 --json",
      "prune --output=%s --pattern=block:4x4 --sparsity=0.5 --json model",
      "prune -o%s -pblock:4x4 -s0.5 --json -- model",
  };
  for (int i = 0; i < 3; i++) {
    char line[128];
    snprintf(line, sizeof line, lines[i], "spelled");
    json_t *root = command_json(line);
    cr_assert_str_eq(json_text(root, "pattern"), "block:4x4");
    json_decref(root);
  }
}

Test(cli, missing_and_malformed_files) {
  assert_fails(3, "nowhere", "prune nowhere -o x -p 2:4");
  files_write_text(command_path("."), "broken.safetensors", "no such header here");
  assert_fails(5, "broken.safetensors", "prune broken.safetensors -o x -p 2:4");
  assert_fails(4, "no/such/folder", "prune model -o no/such/folder -p 2:4");
}

Test(cli, doctor_reports_what_selection_knows) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  cr_assert_eq(tsr_hardware_detect_gpu(&hardware), TSR_OK);
  json_t *root = command_json("doctor --json");
  const json_t *cpu = json_object_get(root, "cpu");
  cr_assert_str_eq(json_text(cpu, "name"), hardware.name);
  cr_assert_eq(json_number(cpu, "cores"), hardware.cores);
  const json_t *kernels = json_object_get(root, "kernels");
  size_t index;
  const json_t *kernel;
  json_array_foreach(kernels, index, kernel) {
    const tsr_spmm_kernel *row = tsr_spmm_kernel_at(index);
    cr_assert_str_eq(json_text(kernel, "name"), tsr_spmm_kernel_name(row));
    cr_assert_eq(json_is_true(json_object_get(kernel, "usable")),
                 hardware.isa[tsr_spmm_kernel_isa(row)]);
  }
  cr_assert_null(tsr_spmm_kernel_at(index));
  const json_t *jansson = json_named(json_object_get(root, "libraries"), "jansson");
  cr_assert_str_eq(json_text(jansson, "version"), jansson_version_str());
  json_decref(root);
  cr_assert_eq(command_run("doctor"), 0);
  cr_assert(strstr(command_output(), hardware.name));
}

Test(cli, doctor_says_why_a_kernel_is_not_usable) {
  cr_assert_eq(command_shell("TESSERA_MAX_ISA=scalar \"$T\" doctor --json"), 0);
  json_t *root = json_loads(command_output(), 0, NULL);
  size_t index;
  const json_t *kernel;
  json_array_foreach(json_object_get(root, "kernels"), index, kernel) {
    int scalar = !strcmp(json_text(kernel, "isa"), "scalar");
    cr_assert_eq(json_is_true(json_object_get(kernel, "usable")), scalar);
    if (!scalar) cr_assert_str_not_empty(json_text(kernel, "reason"));
  }
  json_decref(root);
  cr_assert_eq(command_shell("TESSERA_MAX_ISA=mmx \"$T\" doctor"), 2);
}

Test(cli, doctor_survives_a_broken_tuning_file) {
  files_write_text(command_path("."), "tuning.json", "not json");
  json_t *root = command_json("doctor --json");
  const json_t *tuning = json_object_get(root, "tuning");
  cr_assert_str_eq(json_text(tuning, "path"), command_path("tuning.json"));
  cr_assert(strstr(json_text(tuning, "state"), "not used"), "%s", json_text(tuning, "state"));
  json_decref(root);
}
