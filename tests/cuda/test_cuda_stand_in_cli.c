/* `tessera ... --backend cuda` on two devices, of which the command cannot tell that they are
 * simulated. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/command.h"
#include "tests/tiny_bert.h"

static void enter(void) {
  command_enter();
  tiny_bert_write(command_path("model"));
}

TestSuite(cuda_stand_in_cli, .init = enter, .fini = command_leave);

Test(cuda_stand_in_cli, doctor_lists_the_devices) {
  cr_assert_eq(command_run("doctor"), 0, "%s", command_errors());
  cr_assert(strstr(command_output(), "#1 (--device 1)"), "%s", command_output());
  json_t *root = command_json("doctor --json");
  const json_t *devices = json_object_get(json_object_get(root, "gpu"), "devices");
  cr_assert_eq(json_array_size(devices), 2);
  cr_assert(strstr(json_string_value(json_array_get(devices, 1)), "#1"));
  json_decref(root);
}

Test(cuda_stand_in_cli, a_device_is_chosen) {
  cr_assert_eq(command_run("explain model --seq 8 --backend cuda --device 1"), 0, "%s",
               command_errors());
  cr_assert(strstr(command_output(), "#1"), "%s", command_output());
  cr_assert_eq(command_run("run model --backend cuda --text cat"), 0, "%s", command_errors());
  char first[1 << 14];
  snprintf(first, sizeof first, "%s", command_output());
  cr_assert_eq(command_run("run model --backend cuda --device 1 --text cat"), 0, "%s",
               command_errors());
  cr_assert_str_eq(command_output(), first);
}

Test(cuda_stand_in_cli, a_device_that_is_not_there_is_refused) {
  assert_fails(2, "--device: device 2: the CUDA driver has 2",
               "run model --backend cuda --device 2 --text cat");
  assert_fails(2, "--device 1: only --backend cuda has devices", "run model --device 1 --text cat");
  assert_fails(2, "--device", "run model --backend cuda --device -1 --text cat");
}

Test(cuda_stand_in_cli, too_little_memory_is_an_error_and_the_cpu_goes_on) {
  setenv("STAND_IN_MEMORY", "20000", 1);
  assert_fails(10, "bytes: CUDA_ERROR_OUT_OF_MEMORY", "run model --backend cuda --text cat");
  cr_assert(strstr(command_errors(), "encoder.layer."), "%s", command_errors());
  cr_assert_eq(command_run("run model --text cat"), 0, "%s", command_errors());
}

/* Each run takes the 0.25 ms that the stand-in's events are apart. */
static void expect_times(const json_t *record, const char *cache) {
  cr_assert_str_eq(json_text(record, "cache"), cache);
  cr_assert_eq(json_number(record, "runs"), 3);
  cr_assert_float_eq(json_number(record, "median_ms"), 0.25, 1e-9);
  cr_assert_float_eq(json_number(record, "baseline_median_ms"), 0.25, 1e-9);
  cr_assert_float_eq(json_number(record, "speedup"), 1, 1e-9);
  cr_assert(json_is_null(json_object_get(record, "modelled_us")));
  cr_assert(json_is_null(json_object_get(record, "launches")));
  cr_assert(strstr(json_text(record, "device"), "#1"));
}

static json_t *bench(const char *arguments) {
  char line[300];
  snprintf(line, sizeof line,
           "bench %s --backend cuda --device 1 --runs 3 --seconds 0 --cache both --baseline dense "
           "--json -",
           arguments);
  json_t *root = command_json(line);
  json_t *records = json_incref(json_object_get(root, "records"));
  json_decref(root);
  return records;
}

/* 2 x 48 x 64 x 8 operations in 0.25 ms. */
Test(cuda_stand_in_cli, bench_times_layers_by_events) {
  cr_assert_eq(command_shell("printf '48 64 8 small\\n' >shapes.txt"), 0);
  json_t *records = bench("shapes.txt -p dense");
  cr_assert_eq(json_array_size(records), 2);
  expect_times(json_array_get(records, 0), "warm");
  expect_times(json_array_get(records, 1), "cold");
  cr_assert_float_eq(json_number(json_array_get(records, 0), "useful_gflops"),
                     2 * 48 * 64 * 8 / 0.25e-3 / 1e9, 1e-6);
  json_decref(records);
}

Test(cuda_stand_in_cli, bench_times_models_by_events) {
  json_t *records = bench("model -p block:16x16 -s 0.5 --seq 8");
  cr_assert_eq(json_array_size(records), 4);
  cr_assert_float_eq(json_number(json_array_get(records, 0), "median_ms"), 0.25, 1e-9);
  cr_assert(json_is_null(json_object_get(json_array_get(records, 0), "speedup")));
  expect_times(json_array_get(records, 1), "warm");
  expect_times(json_array_get(records, 3), "cold");
  json_decref(records);
}
