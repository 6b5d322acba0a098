#include "kernels/cpu/layer_kernels.h"

const tsr_layer_kernels tsr__layer_kernels[TSR_ISA_CPU_COUNT] = {
#define TSR_LAYER_KERNELS(isa, suffix)                        \
  [TSR_ISA_##isa] = {                                         \
      TSR_ISA_##isa,           tsr__attention_bytes_##suffix, \
      tsr__attention_##suffix, tsr__layernorm_##suffix,       \
      tsr__add3_##suffix,      tsr__maximum_##suffix,         \
      tsr__mean_##suffix,                                     \
  },
#include "kernels/cpu/layer_kernels.inc"
#undef TSR_LAYER_KERNELS
};
