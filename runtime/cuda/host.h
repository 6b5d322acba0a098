/* A planned model of the CUDA backend behind host memory: what the command runs. */
#ifndef TESSERA_CUDA_HOST_H
#define TESSERA_CUDA_HOST_H

#include "runtime/cuda/replay.h"

typedef struct tsr__cuda_host tsr__cuda_host;

/* Device memory for the plan's workspace and outputs. The plan must outlive *out. */
tsr_status tsr__cuda_host_create(const tsr_model_plan *plan, tsr__cuda_host **out);
void tsr__cuda_host_destroy(tsr__cuda_host *host); /* NULL is fine */

/* As tsr_model_execute, with outputs in host memory; done when it returns. Batches of one shape
 * that follow each other replay a graph. */
tsr_status tsr__cuda_host_execute(tsr__cuda_host *host, const tsr_batch *batch,
                                  const tsr_output *output);

/* As tsr_model_execute_images, with pixels and outputs in host memory; done when it returns.
 * Batches of one size and layout that follow each other replay a graph. */
tsr_status tsr__cuda_host_execute_images(tsr__cuda_host *host, const tsr_image_batch *batch,
                                         const tsr_image_output *output);

const tsr__cuda_replay *tsr__cuda_host_replay(const tsr__cuda_host *host);

#endif
