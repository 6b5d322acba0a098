#include "tests/cuda/each_kernel.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/gpusim/gpusim.h"

enum { PATTERNS_MAX = 8 };
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct {
  tsr_format format;
  const char *patterns[PATTERNS_MAX];
} layouts[] = {
    {TSR_FORMAT_DENSE, {"dense"}},
    {TSR_FORMAT_CSR, {"irregular"}},
    {TSR_FORMAT_BCSR, {"block:16x16", "block:32x32", "block:64x64", "block:16x48"}},
    {TSR_FORMAT_NM, {"2:4"}},
    {TSR_FORMAT_BCSR_NM, {"block:16x32+2:4", "block:64x64+2:4", "block:32x32+2:4"}},
    {TSR_FORMAT_VNM,
     {"vnm:64:2:8", "vnm:32:2:4", "vnm:128:2:32", "vnm:64:2:16", "vnm:32:2:8", "vnm:64:2:7",
      "vnm:128:2:5", "vnm:32:2:20"}},
};

static int runs(const tsr_cuda_spmm_kernel *kernel, const tsr_conv_shape *conv,
                const tsr_pattern *pattern) {
  tsr_spmm_problem problem = {.format = kernel->format, .pattern = *pattern};
  if (conv) problem.conv = *conv;
  return !kernel->ops->refusal(kernel, &problem);
}

int each_kernel_pattern(const tsr_cuda_spmm_kernel *kernel, const tsr_conv_shape *conv, int index,
                        tsr_pattern *pattern) {
  size_t row = 0;
  while (row < COUNT(layouts) && layouts[row].format != kernel->format) row++;
  cr_assert_lt(row, COUNT(layouts));
  const char *const *patterns = layouts[row].patterns;
  tsr_pattern usable[PATTERNS_MAX + 1];
  int count = 0;
  for (int i = 0; i < PATTERNS_MAX && patterns[i]; i++) {
    cr_assert_eq(tsr_pattern_parse(patterns[i], &usable[count]), TSR_OK);
    count += runs(kernel, conv, &usable[count]);
  }
  if (count) *pattern = usable[index % count];
  return count;
}

static struct {
  tsr_format format;
  int convolution;
  each_kernel_run *run;
} wanted;

static void run_kernels(CUmodule module, const char *what) {
  const tsr_cuda_spmm_kernel *kernel;
  int count = 0;
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++) {
    if (kernel->format != wanted.format || kernel->ops->convolution != wanted.convolution) continue;
    wanted.run(module, kernel, what);
    count++;
  }
  cr_assert_gt(count, 0);
}

void each_kernel(const char *image, tsr_format format, int convolution, each_kernel_run *run) {
  wanted.format = format;
  wanted.convolution = convolution;
  wanted.run = run;
  device_for_each_setting(image, run_kernels);
}

static double memory_counter(const json_t *launch, const char *name) {
  const json_t *value = json_object_get(json_object_get(launch, "memory"), name);
  cr_assert(json_is_number(value), "%s is not counted", name);
  return json_number_value(value);
}

each_kernel_traffic each_kernel_last_traffic(const tsr_cuda_spmm_kernel *kernel, const char *what) {
  char *text = gpusim_last_launch_json();
  json_t *launch = json_loads(text, 0, NULL);
  cr_assert_eq(memory_counter(launch, "shared_bank_conflicts"), 0, "%s: %s: %s", what, kernel->name,
               text);
  cr_assert_eq(memory_counter(launch, "local_load_bytes"), 0);
  each_kernel_traffic traffic = {memory_counter(launch, "async_bytes"),
                                 memory_counter(launch, "async_global_sectors") * 32};
  json_decref(launch);
  free(text);
  return traffic;
}
