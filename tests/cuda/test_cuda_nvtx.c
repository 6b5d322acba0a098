/* The ranges that a profiler sees of a model on the GPU. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/command.h"
#include "tests/tiny_bert.h"

static void enter(void) {
  command_enter();
  tiny_bert_write(command_path("model"));
}

TestSuite(cuda_nvtx, .init = enter, .fini = command_leave);

static char lines[1 << 16];

static const char *record(void) {
  FILE *file = fopen(command_path("ranges.txt"), "r");
  cr_assert_not_null(file);
  lines[fread(lines, 1, sizeof lines - 1, file)] = 0;
  fclose(file);
  return lines;
}

static int count(const char *part) {
  int found = 0;
  for (const char *at = lines; (at = strstr(at, part)); at += strlen(part)) found++;
  return found;
}

/* Two batches of one sentence: the first is executed as it is, so that each layer has its range and
 * its kernels lie within, and so is the second, of another length. */
Test(cuda_nvtx, ranges_name_model_layer_and_kernel) {
  setenv("NVTX_RECORD", command_path("ranges.txt"), 1);
  setenv("NVTX_INJECTION64_PATH", TESSERA_NVTX_RECORD, 1);
  cr_assert_eq(command_run("run model --backend cuda --batch 1 --text cat --text \"the cat sat\""),
               0, "%s", command_errors());
  record();
  cr_assert(!strncmp(lines, "tessera: ", 9), "%s", lines);
  cr_assert_eq(count("\ntessera: model\n"), 2, "the folder's name: %s", lines);
  for (int layer = 0; layer < TINY_LAYERS; layer++) {
    char range[200];
    snprintf(range, sizeof range,
             "\n  tessera: encoder.layer.%d.attention.self.query\n"
             "    tessera: tsr_f16_dense_spmm_64x64x64_s4__sm80\n",
             layer);
    cr_assert_eq(count(range), 2, "%s in\n%s", range, lines);
  }
  cr_assert_geq(count("\n    tessera: tsr_"), 2 * TINY_LINEARS, "%s", lines);
  cr_assert_eq(count("too many"), 0);
}

/* Without a tool, and with one that cannot be loaded, nothing changes. */
Test(cuda_nvtx, no_tool_is_needed) {
  cr_assert_eq(command_run("run model --backend cuda --text cat"), 0, "%s", command_errors());
  char expected[1 << 14];
  snprintf(expected, sizeof expected, "%s", command_output());
  setenv("NVTX_INJECTION64_PATH", "/nowhere/tool.so", 1);
  cr_assert_eq(command_run("run model --backend cuda --text cat"), 0, "%s", command_errors());
  cr_assert_str_eq(command_output(), expected);
}
