/* `tessera` with stand-ins for the GPU's libraries, on the simulator. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/command.h"

static void enter(void) {
  command_enter();
  cr_assert_eq(command_shell("printf '32 64 5 small\\n' >shapes.txt"), 0);
}

TestSuite(bench_libraries, .init = enter, .fini = command_leave);

/* The baseline of the only record, which must have no time: the GPU is simulated. */
static const char *bench(const char *baseline, const char *pattern) {
  static char name[128];
  char line[256];
  snprintf(
      line, sizeof line,
      "bench shapes.txt --backend cuda --baseline %s -p %s -s 0.5 --no-dense-fallback --json -",
      baseline, pattern);
  json_t *root = command_json(line);
  const json_t *records = json_object_get(root, "records"), *record = json_array_get(records, 0);
  cr_assert_eq(json_array_size(records), 1);
  cr_assert(json_is_null(json_object_get(record, "baseline_median_ms")));
  cr_assert_gt(json_number(record, "modelled_us"), 0);
  snprintf(name, sizeof name, "%s", json_text(record, "baseline"));
  json_decref(root);
  return name;
}

static void expect_baseline(const char *baseline, const char *pattern, const char *wanted) {
  const char *said = bench(baseline, pattern);
  cr_assert(strstr(said, wanted), "%s over %s: '%s'", baseline, pattern, said);
}

/* In the batches that are asked for. */
Test(bench_libraries, convolutions_have_one_too) {
  cr_assert_eq(command_shell("printf 'conv 16 24 5 6 3 2 1 1 small\\n' >shapes.txt"), 0);
  json_t *root = command_json(
      "bench shapes.txt --backend cuda --baseline cudnn -p 2:4,block:16x16 -s 0.5 --batch 1,3 "
      "--no-dense-fallback --json -");
  const json_t *records = json_object_get(root, "records");
  cr_assert_eq(json_array_size(records), 4);
  for (size_t i = 0; i < 4; i++) {
    const json_t *record = json_array_get(records, i);
    cr_assert(strstr(json_text(record, "baseline"), "cuDNN convolution"), "%s",
              json_text(record, "baseline"));
    cr_assert(strstr(json_text(record, "kernel"), "_conv_"), "%s", json_text(record, "kernel"));
    cr_assert_eq(json_number(record, "batch"), i < 2 ? 1 : 3);
    cr_assert_eq(json_number(record, "n"), (i < 2 ? 1 : 3) * 9);
    cr_assert_gt(json_number(record, "modelled_us"), 0);
  }
  json_decref(root);
  root = command_json("bench shapes.txt --backend cuda --baseline dense -p 2:4 --json -");
  const json_t *dense = json_array_get(json_object_get(root, "records"), 0);
  cr_assert_gt(json_number(dense, "baseline_modelled_us"), 0);
  json_decref(root);
  expect_baseline("cublaslt", "2:4", "cuBLASLt has no convolutions");
}

/* Each of them computes the layer, and the benchmark compares what it computed. */
Test(bench_libraries, all_of_them_are_baselines) {
  expect_baseline("cublaslt", "dense", "cuBLASLt matmul");
  expect_baseline("cublaslt", "block:16x16", "cuBLASLt matmul");
  expect_baseline("cusparse-csr", "irregular", "cuSPARSE SpMM, CSR");
  expect_baseline("cusparse-bsr", "block:16x16", "cuSPARSE SpMM, BSR");
  expect_baseline("cusparse-ell", "block:32x32", "cuSPARSE SpMM, Blocked-ELL");
  expect_baseline("cusparselt", "2:4", "cuSPARSELt matmul");
}

Test(bench_libraries, what_a_library_has_no_product_for_says_why) {
  expect_baseline("cusparselt", "dense", "not 2:4");
  expect_baseline("cusparse-bsr", "2:4", "blocks of");
  cr_assert_eq(command_shell("printf '40 64 5 small\\n' >shapes.txt"), 0);
  expect_baseline("cusparselt", "2:4", "40 x 64");
  expect_baseline("cusparse-ell", "block:16x16", "40 x 64");
}

Test(bench_libraries, an_error_of_a_library_ends_the_benchmark) {
  setenv("STANDIN_FAIL", "cublasLtMatmul:13", 1);
  assert_fails(11, "cublasLtMatmul: CUBLAS_STATUS_EXECUTION_FAILED (13)",
               "bench shapes.txt --backend cuda --baseline cublaslt");
}

Test(bench_libraries, a_wrong_result_is_no_fast_baseline) {
  setenv("STANDIN_SPOIL", "1", 1);
  assert_fails(6, "cuBLASLt matmul", "bench shapes.txt --backend cuda --baseline cublaslt");
  assert_fails(6, "cuSPARSE SpMM, CSR", "bench shapes.txt --backend cuda --baseline cusparse-csr");
  assert_fails(6, "cuDNN convolution", "bench shapes.txt --backend cuda --baseline cudnn");
}

Test(bench_libraries, doctor_tells_their_versions_or_what_is_missing) {
  setenv("TESSERA_CUSPARSE", "/nowhere/libcusparse.so.12", 1);
  json_t *root = command_json("doctor --json");
  const json_t *libraries = json_object_get(root, "libraries");
  cr_assert_gt(strlen(json_text(json_named(libraries, "cuBLASLt"), "version")), 4);
  cr_assert_gt(strlen(json_text(json_named(libraries, "cuSPARSELt"), "version")), 4);
  cr_assert_str_eq(json_text(json_named(libraries, "cuDNN"), "version"), "9.1.0");
  const json_t *missing = json_named(libraries, "cuSPARSE");
  cr_assert(json_is_null(json_object_get(missing, "version")));
  cr_assert(strstr(json_text(missing, "reason"), "/nowhere/libcusparse.so.12"));
  json_decref(root);
  cr_assert_eq(command_run("doctor"), 0);
  cr_assert(strstr(command_output(), "/nowhere/libcusparse.so.12"), "%s", command_output());
}
