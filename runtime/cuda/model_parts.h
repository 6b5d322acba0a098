/* A model on the GPU, as those who execute it see it. */
#ifndef TESSERA_CUDA_MODEL_PARTS_H
#define TESSERA_CUDA_MODEL_PARTS_H

#include "runtime/cuda/layers.h"
#include "runtime/plan/model_plan.h"

/* The workspace, in device memory: | slots | ids | types | offsets | scratch of a linear layer |.
 */
struct tsr__cuda_model {
  tsr__cuda *cuda;
  const tsr_model *model;
  tsr_linear_plan *const *linear; /* the plan's */
  tsr__cuda_layer *layers;        /* by layer; empty where it is linear */
  tsr_dtype dtype;
  tsr__cuda_function words, from_nchw, from_f32, to_f32;
  size_t slot_offsets[TSR__SLOTS_MAX];
  size_t ids_at, types_at, offsets_at, scratch_at, workspace_bytes;
};

#endif
