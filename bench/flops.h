/* Floating-point operations of each measured thing, a multiply-add counting as two. */
#ifndef TESSERA_BENCH_FLOPS_H
#define TESSERA_BENCH_FLOPS_H

#include <stdint.h>

/* C[m,n] = A[m,k] B[k,n] with every element of A. */
double tsr__flops_dense(int64_t m, int64_t k, int64_t n);

/* The same with only the elements of A that the format stores. */
double tsr__flops_stored(int64_t stored, int64_t n);

/* 1e9 operations a second; 0 when the time is 0. */
double tsr__gflops(double flops, double milliseconds);

/* Speedup over dense times density: 1 means that a stored element costs what it costs in the dense
 * product, the limit of a kernel as good as the dense one. */
double tsr__speedup_density(double speedup, double density);

#endif
