/* A model on the GPU. */
#ifndef TESSERA_CUDA_MODEL_H
#define TESSERA_CUDA_MODEL_H

#include "runtime/layer/layer.h"

typedef struct tsr__cuda_model tsr__cuda_model;

/* linear: by layer, plans of the CUDA backend, NULL where the layer is of another kind. Model and
 * plans must outlive *out. The linear layers' weights must all be of one type. */
tsr_status tsr__cuda_model_create(const tsr_model *model, tsr_linear_plan *const *linear,
                                  const tsr__layer_limits *limits, tsr__cuda_model **out);
void tsr__cuda_model_destroy(tsr__cuda_model *model);                 /* NULL is fine */
size_t tsr__cuda_model_workspace_bytes(const tsr__cuda_model *model); /* device memory */

/* The batch is host memory and checked; outputs and workspace are device memory. */
tsr_status tsr__cuda_model_execute(const tsr__cuda_model *model, const tsr_batch *batch,
                                   const tsr_output *output, void *workspace);

#endif
