/* A model on the GPU. */
#ifndef TESSERA_CUDA_MODEL_H
#define TESSERA_CUDA_MODEL_H

#include "runtime/cuda/context.h"
#include "runtime/layer/layer.h"

typedef struct tsr__cuda_model tsr__cuda_model;

/* linear: by layer, plans of the CUDA backend, NULL where the layer is of another kind. Model and
 * plans must outlive *out. The linear layers' weights must all be of one type. */
tsr_status tsr__cuda_model_create(const tsr_model *model, tsr_linear_plan *const *linear,
                                  const tsr__layer_limits *limits, tsr__cuda_model **out);
void tsr__cuda_model_destroy(tsr__cuda_model *model);                 /* NULL is fine */
size_t tsr__cuda_model_workspace_bytes(const tsr__cuda_model *model); /* device memory */

tsr__cuda *tsr__cuda_model_context(const tsr__cuda_model *model);
const char *tsr__cuda_model_name(const tsr__cuda_model *model);

/* The batch is host memory and checked; outputs and workspace are device memory. */
tsr_status tsr__cuda_model_execute(const tsr__cuda_model *model, const tsr_batch *batch,
                                   const tsr_output *output, void *workspace);

/* The same of a model of images, whose pixels are device memory, too. */
tsr_status tsr__cuda_model_execute_images(const tsr__cuda_model *model,
                                          const tsr_image_batch *batch,
                                          const tsr_image_output *output, void *workspace);

/* ---- the same in two steps, called between enter and leave ---- */

/* All of a batch that its launches depend on. */
typedef struct tsr__cuda_shape {
  int32_t tokens, sequences, longest; /* longest: tokens of the longest sequence */
  int32_t typed;                      /* 1 = it has token types */
} tsr__cuda_shape;

tsr__cuda_shape tsr__cuda_shape_of(const tsr_batch *batch);

/* Puts the batch's numbers into the workspace. */
tsr_status tsr__cuda_model_write(const tsr__cuda_model *model, const tsr_batch *batch,
                                 void *workspace, void *stream);
/* Computes the batch that was written last. */
tsr_status tsr__cuda_model_compute(const tsr__cuda_model *model, const tsr__cuda_shape *shape,
                                   const tsr_output *output, void *workspace);
/* As tsr__cuda_model_execute_images: of pixels, all that is done reads the device's memory only. */
tsr_status tsr__cuda_model_compute_images(const tsr__cuda_model *model,
                                          const tsr_image_batch *batch,
                                          const tsr_image_output *output, void *workspace);

#endif
