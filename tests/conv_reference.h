/* The naive reference of a convolution: the definition's loops, in double. */
#ifndef TESSERA_TESTS_CONV_REFERENCE_H
#define TESSERA_TESTS_CONV_REFERENCE_H

#include "tessera/types.h"

/* y[image][oy][ox][r] = sum over ky, kx, c of w[r][ky][kx][c] times the pixel (oy stride + ky
 * dilation - padding, ...) of x, which is 0 outside. x: [images, height, width, ldx]; w: [m, kernel
 * rows, kernel columns, channels]; y: [images, out rows, out columns, m]. The output's size is
 * counted, not computed: positions at which the kernel fits into the padded image. */
void tsr_test_conv(const tsr_conv_shape *shape, const float *w, int64_t m, const float *x,
                   int64_t ldx, int64_t images, double *y);

/* Positions along an axis, counted. */
int64_t tsr_test_conv_positions(const tsr_conv_shape *shape, int axis);

/* Maximum or average over windows: positions outside the image take no part in a maximum and count
 * as zeros in an average; NaN is greater than all. x: [images, height, width, channels]; y:
 * [images, out rows, out columns, channels]. */
void tsr_test_pool2d(const tsr_conv_shape *shape, int maximum, int64_t images, const float *x,
                     double *y);

#endif
