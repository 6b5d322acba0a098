/* `tessera ... --backend cuda`, with the simulator as the driver. */
#include <criterion/criterion.h>
#include <cuda.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/idx_files.h"
#include "tests/tiny_bert.h"

#define FASHION TESSERA_TEST_DATA "/../models/fashion-resnet"

static void enter(void) {
  command_enter();
  tiny_bert_write(command_path("model"));
}

TestSuite(cuda_cli, .init = enter, .fini = command_leave);

static const char *gpu_name(void) {
  static char name[64];
  cr_assert_eq(cuInit(0), CUDA_SUCCESS);
  cr_assert_eq(cuDeviceGetName(name, sizeof name, 0), CUDA_SUCCESS);
  return name;
}

static json_t *rows(const char *backend) {
  char arguments[200];
  snprintf(arguments, sizeof arguments,
           "run model --text \"the cat sat\" --text \"a dog\" --format json --backend %s", backend);
  json_t *root = command_json(arguments);
  json_t *embeddings = json_incref(json_object_get(root, "embeddings"));
  json_decref(root);
  return embeddings;
}

Test(cuda_cli, run_gives_what_the_cpu_gives) {
  json_t *cpu = rows("cpu"), *cuda = rows("cuda");
  cr_assert_eq(json_array_size(cpu), 2);
  cr_assert_eq(json_array_size(cuda), 2);
  for (size_t s = 0; s < 2; s++) {
    const json_t *a = json_array_get(cpu, s), *b = json_array_get(cuda, s);
    cr_assert_eq(json_array_size(b), TINY_HIDDEN);
    for (size_t i = 0; i < TINY_HIDDEN; i++) {
      double expected = json_number_value(json_array_get(a, i));
      double actual = json_number_value(json_array_get(b, i));
      cr_assert_float_eq(actual, expected, 5e-3, "%g, not %g", actual, expected);
    }
  }
  json_decref(cpu);
  json_decref(cuda);
}

Test(cuda_cli, hidden_states_and_pairs) {
  cr_assert_eq(command_run("run model --backend cuda --hidden --text cat"), 0, "%s",
               command_errors());
  cr_assert_eq(command_shell("printf 'a cat\\ta cat\\n' | \"$T\" run model --backend cuda --pairs"),
               0, "%s", command_errors());
  cr_assert_float_eq(strtod(command_output(), NULL), 1, 1e-5, "%s", command_output());
}

Test(cuda_cli, explain_names_the_gpu_and_its_kernels) {
  cr_assert_eq(command_run("explain model --seq 16 --backend cuda"), 0, "%s", command_errors());
  cr_assert(strstr(command_output(), gpu_name()), "%s", command_output());
  cr_assert(strstr(command_output(), "tsr_f16_dense_spmm_"), "%s", command_output());
  cr_assert(!strstr(command_output(), "avx"), "%s", command_output());
  json_t *root = command_json("explain model --seq 16 --backend cuda --json");
  cr_assert_str_eq(json_text(root, "backend"), "cuda");
  json_decref(root);
}

Test(cuda_cli, explain_names_kernels_of_convolutions) {
  cr_assert_eq(command_run("explain fashion-resnet --backend cuda"), 0, "%s", command_errors());
  cr_assert(strstr(command_output(), gpu_name()), "%s", command_output());
  cr_assert(strstr(command_output(), "tsr_f16_dense_conv_"), "%s", command_output());
  cr_assert(!strstr(command_output(), "avx"), "%s", command_output());
}

Test(cuda_cli, explain_names_kernels_of_pruned_convolutions) {
  cr_assert_eq(command_run("prune " FASHION " -o pruned -p 2:4"), 0, "%s", command_errors());
  cr_assert_eq(command_run("pack pruned -o packed"), 0, "%s", command_errors());
  json_t *root = command_json("explain packed --backend cuda --json");
  const json_t *layers = json_object_get(root, "layers"), *layer;
  size_t i, found = 0;
  json_array_foreach(layers, i, layer) found +=
      strstr(json_text(layer, "kernel"), "tsr_f16_nm_conv_") != NULL;
  cr_assert_gt(found, 0);
  json_decref(root);
}

/* ---- evaluate ---- */

enum { JUDGED = 4, WRONG = 1, CLASSES = 10, SIDE = 28 };

static int best_of(const float *logits) {
  int best = 0;
  for (int c = 1; c < CLASSES; c++)
    if (logits[c] > logits[best]) best = c;
  return best;
}

/* Images with the classes that torch has found, but for a few of them. */
static void write_fashion(void) {
  tsr_checkpoint *golden;
  unsigned char labels[JUDGED];
  cr_assert_eq(tsr_checkpoint_open(TESSERA_TEST_DATA "/golden/fashion_resnet.safetensors", &golden),
               TSR_OK, "%s", tsr_last_error());
  const tsr_tensor *logits = tsr_checkpoint_find(golden, "logits");
  const tsr_tensor *images = tsr_checkpoint_find(golden, "images");
  cr_assert(logits && images);
  for (int i = 0; i < JUDGED; i++)
    labels[i] = (unsigned char)((best_of((const float *)logits->data + i * CLASSES) + (i < WRONG)) %
                                CLASSES);
  idx_write_fashion(".", JUDGED, SIDE, images->data, labels);
  tsr_checkpoint_close(golden);
}

static double judged(const char *options, const char *metric) {
  char arguments[512];
  snprintf(arguments, sizeof arguments,
           "evaluate " FASHION " --task fashion --data . --threads 1 --json %s", options);
  json_t *report = command_json(arguments);
  const json_t *task = json_array_get(json_object_get(report, "tasks"), 0);
  cr_assert_eq(json_number(task, "count"), JUDGED);
  double images =
      JUDGED * json_number(json_object_get(json_object_get(task, "metrics"), metric), "value");
  json_decref(report);
  return images;
}

Test(cuda_cli, evaluate_of_images_counts_what_the_cpu_counts) {
  write_fashion();
  cr_assert_float_eq(judged("", "accuracy"), JUDGED - WRONG, 1e-9);
  cr_assert_float_eq(judged("--backend cuda", "accuracy"), JUDGED - WRONG, 1e-9);
  cr_assert_float_eq(judged("--backend cuda --reference " FASHION, "agreement"), JUDGED, 1e-9);
}

Test(cuda_cli, doctor_names_the_gpu) {
  json_t *root = command_json("doctor --json");
  const json_t *gpu = json_object_get(root, "gpu");
  cr_assert_str_eq(json_text(gpu, "name"), gpu_name());
  cr_assert_gt(json_number(gpu, "multiprocessors"), 0);
  json_decref(root);
}

Test(cuda_cli, a_missing_driver_is_an_error) {
  setenv("TESSERA_CUDA_DRIVER", "/nowhere/libcuda.so.1", 1);
  assert_fails(8, "--backend cuda: no CUDA driver: /nowhere/libcuda.so.1",
               "run model --backend cuda --text cat");
  cr_assert_eq(command_run("run model --text cat"), 0, "%s", command_errors());
}

Test(cuda_cli, a_cpu_kernel_is_refused) {
  assert_fails(3, "another backend",
               "run model --backend cuda --text cat --kernel tsr_f32_dense_spmm_1x1__scalar");
}

/* ---- bench, on a simulated GPU ---- */

static json_t *bench(const char *arguments) {
  char line[400];
  snprintf(line, sizeof line, "bench %s --backend cuda --runs 1 --seconds 0 --json -", arguments);
  json_t *root = command_json(line);
  json_t *records = json_incref(json_object_get(root, "records"));
  json_decref(root);
  return records;
}

static void expect_no_times(const json_t *record) {
  static const char *const times[] = {"runs",
                                      "median_ms",
                                      "p10_ms",
                                      "p90_ms",
                                      "baseline_median_ms",
                                      "useful_gflops",
                                      "speedup",
                                      "dense_equivalent_gflops"};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    cr_assert(json_is_null(json_object_get(record, times[i])), "%s", times[i]);
  cr_assert_gt(json_number(record, "modelled_us"), 0);
  cr_assert_str_eq(json_text(record, "device"), gpu_name());
  cr_assert_str_eq(json_text(record, "dtype"), "F16");
}

/* One CTA of 64 x 64 and one step of 64 columns: 4 x 8 fragments of m16n8, 4 of k16 or 2 of k32. */
Test(cuda_cli, bench_counts_a_layer_and_times_nothing) {
  cr_assert_eq(command_shell("printf '48 64 5 small\\n' >shapes.txt"), 0);
  json_t *records = bench("shapes.txt -p dense,2:4 --cache both --threads 1,2");
  cr_assert_eq(json_array_size(records), 2);
  static const int tensor[] = {4 * 8 * 4, 4 * 8 * 2};
  for (size_t r = 0; r < 2; r++) {
    const json_t *record = json_array_get(records, r);
    expect_no_times(record);
    cr_assert_eq(json_number(record, "tensor_instructions"), tensor[r]);
    cr_assert_eq(json_number(record, "launches"), 1);
    cr_assert_eq(json_number(record, "executed_share"), 1);
    cr_assert_gt(json_number(record, "baseline_modelled_us"), 0);
    cr_assert(json_is_null(json_object_get(record, "bank_conflicts")), "none");
  }
  json_decref(records);
}

/* 8 x 8 CTAs, of which about 4 are executed: too few for a result that could be checked. */
Test(cuda_cli, bench_scales_a_sample_up) {
  cr_assert_eq(command_shell("printf '512 64 512\\n' >shapes.txt"), 0);
  setenv("GPUSIM_SAMPLE", "4", 1);
  json_t *records = bench(
      "shapes.txt -p dense --baseline none --kernel "
      "tsr_f16_dense_spmm_64x64x64_s4__sm80");
  const json_t *record = json_array_get(records, 0);
  expect_no_times(record);
  cr_assert_float_eq(json_number(record, "executed_share"), 4 / 64.0, 1e-9);
  cr_assert_eq(json_number(record, "tensor_instructions"), 64 * 4 * 8 * 4);
  cr_assert(json_is_null(json_object_get(record, "baseline_modelled_us")));
  json_decref(records);
}

Test(cuda_cli, bench_counts_a_model_in_variants) {
  json_t *records = bench("model -p block:16x16 -s 0.5 --seq 8 --batch 2");
  cr_assert_eq(json_array_size(records), 2);
  const json_t *dense = json_array_get(records, 0), *blocks = json_array_get(records, 1);
  expect_no_times(dense);
  expect_no_times(blocks);
  cr_assert_str_eq(json_text(dense, "pattern"), "dense");
  cr_assert_float_eq(json_number(blocks, "baseline_modelled_us"), json_number(dense, "modelled_us"),
                     1e-6);
  cr_assert_geq(json_number(dense, "launches"), TINY_LINEARS);
  json_decref(records);
}

enum { FASHION_LINEARS = 10 }; /* and convolutions */

Test(cuda_cli, bench_counts_a_model_of_images) {
  json_t *records = bench("fashion-resnet -p 2:4 --batch 1");
  cr_assert_eq(json_array_size(records), 2);
  for (size_t r = 0; r < 2; r++) {
    const json_t *record = json_array_get(records, r);
    expect_no_times(record);
    cr_assert_geq(json_number(record, "launches"), FASHION_LINEARS);
    cr_assert_eq(json_number(record, "executed_share"), 1);
    cr_assert_gt(json_number(record, "tensor_instructions"), 0);
  }
  cr_assert_float_eq(json_number(json_array_get(records, 1), "baseline_modelled_us"),
                     json_number(json_array_get(records, 0), "modelled_us"), 1e-6);
  json_decref(records);
}

Test(cuda_cli, bench_refuses_what_only_the_cpu_has) {
  cr_assert_eq(command_shell("printf '16 16 4\\n' >shapes.txt"), 0);
  assert_fails(2, "--isa", "bench shapes.txt --backend cuda --isa avx2");
  assert_fails(2, "backend cpu", "bench shapes.txt --backend cuda --baseline onednn");
  assert_fails(2, "backend cuda", "bench shapes.txt --baseline cublaslt");
  assert_fails(2, "simulated", "bench model --backend cuda --baseline cublaslt");
  assert_fails(6, "nothing to tune", "tune --backend cuda");
  setenv("TESSERA_CUDA_DRIVER", "/nowhere/libcuda.so.1", 1);
  assert_fails(8, "/nowhere/libcuda.so.1", "bench shapes.txt --backend cuda");
}
