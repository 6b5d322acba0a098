/* What a layer computes, in double: what every contestant's outputs are compared with. */
#ifndef TESSERA_BENCH_REFERENCE_H
#define TESSERA_BENCH_REFERENCE_H

#include "bench/shapes.h"

/* Images whose output pixels shape->n counts; 1 without a convolution. */
int64_t tsr__reference_images(const tsr__shape *shape);

/* Rows of x as they lie in memory, pixels or tokens, and their width. */
int64_t tsr__reference_rows(const tsr__shape *shape);
int64_t tsr__reference_width(const tsr__shape *shape);

/* y[token, row], token < shape->n. weights: [m, k]; x: [rows, width]. bias: [m], of a convolution,
 * which a ReLU then follows; else not read. */
double tsr__reference_output(const tsr__shape *shape, const float *weights, const float *x,
                             const float *bias, int64_t row, int64_t token);

#endif
