/* `tessera ... --backend cuda`, with the simulator as the driver. */
#include <criterion/criterion.h>
#include <cuda.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/command.h"
#include "tests/tiny_bert.h"

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
