/* A linear layer on the GPU between activations in the kernel's type, as a model runs it. */
#ifndef TESSERA_BENCH_GPU_LAYER_H
#define TESSERA_BENCH_GPU_LAYER_H

#include "runtime/cuda/linear.h"
#include "tessera/plan.h"

typedef struct tsr__gpu_layer {
  tsr__cuda *cuda;
  tsr_linear_plan *plan;
  tsr__cuda_linear_io io; /* device memory, owned */
  tsr_dtype dtype;
  int64_t m, k;
} tsr__gpu_layer;

/* options: backend CUDA; all of max_tokens are computed. x: host, [max_tokens, k], or
 * the images of max_tokens output pixels; copied. */
tsr_status tsr__gpu_layer_create(const tsr_linear *layer, const tsr_plan_options *options,
                                 const float *x, tsr__gpu_layer *out);
void tsr__gpu_layer_release(tsr__gpu_layer *layer);

/* One product, put on the default stream. */
tsr_status tsr__gpu_layer_run(void *layer);

/* y: host, [max_tokens, m]. */
tsr_status tsr__gpu_layer_read(const tsr__gpu_layer *layer, float *y);

/* values[count] become what the type makes of them. */
tsr_status tsr__gpu_layer_round(tsr_dtype dtype, float *values, size_t count);

#endif
