/* What a launch takes at least. The rates are an A100's: they rank kernels on other GPUs as well,
 * whose tensor cores and memory have grown alike. */
#include <math.h>

#include "kernels/cuda/fragments.h"
#include "kernels/cuda/work.h"

static const double sub_partitions = 4.0;      /* of a multiprocessor: each issues once a clock */
static const double l2_bytes_per_clock = 47.4; /* of one multiprocessor's share of 5120 */
static const double clocks_per_us = 1410.0;
static const double dram_bytes_per_us = 2.04e6; /* 80 GB */
static const double launch_us = 2.0;

static double tiles(int64_t size, int32_t tile) { return ceil((double)size / tile); }

/* ---- parts of k ---- */

/* Steps that a CTA's rows go through at most. */
static double steps(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  int64_t k = p->k;
  if (kernel->format == TSR_FORMAT_VNM && p->pattern.m > 0)
    k = (k + p->pattern.m - 1) / p->pattern.m * 4; /* that a panel keeps */
  return tiles(k, kernel->tile_k);
}

int32_t tsr__cuda_spmm_splits(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  enum { SPLITS_MAX = 16, COLUMNS_MIN = 128 };
  double ctas = tiles(problem->m, kernel->tile_m) *
                tiles(tsr__cuda_problem_tokens(kernel, problem), kernel->tile_n);
  if (ctas < 1.0 || 2.0 * ctas >= problem->threads) return 1;
  /* A step of V:N:M stands for COLUMNS_MIN columns of the matrix or more, apart from M < 16. */
  double least = kernel->format == TSR_FORMAT_VNM ? 1.0 : (double)COLUMNS_MIN / kernel->tile_k;
  double splits = fmin(problem->threads / ctas, steps(kernel, problem) / least);
  return splits < 1.0 ? 1 : splits > SPLITS_MAX ? SPLITS_MAX : (int32_t)splits;
}

/* ---- the bound ---- */

void tsr__cuda_add_epilogue(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                            int32_t splits, tsr_cuda_work *work) {
  /* Warp instructions of a sum of each lane, fitted to the simulator's counts: rounded to C, and
   * stored as a part. */
  static const double of_c = 16.0, of_part = 27.0;
  double sums = (double)kernel->tile_m * kernel->tile_n * work->ctas;
  double c = (double)problem->m * (double)problem->n;
  work->wavefronts += 4.0 * (sums + c * splits) / TSR__CUDA_WAVEFRONT_BYTES;
  work->l2_bytes += splits > 1 ? 4.0 * c * splits : 2.0 * c;
  work->dram_bytes += splits > 1 ? 4.0 * c * splits : 2.0 * c;
  work->instructions += c * splits / 32.0 * (splits > 1 ? of_part : of_c);
}

/* Whether a multiprocessor has several CTAs at a time, whose steps fill each other. */
static int overlaps(const tsr_cuda_spmm_kernel *kernel, double fullest) {
  enum { SHARED_BYTES = 164 << 10, RESERVED = 1 << 10 };
  return fullest > 1.0 && 2 * (kernel->ops->shared_bytes(kernel) + RESERVED) <= SHARED_BYTES;
}

/* Sub-partitions of the fullest multiprocessor that have a warp. CTAs of less than four warps are
 * so small that several reside. */
static double busy(const tsr_cuda_spmm_kernel *kernel, double fullest) {
  return fmin(sub_partitions, fmax(1.0, fullest) * kernel->threads / 32.0);
}

void tsr__cuda_spmm_limits_us(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                              int32_t splits, double us[TSR_CUDA_LIMITS]) {
  tsr_cuda_work work = {0};
  kernel->ops->work(kernel, problem, splits, &work);
  double sms = problem->threads, fullest = ceil(work.ctas / sms);
  double part_us = work.ctas > 0.0 ? fullest / work.ctas / clocks_per_us : 0.0;
  double issues = busy(kernel, fullest);
  us[TSR_CUDA_LIMIT_TENSOR] = work.tensor_clocks * sub_partitions / issues * part_us;
  us[TSR_CUDA_LIMIT_INSTRUCTIONS] = work.instructions / issues * part_us;
  us[TSR_CUDA_LIMIT_SHARED] = work.wavefronts * part_us;
  us[TSR_CUDA_LIMIT_L2] = work.l2_bytes / (l2_bytes_per_clock * sms * clocks_per_us);
  us[TSR_CUDA_LIMIT_DRAM] = work.dram_bytes / dram_bytes_per_us;
  us[TSR_CUDA_LIMIT_STEPS] = overlaps(kernel, fullest) ? 0.0 : work.step_clocks * part_us;
}

double tsr__cuda_spmm_bound_us(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  int32_t splits = tsr__cuda_spmm_splits(kernel, p);
  double limits[TSR_CUDA_LIMITS], us = 0.0, rate = l2_bytes_per_clock * p->threads * clocks_per_us;
  tsr_cuda_work work = {0};
  kernel->ops->work(kernel, p, splits, &work);
  tsr__cuda_spmm_limits_us(kernel, p, splits, limits);
  for (int i = 0; i < TSR_CUDA_LIMITS; i++) us = fmax(us, limits[i]);
  us += launch_us * (1 + work.moves) + work.moved_bytes / rate;
  if (splits < 2) return us;
  return us + launch_us + 4.0 * splits * (double)p->n * (double)p->m / rate;
}
