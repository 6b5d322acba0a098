/* A model's layers as one CUDA graph, so that a batch costs one launch instead of one for each
 * kernel. */
#ifndef TESSERA_CUDA_REPLAY_H
#define TESSERA_CUDA_REPLAY_H

#include "runtime/cuda/model.h"

typedef struct tsr__cuda_replay tsr__cuda_replay;

/* The model must outlive *out. */
tsr_status tsr__cuda_replay_create(const tsr__cuda_model *model, tsr__cuda_replay **out);
void tsr__cuda_replay_destroy(tsr__cuda_replay *replay); /* NULL is fine */

/* As tsr__cuda_model_execute. When a batch of the last one's shape comes (sequences, tokens, tokens
 * of the longest sequence), for the same outputs and workspace, its layers are captured; from then
 * on such batches replay the graph. A batch of another shape is executed as usual. One thread at a
 * time. */
tsr_status tsr__cuda_replay_execute(tsr__cuda_replay *replay, const tsr_batch *batch,
                                    const tsr_output *output, void *workspace);

/* The same of images: as tsr__cuda_model_execute_images. Here pixels that lie elsewhere, or in
 * another layout, make another shape. */
tsr_status tsr__cuda_replay_execute_images(tsr__cuda_replay *replay, const tsr_image_batch *batch,
                                           const tsr_image_output *output, void *workspace);

/* How often it was captured, and replayed. */
void tsr__cuda_replay_counts(const tsr__cuda_replay *replay, int64_t *captured, int64_t *replayed);

#endif
