/* Launches of CUDA kernels on the simulator for the sake of its counters and model. A failing
 * driver ends the program. */
#ifndef TESSERA_TESTS_MODELLED_LAUNCH_H
#define TESSERA_TESTS_MODELLED_LAUNCH_H

#include <jansson.h>

#include "kernels/cuda/kernel.h"

/* Results only, about `sample` CTAs of each launch (0 = all) unless the environment says so. */
void modelled_start(unsigned sample);

/* Ones of f16 under a random mask of the pattern: counters do not depend on values. */
tsr_packed modelled_weights(tsr_format format, const char *pattern, double density, int64_t m,
                            int64_t k);

/* What gpusim_last_launch_json tells of the product with n tokens, or output pixels of conv; NULL
 * if the kernel refuses the weights. conv: NULL for a kernel of tokens. */
json_t *modelled_product(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, int64_t n,
                         int32_t splits, const tsr_conv_shape *conv);

/* The same of the activations' transposition, or folding. */
json_t *modelled_transpose(int64_t k, int64_t n);
json_t *modelled_fold(const tsr_conv_shape *conv, int64_t n);

#endif
