/* What a launch takes at least. The rates are an A100's: they rank kernels on other GPUs as well,
 * whose tensor cores and memory have grown alike. */
#include <math.h>

#include "kernels/cuda/fragments.h"
#include "kernels/cuda/kernel.h"

static const double clocks_per_mma = 2.0; /* m16n8k16, or m16n8k32 of 2:4: 1024 FMA a clock */
/* Assumed: L1 delivers four sectors a clock, and two lanes find their element in each. */
static const double gathers_per_clock = 8.0;
static const double l2_bytes_per_clock = 47.0; /* of one multiprocessor's share */
static const double clocks_per_us = 1410.0;
static const double dram_bytes_per_us = 1.555e6;
static const double launch_us = 2.0;

static double tiles(int64_t size, int32_t tile) { return ceil((double)size / tile); }

/* The share of fragments that are stored. */
static double density(const tsr_spmm_problem *p) {
  double kept = tsr__fragment_sparse(p->format) ? 2.0 * (double)p->stored : (double)p->stored;
  int full = p->format == TSR_FORMAT_DENSE || p->format == TSR_FORMAT_NM;
  double elements = (double)p->m * (double)p->k;
  return full || elements <= 0.0 ? 1.0 : fmin(1.0, kept / elements);
}

/* The share of columns that a CTA's rows hold anything in. */
static double united(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  double rows = kernel->tile_m;
  if (p->pattern.block_rows > 0) rows /= p->pattern.block_rows;
  if (p->pattern.v > 0) rows /= p->pattern.v;
  return 1.0 - pow(1.0 - density(p), fmax(1.0, rows));
}

typedef struct work {
  double weight_bytes, activation_bytes, clocks; /* of one CTA over all of k */
} work;

/* Every element of A gathers one of B for each token. */
static work of_csr_cta(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  double elements = p->m > 0 ? (double)p->stored / (double)p->m * kernel->tile_m : 0.0;
  double outputs = (double)kernel->tile_m * kernel->tile_n;
  return (work){.weight_bytes = elements * (sizeof(uint16_t) + sizeof(int32_t)),
                .activation_bytes = 2.0 * (elements * kernel->tile_n + outputs),
                .clocks = elements * kernel->tile_n / gathers_per_clock};
}

static work of_cta(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  if (kernel->format == TSR_FORMAT_CSR) return of_csr_cta(kernel, p);
  double row_fragments = (double)kernel->tile_m / TSR__FRAGMENT_ROWS;
  double fragments = row_fragments * tiles(p->k, tsr__fragment_depth(p->format)) * density(p);
  double bytes = 2.0 * TSR__FRAGMENT_ELEMENTS;
  if (tsr__fragment_sparse(p->format)) bytes += 4.0 * TSR__FRAGMENT_META;
  return (work){.weight_bytes = fragments * bytes,
                .activation_bytes =
                    2.0 * kernel->tile_n * ((double)p->k * united(kernel, p) + kernel->tile_m),
                .clocks = fragments * kernel->tile_n / 8.0 * clocks_per_mma};
}

/* Columns that a CTA's rows go through, as tile_k counts them. */
static int64_t depth(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  if (kernel->format != TSR_FORMAT_VNM || p->pattern.m < 1) return p->k;
  return (p->k + p->pattern.m - 1) / p->pattern.m * 4;
}

int32_t tsr__cuda_spmm_splits(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  enum { SPLITS_MAX = 16, STEPS_MIN = 2 };
  double ctas = tiles(problem->m, kernel->tile_m) * tiles(problem->n, kernel->tile_n);
  if (ctas < 1.0 || 2.0 * ctas >= problem->threads) return 1;
  double splits =
      fmin(problem->threads / ctas, tiles(depth(kernel, problem), kernel->tile_k) / STEPS_MIN);
  return splits < 1.0 ? 1 : splits > SPLITS_MAX ? SPLITS_MAX : (int32_t)splits;
}

static double product_us(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  work cta = of_cta(kernel, p);
  double rows = tiles(p->m, kernel->tile_m), columns = tiles(p->n, kernel->tile_n);
  double splits = tsr__cuda_spmm_splits(kernel, p), sms = p->threads;
  double clocks = fmax(cta.clocks, (cta.weight_bytes + cta.activation_bytes) / l2_bytes_per_clock);
  double us = ceil(rows * columns * splits / sms) * clocks / splits / clocks_per_us;
  double dram = cta.weight_bytes * rows + 2.0 * (double)p->n * (double)(p->k + p->m);
  us = launch_us + fmax(us, dram / dram_bytes_per_us);
  if (splits < 2.0) return us;
  double partial = 2.0 * 4.0 * splits * (double)p->n * (double)p->m;
  return us + launch_us + partial / (l2_bytes_per_clock * sms * clocks_per_us);
}

/* What is left after the larger share of rows or columns is gone, as the pattern is named. */
static double compact_us(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  tsr_spmm_problem left = *p;
  left.format = TSR_FORMAT_DENSE;
  if (p->pattern.kind == TSR_PATTERN_ROW) left.m = p->k > 0 ? p->stored / p->k : 0;
  if (p->pattern.kind == TSR_PATTERN_COLUMN) left.k = p->m > 0 ? p->stored / p->m : 0;
  double moved = p->pattern.kind == TSR_PATTERN_ROW ? 20.0 * (double)p->n * (double)left.m
                                                    : 4.0 * (double)p->n * (double)left.k;
  double rate = l2_bytes_per_clock * p->threads * clocks_per_us;
  return product_us(kernel, &left) + launch_us + moved / rate;
}

double tsr__cuda_spmm_bound_us(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  return kernel->format == TSR_FORMAT_COMPACT ? compact_us(kernel, p) : product_us(kernel, p);
}
