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

/* One execution, which may be of tokens or of images. */
typedef struct tsr__cuda_execution {
  const tsr__cuda_model *model;
  char *workspace;
  tsr__cuda_layer_io io; /* what all layers share; an image counts as a sequence and as a token */
  /* A slot that goes to the caller at once, and where, in device memory; NULL: not computed. */
  int32_t result_slot;
  float *result;
} tsr__cuda_execution;

/* NULL for TSR__NO_SLOT. */
char *tsr__cuda_slot(const tsr__cuda_execution *execution, int32_t slot);

/* All layers, one after the other, each in an NVTX range of its own. */
tsr_status tsr__cuda_run_layers(const tsr__cuda_execution *execution);

/* Rows of a slot as floats. to: device, [rows, width of the slot]; NULL: nothing is done. */
tsr_status tsr__cuda_hand_out(const tsr__cuda_execution *execution, int32_t slot, int32_t rows,
                              float *to, const char *what);

#endif
