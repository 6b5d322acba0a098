/* The command, as a person calls it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { OUTPUT_MAX = 1 << 16 };

/* Runs `gpusim ARGUMENTS`; what it writes to both streams goes to `output`. */
static int run(const char *arguments, char output[OUTPUT_MAX]) {
  char command[2048];
  snprintf(command, sizeof command, "%s %s 2>&1", GPUSIM_COMMAND, arguments);
  FILE *pipe = popen(command, "r");
  cr_assert(pipe != NULL);
  size_t count = fread(output, 1, OUTPUT_MAX - 1, pipe);
  output[count] = '\0';
  int status = pclose(pipe);
  cr_assert(WIFEXITED(status), "%s", output);
  return WEXITSTATUS(status);
}

static void expect(const char *arguments, int status, const char *text) {
  static char output[OUTPUT_MAX];
  int actual = run(arguments, output);
  cr_expect_eq(actual, status, "gpusim %s: %d\n%s", arguments, actual, output);
  cr_expect(strstr(output, text) != NULL, "gpusim %s: no \"%s\" in\n%s", arguments, text, output);
}

static void write_file(const char *name, const char *text) {
  FILE *file = fopen(name, "w");
  cr_assert(file != NULL);
  fputs(text, file);
  fclose(file);
}

Test(tool, usage) {
  expect("", 2, "a command is missing");
  expect("nonsense", 2, "unknown command nonsense");
  expect("opcodes", 2, "opcodes takes one FILE.ptx");
  expect("opcodes a b", 2, "opcodes takes one FILE.ptx");
  expect("--help", 0, "usage: gpusim opcodes FILE.ptx");
}

Test(tool, opcodes_of_a_file) {
  expect("opcodes " GPUSIM_CASES "/ptx/calls.ptx", 0, " 0 missing\n");
  expect("opcodes " GPUSIM_CASES "/ptx/calls.ptx", 0, "       1  bar.sync\n");
}

Test(tool, missing_opcode) {
  char name[] = "/tmp/gpusim-tool-XXXXXX";
  int descriptor = mkstemp(name);
  cr_assert(descriptor >= 0);
  write_file(name,
             ".version 8.0\n.target sm_80\n.visible .entry k() {\n.reg .b32 %r<3>;\n"
             "mov.u32 %r1, 1;\nnonsense.u32 %r1, %r1;\nnonsense.u32 %r2, %r1;\nret;\n}\n");
  char arguments[128];
  snprintf(arguments, sizeof arguments, "opcodes %s", name);
  expect(arguments, 1, "       2  nonsense.u32  missing, first at line 6\n");
  expect(arguments, 1, "3 opcodes, 1 missing\n");
  write_file(name, ".version 8.0\n.target sm_80\n.nonsense\n");
  expect(arguments, 1, ": line 3: ");
  remove(name);
  expect(arguments, 1, "No such file");
}
