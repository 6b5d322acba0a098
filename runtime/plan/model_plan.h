/* A planned model, as execute/ reads it. */
#ifndef TESSERA_PLAN_MODEL_PLAN_H
#define TESSERA_PLAN_MODEL_PLAN_H

#include "runtime/cuda/model.h"
#include "runtime/model/model.h"

/* The workspace, every part of it aligned to a cache line:
 *
 *   | slots                                        | scratch                          |
 *   | hidden |       qkv      | context | pooled | | of the layer that is being run:  |
 *   |        |          inner           |        | | as much as the greediest needs   |
 *   0                                              slot_bytes workspace_bytes
 *
 * Slots that never hold anything at the same time share bytes, as the example of BERT shows. */
struct tsr_model_plan {
  const tsr_model *model;
  tsr_linear_plan **linear; /* by layer; NULL where the layer is of another kind */
  tsr__cuda_model *cuda;    /* of the CUDA backend, which lays out a workspace of its own */
  tsr__layer_limits limits;
  size_t slot_offsets[TSR__SLOTS_MAX];
  size_t slot_bytes, workspace_bytes;
};

/* The kernels of layers other than linear ones. */
const tsr_layer_kernels *tsr__best_layer_kernels(const tsr_hardware *hardware);

/* Elements from row to row on the GPU, where rows of 16-bit elements are aligned to 16 bytes. Rows
 * are tokens, pixels, or vectors. */
int64_t tsr__cuda_row(int64_t elements);

/* How far the rows of a slot lie apart, one row for each token, sequence or image. On the GPU they
 * are of 16-bit elements, apart from a text's pooled states. */
int64_t tsr__slot_row_bytes(const tsr_model *model, int32_t slot, tsr_backend backend);

/* Finds offsets for the model's slots. *bytes: their total. */
tsr_status tsr__slots_place(const tsr_model *model, tsr_backend backend, int64_t max_tokens,
                            int64_t max_batch, size_t offsets[TSR__SLOTS_MAX], size_t *bytes);

#endif
