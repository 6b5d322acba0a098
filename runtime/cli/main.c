/* The command `tessera`: finds the subcommand, parses its options, turns its status into an exit
 * code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/cli.h"
#include "tessera/tessera.h"

static const struct subcommand {
  const char *name, *summary;
  const tsr__command *command;
} subcommands[] = {
#define TSR_COMMAND(name, summary) {#name, summary, &tsr__cli_##name},
#include "runtime/cli/commands.inc"
#undef TSR_COMMAND
};

static const struct subcommand *find(const char *name) {
  for (size_t i = 0; i < TSR__COUNT(subcommands); i++)
    if (!strcmp(name, subcommands[i].name)) return &subcommands[i];
  return NULL;
}

static void print_overview(FILE *stream) {
  fprintf(stream,
          "Usage: tessera COMMAND [options]\n\n"
          "Tessera %s prunes the weights of a trained model, packs them, runs the model\n"
          "on the CPU and says what ran and why.\n\nCommands:\n",
          tsr_version());
  for (size_t i = 0; i < TSR__COUNT(subcommands); i++)
    fprintf(stream, "  %-9s %s\n", subcommands[i].name, subcommands[i].summary);
  fprintf(stream,
          "\n  tessera COMMAND --help    the options of a command, with examples\n"
          "  tessera --version         the version\n\nExit codes:\n");
#define ROW(name, exit_code, text) fprintf(stream, "  %2d  %s\n", exit_code, text);
  TSR_STATUS_MAP(ROW)
#undef ROW
  fprintf(stream,
          "\nEnvironment:\n"
          "  TESSERA_MAX_ISA   scalar, avx2 or avx512: use no better kernels than these\n"
          "  TESSERA_TUNING    the file that `tessera tune` writes and the others read\n"
          "\nExamples:\n"
          "  tessera prune model -o pruned --pattern block:16x16 --sparsity 0.9\n"
          "  tessera pack pruned -o packed\n"
          "  tessera run packed --text \"A cat sat on the mat.\"\n"
          "  tessera bench packed\n");
}

/* What is still in the buffer may meet a full disk: only now is it known. */
static tsr_status flush_output(void) {
  TSR_CHECK(!fflush(stdout) && !ferror(stdout), TSR_IO, "writing to standard output failed");
  return TSR_OK;
}

static tsr_status run(const struct subcommand *subcommand, int argc, char **argv) {
  void *values;
  TSR_TRY(tsr__calloc(1, subcommand->command->values_bytes, "the options", &values));
  int help;
  tsr_status status = tsr__options_parse(subcommand->command, argc, argv, values, &help);
  if (status == TSR_OK) {
    if (help)
      tsr__usage_print(subcommand->command, subcommand->name, subcommand->summary, stdout);
    else
      status = subcommand->command->run(values);
  }
  if (status == TSR_OK) status = flush_output();
  tsr__options_release(subcommand->command, values);
  free(values);
  return status;
}

static int finish(const char *name, tsr_status status) {
  if (status != TSR_OK)
    fprintf(stderr, "tessera%s%s: %s\n", *name ? " " : "", name,
            *tsr_last_error() ? tsr_last_error() : tsr_status_text(status));
  return tsr_status_exit_code(status);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    print_overview(stderr);
    return tsr_status_exit_code(TSR_INVALID_ARGUMENT);
  }
  const char *word = argv[1];
  int asks_help = !strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h");
  if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
    printf("tessera %s\n", tsr_version());
    return finish("", flush_output());
  }
  if (asks_help && argc == 2) {
    print_overview(stdout);
    return finish("", flush_output());
  }
  const char *name = asks_help ? argv[2] : word;
  const struct subcommand *subcommand = find(name);
  if (!subcommand)
    return finish(
        "", tsr__error(TSR_INVALID_ARGUMENT, "unknown command '%s'; see tessera --help", name));
  if (asks_help) {
    tsr__usage_print(subcommand->command, name, subcommand->summary, stdout);
    return finish(name, flush_output());
  }
  return finish(name, run(subcommand, argc - 1, argv + 1));
}
