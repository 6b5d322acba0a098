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
  expect("--help", 0, "gpusim run FILE.ptx --kernel NAME");
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

/* y[i] = a * y[i] for i < n, f32. */
static const char scale_ptx[] =
    ".version 8.0\n.target sm_80\n.address_size 64\n"
    ".visible .entry scale(.param .f32 a, .param .u32 n, .param .u64 y) {\n"
    ".reg .pred %p; .reg .f32 %f<3>; .reg .b32 %r<5>; .reg .b64 %rd<3>;\n"
    "mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x;\n"
    "mad.lo.s32 %r4, %r2, %r3, %r1; ld.param.u32 %r1, [n];\n"
    "setp.ge.u32 %p, %r4, %r1; @%p bra end; ld.param.u64 %rd1, [y];\n"
    "mul.wide.u32 %rd2, %r4, 4; add.s64 %rd1, %rd1, %rd2; ld.param.f32 %f1, [a];\n"
    "ld.global.f32 %f2, [%rd1]; mul.f32 %f2, %f2, %f1; st.global.f32 [%rd1], %f2;\n"
    "end: ret;\n}\n";

static void expect_run(const char *options, int status, const char *text) {
  char name[] = "/tmp/gpusim-tool-XXXXXX", arguments[1024];
  int descriptor = mkstemp(name);
  cr_assert(descriptor >= 0);
  write_file(name, scale_ptx);
  snprintf(arguments, sizeof arguments, "run %s %s", name, options);
  expect(arguments, status, text);
  remove(name);
}

#define SCALE "--kernel scale --grid 2 --block 32 "

Test(tool, run_and_dump) {
  expect_run(SCALE "--arg f32:1.5 --arg u32:40 --arg buf:f32:64:iota --dump 2:4", 0,
             "argument 2: 0 1.5 3 4.5\n");
  expect_run(SCALE "--arg f32:-2 --arg u32:2 --arg buf:f32:64:iota --dump 2:4 --seed 7", 0,
             "argument 2: -0 -2 2 3\n");
  expect_run(SCALE "--arg f32:2 --arg u32:0 --arg buf:bf16:64:iota --dump 2:3 --device h100", 0,
             "argument 2: 0 1 2\n");
  expect_run(SCALE "--arg f32:2 --arg u32:0x0 --arg buf:i8:200:iota --dump 2:130 --checks none", 0,
             " 126 127 -128 -127\n");
}

Test(tool, random_buffers_repeat) {
  static char first[OUTPUT_MAX], second[OUTPUT_MAX];
  const char *const base = "run " GPUSIM_CASES "/ptx/missing.ptx";
  cr_expect_eq(run(base, first), 2);
  char name[] = "/tmp/gpusim-tool-XXXXXX", arguments[1024];
  cr_assert(mkstemp(name) >= 0);
  write_file(name, scale_ptx);
  const char *const format = "run %s " SCALE
                             "--arg f32:1 --arg u32:0 --arg buf:f64:64:random:%d "
                             "--dump 2:64";
  snprintf(arguments, sizeof arguments, format, name, 3);
  cr_expect_eq(run(arguments, first), 0, "%s", first);
  cr_expect_eq(run(arguments, second), 0);
  cr_expect_str_eq(first, second);
  snprintf(arguments, sizeof arguments, format, name, 4);
  cr_expect_eq(run(arguments, second), 0);
  cr_expect_str_neq(first, second);
  remove(name);
}

Test(tool, run_stops_with_a_fault) {
  expect_run(SCALE "--arg f32:1.5 --arg u32:64 --arg buf:f32:63:iota", 1, "CUDA_ERROR");
}

Test(tool, run_options) {
  static const struct {
    const char *options, *text;
  } rows[] = {
      {"", "--kernel is missing"},
      {"--kernel", "--kernel : its value is missing"},
      {"other.ptx --kernel scale", "a second file"},
      {SCALE "--nonsense 3", "--nonsense 3: unknown option"},
      {SCALE "--grid 1,x", "--grid 1,x: not X,Y,Z"},
      {SCALE "--grid 1,2,3,4", "--grid 1,2,3,4: not X,Y,Z"},
      {SCALE "--shared -1", "--shared -1: no count of bytes"},
      {SCALE "--arg 5", "unknown type '5'"},
      {SCALE "--arg i8:128", "'128' is no i8"},
      {SCALE "--arg i64:9223372036854775808", "is no i64"},
      {SCALE "--arg u16:65536", "'65536' is no u16"},
      {SCALE "--arg f32:1.5x", "'1.5x' is no f32"},
      {SCALE "--arg buf:f33:4:zero", "unknown element type 'f33'"},
      {SCALE "--arg buf:f32:0:zero", "'0' is no count of elements"},
      {SCALE "--arg buf:f32:4:ones", "'ones' is none of random, zero, iota"},
      {SCALE "--arg buf:f32:4:random:x", "'x' is no seed"},
      {SCALE "--dump 0:4", "no buffer of that number"},
      {SCALE "--arg buf:f32:4:zero --dump 0:5", "more than the buffer holds"},
      {SCALE "--device z100", "--device z100: not known"},
      {SCALE "--checks some", "--checks some: not known"},
      {SCALE "--arg f32:1", "scale has 3 parameters, 1 arguments were given"},
      {SCALE "--arg f64:1", "argument 0 has 8 bytes, the kernel's parameter 4"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    expect_run(rows[i].options, 2, rows[i].text);
  }
  expect_run("--kernel other", 1, "other: CUDA_ERROR_NOT_FOUND");
}
