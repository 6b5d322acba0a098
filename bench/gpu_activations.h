/* Activations and outputs in device memory, as the baselines of the GPU's libraries take them. */
#ifndef TESSERA_BENCH_GPU_ACTIVATIONS_H
#define TESSERA_BENCH_GPU_ACTIVATIONS_H

#include "bench/baseline/baseline.h"
#include "runtime/cuda/context.h"

typedef struct tsr__gpu_activations {
  tsr__cuda *cuda;
  void *x, *y; /* device, F16 */
  tsr__gpu_operands operands;
} tsr__gpu_activations;

/* x: host, [count]; what there is room for beyond them is zeros, and so is y. The operands are for
 * the default stream, and without blocks, bias and activation. */
tsr_status tsr__gpu_activations_create(const float *x, size_t count, size_t x_room, size_t y_room,
                                       tsr__gpu_activations *out);
/* The first count outputs, when all work on the default stream is done. y: host. */
tsr_status tsr__gpu_activations_read(const tsr__gpu_activations *activations, float *y,
                                     size_t count);
void tsr__gpu_activations_release(tsr__gpu_activations *activations);

#endif
