#include "bench/flops.h"

double tsr__flops_dense(int64_t m, int64_t k, int64_t n) {
  return 2.0 * (double)m * (double)k * (double)n;
}

double tsr__flops_stored(int64_t stored, int64_t n) { return 2.0 * (double)stored * (double)n; }

double tsr__gflops(double flops, double milliseconds) {
  return milliseconds > 0 ? flops / (1e6 * milliseconds) : 0;
}

double tsr__speedup_density(double speedup, double density) { return speedup * density; }
