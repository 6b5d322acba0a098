/* oneDNN's f32 convolution in the layouts that it prefers, with bias, sum and ReLU fused in. */
#ifndef TESSERA_BENCH_ONEDNN_CONV_H
#define TESSERA_BENCH_ONEDNN_CONV_H

#include "bench/baseline/baseline.h"

typedef struct tsr__onednn_conv tsr__onednn_conv;

/* product->conv is there. Weights and activations are brought into oneDNN's layouts here, untimed.
 */
tsr_status tsr__onednn_conv_create(const tsr__product *product, tsr__onednn_conv **out);
tsr_status tsr__onednn_conv_run(tsr__onednn_conv *conv);
tsr__range tsr__onednn_conv_weights(const tsr__onednn_conv *conv);
void tsr__onednn_conv_destroy(tsr__onednn_conv *conv); /* NULL is fine */

#endif
