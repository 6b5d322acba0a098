/* tessera bench, as its users call it. Nothing here depends on how fast anything is. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 20 };

static char shapes_path[64], output[OUTPUT_MAX];

static void write_shapes(void) {
  strcpy(shapes_path, "/tmp/tessera-bench-XXXXXX");
  int fd = mkstemp(shapes_path);
  cr_assert_geq(fd, 0);
  const char text[] = "48 64 5 small\n17 33 3\n";
  cr_assert_eq(write(fd, text, sizeof text - 1), (ssize_t)(sizeof text - 1));
  close(fd);
}

static void remove_shapes(void) { unlink(shapes_path); }

/* Runs tessera bench TARGET ARGUMENTS; the exit code, and what it printed in `output`. */
static int run(const char *target, const char *arguments) {
  char command[1024];
  /* An empty place for tuned coefficients: this machine's must not matter. */
  snprintf(command, sizeof command,
           "TESSERA_TUNING=/tmp/tessera-no-such-file %s bench %s --runs 2 --seconds 0 %s 2>&1",
           TESSERA_COMMAND, target, arguments);
  FILE *stream = popen(command, "r");
  cr_assert_not_null(stream);
  size_t length = fread(output, 1, sizeof output - 1, stream);
  output[length] = '\0';
  int status = pclose(stream);
  cr_assert(WIFEXITED(status), "%s\n%s", command, output);
  return WEXITSTATUS(status);
}

static json_t *run_json(const char *target, const char *arguments) {
  char all[512];
  snprintf(all, sizeof all, "%s --json -", arguments);
  cr_assert_eq(run(target, all), 0, "%s", output);
  json_error_t error;
  json_t *root = json_loads(output, 0, &error);
  cr_assert(root, "%s: %s", error.text, output);
  return root;
}

static double number(const json_t *record, const char *key) {
  const json_t *value = json_object_get(record, key);
  cr_assert(json_is_number(value), "%s", key);
  return json_number_value(value);
}

static const char *text(const json_t *record, const char *key) {
  const json_t *value = json_object_get(record, key);
  cr_assert(json_is_string(value), "%s", key);
  return json_string_value(value);
}

TestSuite(bench_cli, .init = write_shapes, .fini = remove_shapes);

Test(bench_cli, json_has_every_field_of_every_record) {
  static const char *const texts[] = {"kind",   "name",     "pattern",         "format",
                                      "kernel", "reason",   "backend",         "dtype",
                                      "cache",  "baseline", "baseline_version"};
  static const char *const numbers[] = {"m",
                                        "k",
                                        "n",
                                        "sparsity",
                                        "density",
                                        "threads",
                                        "batch",
                                        "seq",
                                        "runs",
                                        "median_ms",
                                        "p10_ms",
                                        "p90_ms",
                                        "baseline_median_ms",
                                        "speedup",
                                        "useful_gflops",
                                        "dense_equivalent_gflops",
                                        "packed_bytes",
                                        "dense_bytes"};
  json_t *root = run_json(shapes_path, "--patterns block:16x16,2:4 --sparsities 0.5");
  cr_assert(json_is_object(json_object_get(root, "machine")));
  size_t index;
  const json_t *record, *records = json_object_get(root, "records");
  cr_assert_geq(json_array_size(records), 4);
  json_array_foreach(records, index, record) {
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) text(record, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) number(record, numbers[i]);
    cr_assert_str_eq(text(record, "kind"), "layer");
    cr_assert_geq(number(record, "runs"), 2);
    cr_assert_leq(number(record, "p10_ms"), number(record, "median_ms"));
    cr_assert_leq(number(record, "median_ms"), number(record, "p90_ms"));
  }
  json_decref(root);
}

/* 2 shapes x 2 thread counts x (2 sparsities + the fixed one of 2:4) x 2 cache states. */
Test(bench_cli, one_record_for_each_combination) {
  json_t *root = run_json(shapes_path,
                          "--patterns block:4x4,2:4 --sparsities 0.5,0.75 --threads 1,2 "
                          "--cache both --baseline none");
  const json_t *records = json_object_get(root, "records");
  cr_assert_eq(json_array_size(records), 24);
  int cold = 0, two_threads = 0, nm = 0;
  size_t index;
  const json_t *record;
  json_array_foreach(records, index, record) {
    cold += !strcmp(text(record, "cache"), "cold");
    two_threads += number(record, "threads") > 1.5;
    nm += !strcmp(text(record, "pattern"), "2:4");
    cr_assert(json_is_null(json_object_get(record, "speedup")));
    cr_assert(json_is_null(json_object_get(record, "baseline_median_ms")));
  }
  cr_assert_eq(cold, 12);
  cr_assert_eq(two_threads, 12);
  cr_assert_eq(nm, 8);
  json_decref(root);
}

/* The layer of 48 x 64 has 12 whole blocks of 16 x 16, so that half of them are 6. */
Test(bench_cli, counts_follow_from_the_shape) {
  json_t *root = run_json(shapes_path,
                          "--patterns block:16x16 --sparsities 0.5 --baseline none "
                          "--no-dense-fallback");
  const json_t *record = json_array_get(json_object_get(root, "records"), 0);
  cr_assert_str_eq(text(record, "name"), "small");
  cr_assert_eq(number(record, "m"), 48);
  cr_assert_eq(number(record, "k"), 64);
  cr_assert_eq(number(record, "n"), 5);
  cr_assert_float_eq(number(record, "density"), 0.5, 1e-9);
  cr_assert_eq(number(record, "dense_bytes"), 48 * 64 * 4);
  cr_assert_geq(number(record, "packed_bytes"), 6 * 256 * 4);
  double ratio = number(record, "useful_gflops") / number(record, "dense_equivalent_gflops");
  cr_assert_float_eq(ratio, 0.5, 1e-3);
  json_decref(root);
}

Test(bench_cli, text_and_files) {
  char arguments[256], path[80];
  snprintf(path, sizeof path, "%s.csv", shapes_path);
  snprintf(arguments, sizeof arguments, "--baseline none --csv %s", path);
  cr_assert_eq(run(shapes_path, arguments), 0, "%s", output);
  cr_assert(strstr(output, "small"), "%s", output);
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file);
  int lines = 0;
  for (int c; (c = fgetc(file)) != EOF;) lines += c == '\n';
  fclose(file);
  unlink(path);
  cr_assert_eq(lines, 1 + 2 * 3, "a heading, and two shapes at three sparsities");
}

Test(bench_cli, own_dense_kernel_as_baseline_and_forced_kernel) {
  json_t *root = run_json(shapes_path,
                          "--patterns dense --baseline dense --kernel "
                          "tsr_f32_dense_spmm_1x1__scalar");
  const json_t *record = json_array_get(json_object_get(root, "records"), 0);
  cr_assert_str_eq(text(record, "baseline"), "tessera dense");
  cr_assert_str_eq(text(record, "kernel"), "tsr_f32_dense_spmm_1x1__scalar");
  cr_assert_gt(number(record, "speedup"), 0);
  json_decref(root);
}

/* The dense model against oneDNN's products or nothing, then each variant against the dense one. */
Test(bench_cli, a_model_in_variants) {
  json_t *root = run_json("minilm",
                          "--patterns block:16x16,2:4,asis --sparsities 0.9 --seq 4 --batch 2 "
                          "--baseline none");
  static const char *const patterns[] = {"dense", "block:16x16", "2:4", "asis"};
  static const double densities[] = {1, 0.1, 0.5, 1};
  const json_t *records = json_object_get(root, "records");
  cr_assert_eq(json_array_size(records), 4);
  for (size_t r = 0; r < 4; r++) {
    const json_t *record = json_array_get(records, r);
    cr_assert_str_eq(text(record, "kind"), "model");
    cr_assert_str_eq(text(record, "pattern"), patterns[r]);
    cr_assert_float_eq(number(record, "density"), densities[r], 1e-3);
    cr_assert_eq(number(record, "batch"), 2);
    cr_assert_eq(number(record, "seq"), 4);
    if (r)
      cr_assert_str_eq(text(record, "baseline"), "tessera dense");
    else
      cr_assert(json_is_null(json_object_get(record, "baseline_median_ms")));
  }
  json_decref(root);
}

Test(bench_cli, more_tokens_than_positions_are_refused) {
  cr_assert_eq(run("minilm", "--seq 513 --baseline none"), 2, "%s", output);
  cr_assert(strstr(output, "513"), "%s", output);
}

Test(bench_cli, errors_have_their_exit_codes_and_name_the_value) {
  static const struct {
    const char *target, *arguments;
    int code;
    const char *word;
  } cases[] = {
      {NULL, "--patterns block:0x4", 2, "block:0x4"},
      {NULL, "--patterns asis", 2, "asis"},
      {NULL, "--patterns ,", 2, "--patterns"},
      {NULL, "--sparsities 1.5", 2, "1.5"},
      {NULL, "--sparsities 0.5,x", 2, "'x'"},
      {NULL, "--threads 0", 2, "--threads"},
      {NULL, "--threads 9999", 2, "9999"},
      {NULL, "--cache lukewarm", 2, "lukewarm"},
      {NULL, "--baseline mkl", 2, "mkl"},
      {NULL, "--runs 0", 2, "--runs"},
      {NULL, "--patterns block:16x16+2:4 --sparsities 0.3", 2, "sparsities"},
      {NULL, "--kernel no_such_kernel", 3, "no_such_kernel"},
      {"/tmp/tessera-no-such-target", "", 3, "tessera-no-such-target"},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    int code = run(cases[c].target ? cases[c].target : shapes_path, cases[c].arguments);
    cr_assert_eq(code, cases[c].code, "%s: %d: %s", cases[c].arguments, code, output);
    cr_assert(strstr(output, cases[c].word), "%s: %s", cases[c].arguments, output);
  }
}

Test(bench_cli, a_broken_shapes_file_is_malformed) {
  FILE *file = fopen(shapes_path, "w");
  cr_assert(file && fputs("48 sixty 5\n", file) >= 0 && fclose(file) == 0);
  cr_assert_eq(run(shapes_path, ""), 5);
  cr_assert(strstr(output, "sixty"));
}

Test(bench_cli, help) {
  cr_assert_eq(run("--help", ""), 0);
  cr_assert(strstr(output, "--sparsities"));
}
