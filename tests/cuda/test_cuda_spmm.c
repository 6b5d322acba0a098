/* Every CUDA SpMM kernel of one format (TESSERA_FORMAT) against the double reference. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/cuda/each_kernel.h"

enum { FEW = 4 }; /* patterns */
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void for_each_kernel(each_kernel_run *run) {
  each_kernel(TESSERA_IMAGE, TESSERA_FORMAT, 0, run);
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
      each_kernel_pattern(kernel, NULL, turn, &pattern);
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
    each_kernel_pattern(kernel, NULL, (int)d, &pattern);
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
  for (int p = 0; p < FEW && p < each_kernel_pattern(kernel, NULL, p, &pattern); p++) {
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

/* Where sizes fill the tiles of a kernel that has a pipeline: no bank conflict anywhere, no local
 * memory, and every sector that copies to shared memory ask for is used whole. */
static void run_traffic(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const char *what) {
  if (kernel->stages == 1) return;
  random_state random = random_seed(24);
  tsr_pattern pattern;
  for (int p = 0; p < FEW && p < each_kernel_pattern(kernel, NULL, p, &pattern); p++) {
    int64_t tokens = kernel->tile_n;
    spmm_case c =
        cuda_spmm_case_create(&random, kernel, &pattern, 0.5, kernel->tile_m, 192, tokens, 0);
    cuda_spmm_run run = {.tokens = tokens, .splits = 1, .variant = {.residual = RESIDUAL_APART}};
    cuda_spmm_check(module, kernel, &c, &pattern, run, what);
    each_kernel_traffic traffic = each_kernel_last_traffic(kernel, what);
    cr_assert_eq(traffic.sector_bytes, traffic.copied_bytes, "%s: %s: %g bytes in sectors of %g",
                 what, kernel->name, traffic.copied_bytes, traffic.sector_bytes);
    spmm_case_destroy(&c);
  }
}

Test(cuda_spmm, traffic) { for_each_kernel(run_traffic); }
