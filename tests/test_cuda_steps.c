/* How long the steps of the CUDA kernels in fragments last at least, against the steps themselves,
 * as prepack leaves them for the kernel to read. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/cuda/work.h"
#include "tests/random.h"
#include "tests/structured.h"

enum { SMS = 108, CLOCKS_PER_US = 1410, M = 600, K = 1024, N = 500 };

static int bits(unsigned mask) {
  int count = 0;
  for (; mask; mask &= mask - 1) count++;
  return count;
}

/* Products of the tensor core that has most of them: warp w is on core w % 4, pairs of warps have
 * the same rows, and half of the tokens each. An m16n8k16 takes a core 8 clocks. */
static double step_clocks(const tsr_cuda_spmm_kernel *kernel, const tsr_cuda_step *step) {
  int warps = kernel->threads / 32, rows = kernel->tile_m / 16 / (warps / 2), products[4] = {0};
  for (int warp = 0; warp < warps; warp++)
    for (int column = 0; column < TSR_CUDA_STEP_COLUMNS; column++) {
      unsigned mask = step->masks[column] >> (warp / 2 * rows) & ((1u << rows) - 1);
      products[warp % 4] += bits(mask) * kernel->tile_n / 2 / 8;
    }
  int most = 0;
  for (int core = 0; core < 4; core++) most = products[core] > most ? products[core] : most;
  return 8.0 * most;
}

static double expected_us(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  char *image = aligned_alloc(16, (kernel->ops->prepacked_bytes(kernel, w) + 15) / 16 * 16);
  tsr_cuda_spmm_args args = {0};
  cr_assert_not_null(image);
  kernel->ops->prepack(kernel, w, image);
  kernel->ops->bind(kernel, w, image, &args);
  int tiles = (M + kernel->tile_m - 1) / kernel->tile_m;
  double columns = ceil((double)N / kernel->tile_n), ctas = tiles * columns, clocks = 0;
  for (int32_t i = 0; i < args.step_offsets[tiles]; i++)
    clocks += step_clocks(kernel, &args.steps[i]);
  free(image);
  return clocks * columns / ctas * ceil(ctas / SMS) / CLOCKS_PER_US;
}

/* The weight, of ones; the caller releases it. */
static tsr_packed random_weight(const tsr_cuda_spmm_kernel *kernel, const char *name,
                                double density) {
  tsr_pattern pattern;
  tsr_packed packed = {0};
  random_state random = random_seed(41);
  uint8_t *mask = malloc((size_t)M * K);
  uint16_t *ones = malloc((size_t)M * K * sizeof *ones);
  cr_assert(mask && ones);
  cr_assert_eq(tsr_pattern_parse(name, &pattern), TSR_OK);
  structured_mask(&random, &pattern, density, M, K, mask);
  for (size_t i = 0; i < (size_t)M * K; i++) ones[i] = mask[i] ? 0x3c00 : 0;
  tsr_matrix dense = {ones, kernel->dtype, M, K, K};
  cr_assert_eq(tsr_pack(&dense, kernel->format, &pattern, &packed), TSR_OK, "%s", tsr_last_error());
  free(mask);
  free(ones);
  return packed;
}

static void check(const tsr_cuda_spmm_kernel *kernel, const char *pattern, double density) {
  tsr_packed w = random_weight(kernel, pattern, density);
  tsr_spmm_problem problem = {.format = kernel->format,
                              .pattern = tsr_packed_pattern(&w),
                              .m = M,
                              .k = K,
                              .n = N,
                              .stored = w.stored,
                              .threads = SMS,
                              .weight = &w};
  double us[TSR_CUDA_LIMITS];
  tsr__cuda_spmm_limits_us(kernel, &problem, 1, us);
  cr_expect_float_eq(us[TSR_CUDA_LIMIT_STEPS], expected_us(kernel, &w), 1e-9, "%s, %s, %g: %g us",
                     kernel->name, pattern, density, us[TSR_CUDA_LIMIT_STEPS]);
  tsr_packed_release(&w);
}

/* Where a multiprocessor has one CTA at a time: those of 256 x 160. */
Test(cuda_steps, last_as_long_as_their_fullest_tensor_core) {
  static const double densities[] = {0.0, 0.1, 0.5, 0.97, 1.0};
  const tsr_cuda_spmm_kernel *kernel;
  int checked = 0;
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++) {
    int blocks = kernel->format == TSR_FORMAT_BCSR || kernel->format == TSR_FORMAT_BCSR_NM;
    if (!blocks || kernel->ops->convolution || kernel->tile_m != 256) continue;
    for (size_t d = 0; d < sizeof densities / sizeof densities[0]; d++, checked++)
      check(kernel, kernel->format == TSR_FORMAT_BCSR ? "block:16x16" : "block:16x32+2:4",
            densities[d]);
  }
  cr_assert_gt(checked, 0);
}
