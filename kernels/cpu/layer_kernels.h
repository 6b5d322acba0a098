/* The layer kernels of each instruction set. */
#ifndef TESSERA_KERNELS_CPU_LAYER_KERNELS_H
#define TESSERA_KERNELS_CPU_LAYER_KERNELS_H

#include "kernels/layer_kernel.h"

#define TSR_LAYER_KERNELS(isa, suffix)                                                 \
  size_t tsr__attention_bytes_##suffix(int64_t tokens, int64_t head_dim);              \
  void tsr__attention_##suffix(const tsr_attention_args *args);                        \
  void tsr__layernorm_##suffix(const tsr_layernorm_args *args);                        \
  void tsr__add3_##suffix(const float *a, const float *b, const float *c, float *y,    \
                          int64_t count);                                              \
  void tsr__maximum_##suffix(const float *a, const float *b, float *y, int64_t count); \
  void tsr__mean_##suffix(const float *x, int64_t tokens, int64_t width, float *y);
#include "kernels/cpu/layer_kernels.inc"
#undef TSR_LAYER_KERNELS

#endif
