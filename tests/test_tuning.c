/* Fitting the cost model, and the file that keeps the result. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/plan/tuning.h"
#include "tests/forged.h"
#include "tests/random.h"

static char folder[64];

static void enter(void) {
  strcpy(folder, "/tmp/tessera-tuning-XXXXXX");
  cr_assert(mkdtemp(folder));
}

static void leave(void) {
  char command[100];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  cr_assert_eq(system(command), 0);
}

TestSuite(tuning_file, .init = enter, .fini = leave);

static const char *in_folder(const char *name) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static tsr_tuning *create(const tsr_hardware *hardware) {
  tsr_tuning *t;
  cr_assert_eq(tsr__tuning_create(hardware, &t), TSR_OK);
  t->count = 2;
  for (int i = 0; i < 2; i++) {
    strcpy(t->entries[i].kernel, tsr_spmm_kernel_name(tsr_spmm_kernel_at((size_t)i)));
    for (int c = 0; c < TSR_COST_TERMS; c++)
      t->entries[i].coefficients[c] = (i + 1) * 0.125 * (c + 1);
  }
  return t;
}

/* ---- the fit ---- */

/* Times that obey the model exactly give its coefficients back. */
Test(tuning_fit, recovers_the_coefficients_of_exact_times) {
  const double truth[TSR_COST_TERMS] = {0.4, 2e-4, 0.0, 3e-5, 2e-5, 1e-4};
  enum { SAMPLES = 60 };
  tsr__sample samples[SAMPLES];
  random_state random = random_seed(1);
  for (int s = 0; s < SAMPLES; s++) {
    const double scale[TSR_COST_TERMS] = {0, 1e6, 1e4, 1e6, 1e6, 1e5};
    for (int t = 0; t < TSR_COST_TERMS; t++)
      samples[s].terms[t] = scale[t] * pow(10.0, -2.0 * random_unit(&random));
    samples[s].terms[TSR_COST_CALL] = 1.0;
    samples[s].us = 0.0;
    for (int t = 0; t < TSR_COST_TERMS; t++) samples[s].us += truth[t] * samples[s].terms[t];
  }
  double found[TSR_COST_TERMS];
  tsr__tuning_fit(samples, SAMPLES, found);
  for (int s = 0; s < SAMPLES; s++) {
    double us = 0.0;
    for (int t = 0; t < TSR_COST_TERMS; t++) us += found[t] * samples[s].terms[t];
    cr_assert(fabs(us / samples[s].us - 1.0) < 1e-3, "%g for %g", us, samples[s].us);
  }
  for (int t = 0; t < TSR_COST_TERMS; t++)
    cr_assert(fabs(found[t] - truth[t]) <= 0.05 * truth[t] + 1e-6, "term %d: %g for %g", t,
              found[t], truth[t]);
}

/* y = 10 - x over x = 1..8 would need a negative slope. */
Test(tuning_fit, never_gives_a_negative_coefficient) {
  tsr__sample samples[8] = {0};
  for (int s = 0; s < 8; s++) {
    samples[s].terms[TSR_COST_CALL] = 1.0;
    samples[s].terms[TSR_COST_FMA] = s + 1;
    samples[s].us = 9 - s;
  }
  double found[TSR_COST_TERMS];
  tsr__tuning_fit(samples, 8, found);
  cr_assert_eq(found[TSR_COST_FMA], 0.0);
  cr_assert_gt(found[TSR_COST_CALL], 0.0);
  tsr__tuning_fit(samples, 0, found);
  for (int t = 0; t < TSR_COST_TERMS; t++) cr_assert_eq(found[t], 0.0);
}

/* ---- prediction ---- */

Test(tuning, measured_coefficients_replace_the_builtin_ones) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  tsr_tuning *t = create(&hardware);
  const tsr_spmm_kernel *kernel = tsr_spmm_kernel_at(0);
  memset(t->entries[0].coefficients, 0, sizeof t->entries[0].coefficients);
  t->entries[0].coefficients[TSR_COST_CALL] = 7.0;
  tsr_spmm_problem problem = {.m = 64, .k = 64, .n = 8, .stored = 4096, .threads = 1};
  cr_assert_eq(tsr_predicted_us(kernel, &problem, t), 7.0);
  cr_assert_neq(tsr_predicted_us(kernel, &problem, NULL), 7.0);
  tsr_tuning_destroy(t);
  tsr_tuning_destroy(NULL);
}

/* ---- the file ---- */

Test(tuning_file, saves_and_loads_every_coefficient) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_AVX2);
  tsr_tuning *saved = create(&hardware), *loaded;
  const char *path = in_folder("new/folders/tuning.json");
  cr_assert_eq(tsr_tuning_save(saved, path), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_tuning_load(path, &hardware, &loaded), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(memcmp(saved, loaded, sizeof *saved), 0);
  tsr_tuning_destroy(saved);
  tsr_tuning_destroy(loaded);
}

static void expect_load(const char *path, const tsr_hardware *hardware, tsr_status status) {
  tsr_tuning *t = (tsr_tuning *)1;
  cr_assert_eq(tsr_tuning_load(path, hardware, &t), status, "%s", tsr_last_error());
  cr_assert_null(t);
  cr_assert(strstr(tsr_last_error(), path), "%s", tsr_last_error());
}

Test(tuning_file, belongs_to_one_cpu_and_version) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_AVX2), other = hardware;
  const char *path = in_folder("tuning.json");
  tsr_tuning *t = create(&hardware);
  cr_assert_eq(tsr_tuning_save(t, path), TSR_OK);
  strcpy(other.name, "Another CPU");
  expect_load(path, &other, TSR_UNSUPPORTED_HARDWARE);
  other = forged_hardware(TSR_ISA_AVX512);
  expect_load(path, &other, TSR_UNSUPPORTED_HARDWARE);
  strcpy(t->version, "0.0.9");
  cr_assert_eq(tsr_tuning_save(t, path), TSR_OK);
  expect_load(path, &hardware, TSR_UNSUPPORTED_HARDWARE);
  cr_assert(strstr(tsr_last_error(), "0.0.9"));
  tsr_tuning_destroy(t);
}

#define HEAD "{\"version\": \"0.1.0\", \"cpu\": \"Forged CPU\", \"isa\": \"scalar\", "
#define TERMS                                                                  \
  "\"terms\": [\"call\", \"fma\", \"step\", \"weight_bytes\", \"far_bytes\", " \
  "\"activation_bytes\"]"

Test(tuning_file, malformed_files_are_refused) {
  static const char *const texts[] = {
      "",
      "{}",
      "[1]",
      "{\"version\": 1}",
      HEAD TERMS ", \"kernels\": {}",
      HEAD TERMS ", \"kernels\": {}} x",
      HEAD TERMS ", \"kernels\": []}",
      HEAD "\"kernels\": {}}",
      HEAD "\"terms\": [\"call\"]}",
      HEAD
      "\"terms\": [\"fma\", \"call\", \"step\", \"weight_bytes\", \"far_bytes\", "
      "\"activation_bytes\"]}",
      HEAD TERMS ", \"kernels\": {\"a\": [1, 2, 3, 4, 5]}}",
      HEAD TERMS ", \"kernels\": {\"a\": [1, 2, 3, 4, 5, 6, 7]}}",
      HEAD TERMS ", \"kernels\": {\"a\": [1, 2, 3, 4, 5, -6]}}",
      HEAD TERMS ", \"kernels\": {\"a\": [1, 2, 3, 4, 5, \"6\"]}}",
      HEAD TERMS ", \"kernels\": {\"a\": [1, 2, 3, 4, 5, 1e999]}}",
      HEAD TERMS ", \"kernels\": {\"a\": 1}}",
      HEAD TERMS ", \"more\": 1}",
      "{\"version\": \"0.1.0.0.0.0.0.0.0.0.0\"}",
  };
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    FILE *file = fopen(in_folder("bad.json"), "w");
    cr_assert(file);
    fputs(texts[i], file);
    fclose(file);
    expect_load(in_folder("bad.json"), &hardware, TSR_MALFORMED);
  }
}

/* The texts above fail for what is wrong with them, not for what they have in common. */
Test(tuning_file, the_malformed_files_head_is_right) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  FILE *file = fopen(in_folder("good.json"), "w");
  cr_assert(file);
  fputs(HEAD TERMS ", \"kernels\": {\"a\": [1, 2, 3, 4, 5, 6.5]}}", file);
  fclose(file);
  tsr_tuning *t;
  cr_assert_eq(tsr_tuning_load(in_folder("good.json"), &hardware, &t), TSR_OK, "%s",
               tsr_last_error());
  cr_assert_eq(t->count, 1);
  cr_assert_eq(t->entries[0].coefficients[5], 6.5);
  tsr_tuning_destroy(t);
}

Test(tuning_file, missing_and_unreadable_files) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  expect_load(in_folder("none.json"), &hardware, TSR_NOT_FOUND);
  expect_load(folder, &hardware, TSR_IO);
  tsr_tuning *t = create(&hardware);
  cr_assert_eq(tsr_tuning_save(t, folder), TSR_IO);
  char below[160];
  cr_assert_eq(tsr_tuning_save(t, in_folder("file")), TSR_OK);
  snprintf(below, sizeof below, "%s/below", in_folder("file"));
  cr_assert_eq(tsr_tuning_save(t, below), TSR_IO);
  tsr_tuning_destroy(t);
}

Test(tuning_file, default_path_follows_the_environment) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_AVX2);
  strcpy(hardware.name, " Some(R) CPU @ 2.0 GHz ");
  char path[256];
  setenv("TESSERA_TUNING", "/x/y.json", 1);
  cr_assert_eq(tsr_tuning_default_path(&hardware, path, sizeof path), TSR_OK);
  cr_assert_str_eq(path, "/x/y.json");
  unsetenv("TESSERA_TUNING");
  setenv("XDG_CACHE_HOME", "/cache", 1);
  cr_assert_eq(tsr_tuning_default_path(&hardware, path, sizeof path), TSR_OK);
  cr_assert_str_eq(path, "/cache/tessera/tuning-Some-R-CPU-2-0-GHz-avx2-" TSR_VERSION ".json");
  setenv("XDG_CACHE_HOME", "relative", 1);
  setenv("HOME", "/home/u", 1);
  cr_assert_eq(tsr_tuning_default_path(&hardware, path, sizeof path), TSR_OK);
  cr_assert(strstr(path, "/home/u/.cache/tessera/tuning-") == path);
  cr_assert_eq(tsr_tuning_default_path(&hardware, path, 10), TSR_INVALID_ARGUMENT);
  unsetenv("HOME");
  cr_assert_eq(tsr_tuning_default_path(&hardware, path, sizeof path), TSR_NOT_FOUND);
}

Test(tuning_file, bad_arguments) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  tsr_tuning *t = create(&hardware), *loaded;
  char path[8];
  cr_assert_eq(tsr_tuning_save(NULL, "x"), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_save(t, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_save(t, ""), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_load(NULL, &hardware, &loaded), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_load("x", NULL, &loaded), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_load("x", &hardware, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_default_path(NULL, path, sizeof path), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_default_path(&hardware, NULL, 8), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_default_path(&hardware, path, 0), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_measure(NULL, NULL, NULL, &loaded), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tuning_measure(&hardware, NULL, NULL, NULL), TSR_INVALID_ARGUMENT);
  tsr_tuning_destroy(t);
}

/* ---- measuring ---- */

static void watch(void *user, int done, int total) {
  int *last = user;
  cr_assert_eq(done, *last + 1);
  cr_assert_leq(done, total);
  *last = done;
}

/* A machine on which only the scalar kernels run: each gets coefficients that predict something. */
Test(tuning, measure_covers_every_kernel_that_the_machine_can_run) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  hardware.cores = 1;
  tsr_tuning *t;
  int last = -1;
  cr_assert_eq(tsr_tuning_measure(&hardware, watch, &last, &t), TSR_OK, "%s", tsr_last_error());
  cr_assert_gt(last, 0);
  const tsr_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++) {
    const double *c = tsr__tuning_find(t, kernel);
    cr_assert_eq(c != NULL, kernel->isa == TSR_ISA_SCALAR, "%s", kernel->name);
    double sum = 0.0;
    for (int j = 0; c && j < TSR_COST_TERMS; j++) sum += c[j];
    cr_assert(!c || (isfinite(sum) && sum > 0.0));
  }
  tsr_tuning_destroy(t);
}
