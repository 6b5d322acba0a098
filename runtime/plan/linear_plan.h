/* A planned linear layer, as execute/ reads it. */
#ifndef TESSERA_PLAN_LINEAR_PLAN_H
#define TESSERA_PLAN_LINEAR_PLAN_H

#include "kernels/kernel.h"
#include "runtime/cuda/linear.h"

struct tsr_linear_plan {
  char name[96]; /* the layer's, for messages */
  int64_t m, k;
  int64_t max_tokens;
  int32_t threads;
  const float *bias; /* host, [m], borrowed, or NULL */
  tsr_activation activation;
  int residual_first;
  tsr_conv_shape conv; /* channels = 0: x holds tokens */
  void *weights;       /* as the kernel's prepack left them, 64-byte aligned, owned */
  size_t weight_bytes;
  size_t part_bytes;      /* workspace of one part, a multiple of the cache line */
  tsr__cuda_linear *cuda; /* of the CUDA backend, which uses neither weights nor parts */
  tsr_selection selection;
};

#endif
