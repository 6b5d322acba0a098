/* Images as the convolutions of V:N:M read them (kernels/cuda/args.h), by the definition. */
#ifndef TESSERA_TESTS_CUDA_FOLD_H
#define TESSERA_TESTS_CUDA_FOLD_H

#include <stddef.h>

#include "kernels/cuda/args.h"
#include "tessera/types.h"

/* images: [count, height, width, channels]. *elements: how many the result has; the caller frees
 * it. */
float *cuda_fold(const tsr_conv_shape *shape, const tsr_cuda_fold *fold, const float *images,
                 int64_t count, size_t *elements);

#endif
