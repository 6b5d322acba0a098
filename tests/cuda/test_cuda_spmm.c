/* Every CUDA SpMM kernel of one format (TESSERA_FORMAT) against the double reference. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "tests/cuda/cuda_spmm_case.h"
#include "tests/gpusim/gpusim.h"

enum { COUNT_MAX = 8, FEW = 4 /* patterns */ };
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct {
  tsr_format format;
  const char *patterns[COUNT_MAX];
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

static int runs(const tsr_cuda_spmm_kernel *kernel, const tsr_pattern *pattern) {
  tsr_spmm_problem problem = {.format = kernel->format, .pattern = *pattern};
  return !kernel->ops->refusal(kernel, &problem);
}

/* The index-th of the patterns that the kernel runs, modulo their number, which it returns. */
static int pattern_at(const tsr_cuda_spmm_kernel *kernel, int index, tsr_pattern *pattern) {
  size_t row = 0;
  while (row < COUNT(layouts) && layouts[row].format != TESSERA_FORMAT) row++;
  cr_assert_lt(row, COUNT(layouts));
  const char *const *patterns = layouts[row].patterns;
  tsr_pattern usable[COUNT_MAX];
  int count = 0;
  for (int i = 0; i < COUNT_MAX && patterns[i]; i++) {
    cr_assert_eq(tsr_pattern_parse(patterns[i], &usable[count]), TSR_OK);
    count += runs(kernel, &usable[count]);
  }
  cr_assert_gt(count, 0);
  *pattern = usable[index % count];
  return count;
}

/* Calls `run` for each kernel of the format, in each setting of the simulator. */
static void (*each_kernel)(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what);

static void run_kernels(CUmodule module, const char *what) {
  const tsr_cuda_spmm_kernel *kernel;
  int count = 0;
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++) {
    if (kernel->format != TESSERA_FORMAT || kernel->ops->convolution) continue;
    each_kernel(module, kernel, what);
    count++;
  }
  cr_assert_gt(count, 0);
}

static void for_each_kernel(void (*run)(CUmodule module, const tsr_cuda_spmm_kernel *kernel,
                                        const char *what)) {
  each_kernel = run;
  device_for_each_setting(TESSERA_IMAGE, run_kernels);
}

/* Exact tiles, a tile more or less one, zero, one; every epilogue and a few splits by turns. The
 * two element types of a tile share the sizes between them. */
static void run_sizes(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what) {
  const int64_t ms[] = {0, 1, kernel->tile_m - 1, kernel->tile_m, kernel->tile_m + 1};
  const int64_t ks[] = {0, 1, kernel->tile_k - 1, kernel->tile_k, kernel->tile_k + 1, 330};
  const int64_t ns[] = {0, 1, kernel->tile_n - 1, kernel->tile_n, kernel->tile_n + 1};
  random_state random = random_seed(21);
  int turn = 0;
  for (size_t i = 0; i < COUNT(ms); i++)
    for (size_t j = 0; j < COUNT(ks); j++, turn++) {
      if ((i + j) % 2 != (kernel->dtype == TSR_DTYPE_F16)) continue;
      tsr_pattern pattern;
      pattern_at(kernel, turn, &pattern);
      spmm_case c = cuda_spmm_case_create(&random, kernel, &pattern, 0.5, ms[i], ks[j],
                                          kernel->tile_n + 1, turn % 3);
      for (int repeat = 0; repeat < 2; repeat++) {
        cuda_spmm_run run = {.tokens = ns[(turn + 2 * repeat) % 5],
                             .variant = spmm_variant_at((turn * 7 + repeat) % SPMM_VARIANTS),
                             .ldc_pad = (turn + repeat) % 4 * 4,
                             .splits = repeat && turn % 3 == 0 ? 3 : 1};
        cuda_spmm_check(module, kernel, &c, &pattern, run, what);
      }
      spmm_case_destroy(&c);
    }
}

Test(cuda_spmm, sizes) { for_each_kernel(run_sizes); }

/* Formats that store a fixed share get that share of it as zeros. */
static void thin_out(random_state *random, const tsr_pattern *pattern, double density,
                     spmm_case *c) {
  if (pattern->kind != TSR_PATTERN_NM && pattern->kind != TSR_PATTERN_VNM) return;
  for (int64_t i = 0; i < c->m * c->k; i++)
    if (random_unit(random) >= density) c->w[i] = 0.0f;
  spmm_case_refresh(c, pattern);
}

/* Nothing stored, nearly nothing (empty rows and columns), everything. */
static void run_densities(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what) {
  static const double densities[] = {0.0, 0.05, 0.3, 1.0};
  random_state random = random_seed(22);
  for (size_t d = 0; d < COUNT(densities); d++) {
    tsr_pattern pattern;
    pattern_at(kernel, (int)d, &pattern);
    spmm_case c =
        cuda_spmm_case_create(&random, kernel, &pattern, densities[d], 300, 520, 70, 8 * (d % 2));
    thin_out(&random, &pattern, densities[d], &c);
    cuda_spmm_run run = {.tokens = 70, .ldc_pad = (int64_t)d, .splits = d == 2 ? 4 : 1};
    cuda_spmm_check(module, kernel, &c, &pattern, run, what);
    spmm_case_destroy(&c);
  }
}

Test(cuda_spmm, densities) { for_each_kernel(run_densities); }

/* Every output that a NaN or an infinity enters, and no other, shows it. */
static void run_special_values(CUmodule module, const tsr_cuda_spmm_kernel *kernel,
                               const char *what) {
  random_state random = random_seed(23);
  tsr_pattern pattern;
  for (int p = 0; p < FEW && p < pattern_at(kernel, p, &pattern); p++) {
    spmm_case c = cuda_spmm_case_create(&random, kernel, &pattern, 0.5, 96, 128, 20, 1);
    c.x[2 * c.ldx + 5] = NAN;
    c.x[3 * c.ldx + 20] = INFINITY;
    c.x[4 * c.ldx + 70] = -INFINITY;
    spmm_case_refresh(&c, &pattern);
    cuda_spmm_check(module, kernel, &c, &pattern, (cuda_spmm_run){.tokens = 20, .splits = 1}, what);
    spmm_case_destroy(&c);
  }
}

Test(cuda_spmm, special_values) { for_each_kernel(run_special_values); }

static double memory_counter(const json_t *launch, const char *name) {
  const json_t *value = json_object_get(json_object_get(launch, "memory"), name);
  cr_assert(json_is_number(value), "%s is not counted", name);
  return json_number_value(value);
}

/* Where sizes fill the tiles of a kernel that has a pipeline: no bank conflict anywhere, no local
 * memory, and every sector that copies to shared memory ask for is used whole. */
static void run_traffic(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what) {
  if (kernel->stages == 1) return;
  random_state random = random_seed(24);
  tsr_pattern pattern;
  for (int p = 0; p < FEW && p < pattern_at(kernel, p, &pattern); p++) {
    int64_t tokens = kernel->tile_n;
    spmm_case c =
        cuda_spmm_case_create(&random, kernel, &pattern, 0.5, kernel->tile_m, 192, tokens, 0);
    cuda_spmm_run run = {.tokens = tokens, .splits = 1, .variant = {.residual = RESIDUAL_APART}};
    cuda_spmm_check(module, kernel, &c, &pattern, run, what);
    char *text = gpusim_last_launch_json();
    json_t *launch = json_loads(text, 0, NULL);
    cr_assert_eq(memory_counter(launch, "shared_bank_conflicts"), 0, "%s: %s: %s", what,
                 kernel->name, text);
    cr_assert_eq(memory_counter(launch, "local_load_bytes"), 0);
    cr_assert_eq(memory_counter(launch, "async_global_sectors") * 32,
                 memory_counter(launch, "async_bytes"), "%s: %s: %s", what, kernel->name, text);
    json_decref(launch);
    free(text);
    spmm_case_destroy(&c);
  }
}

Test(cuda_spmm, traffic) { for_each_kernel(run_traffic); }
