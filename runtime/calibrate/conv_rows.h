/* What the filters of a convolution read. */
#ifndef TESSERA_CALIBRATE_CONV_ROWS_H
#define TESSERA_CALIBRATE_CONV_ROWS_H

#include "runtime/prune/statistics.h"

/* Adds the im2col rows of all output pixels: kernel rows x kernel columns x channels features, in
 * that order, 0 in the padding. x: [images, height, width, channels]. A bounded number of rows is
 * in memory at a time. reference: NULL, or what x is in the unpruned model. */
tsr_status tsr__statistics_add_conv(tsr_statistics *statistics, const tsr_conv_shape *shape,
                                    const float *x, const float *reference, int64_t images,
                                    int32_t threads);

#endif
