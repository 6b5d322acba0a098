/* Execution: nothing here allocates. */
#ifndef TESSERA_EXECUTE_H
#define TESSERA_EXECUTE_H

#include "tessera/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* y[t, :] = activation(W x[t, :] + bias) + residual[t, :] for t in 0..tokens-1 (the residual inside
 * the brackets if the layer says residual_first). Of a convolution, t is an output pixel, and x[t,
 * :] what lies under the kernel there: x is [images, height, width, ldx], channels used, and tokens
 * is a multiple of an image's output pixels. Pointers are host memory, or device memory if the
 * plan's backend is CUDA; that one computes in f16 or bf16 with sums in f32, and is done when the
 * stream is. */
typedef struct tsr_linear_io {
  int64_t tokens;
  const float *x; /* [tokens, ldx], k used */
  int64_t ldx;
  const float *residual; /* [tokens, ldr], m used; NULL = none; may be y itself */
  int64_t ldr;
  float *y; /* [tokens, ldy], m written; must not overlap x */
  int64_t ldy;
  void *stream; /* CUDA: CUstream, NULL = the default one; CPU: not looked at */
} tsr_linear_io;

/* workspace: host or device as above, tsr_linear_plan_workspace_bytes, 64-byte aligned, this call's
 * alone until it is done. */
TSR_API tsr_status tsr_linear_execute(const tsr_linear_plan *plan, const tsr_linear_io *io,
                                      void *workspace, size_t workspace_bytes);

/* A batch of sequences without padding, one after the other; host memory for every backend, the
 * caller's again when tsr_model_execute returns. */
typedef struct tsr_batch {
  int64_t sequences;
  const int64_t *offsets; /* [sequences + 1]; sequence s is ids[offsets[s] .. offsets[s+1]-1] */
  const int32_t *ids;     /* [offsets[sequences]] */
  const int32_t *types;   /* token types, like ids; NULL = all 0 */
} tsr_batch;

/* Outputs; either may be NULL. Host memory, or device memory if the plan's backend is CUDA. */
typedef struct tsr_output {
  float *hidden;    /* [offsets[sequences], hidden]: the last layer's states */
  float *embedding; /* [sequences, hidden]: pooled; L2-normalised if normalise = 1 */
  int32_t normalise;
  void *stream; /* as in tsr_linear_io */
} tsr_output;

/* CUDA: the call allocates nothing, waits for nothing and reads no host memory later, so that it
 * may be captured: cuStreamBeginCapture on output->stream, this, cuStreamEndCapture. The graph
 * holds the batch; a replay computes it again into the same outputs. For another batch capture
 * again: one with as many sequences and tokens and as long a longest sequence gives the same nodes
 * with other arguments, which cuGraphExecUpdate takes over.
 *
 * workspace: host or device as the outputs, tsr_model_plan_workspace_bytes, 64-byte aligned, this
 * call's alone until it is done. */
TSR_API tsr_status tsr_model_execute(const tsr_model_plan *plan, const tsr_batch *batch,
                                     const tsr_output *output, void *workspace,
                                     size_t workspace_bytes);

/* ---- models of images ---- */

typedef enum tsr_image_layout { TSR_IMAGE_NHWC, TSR_IMAGE_NCHW } tsr_image_layout;

/* Images of the size that tsr_model_info gives, mean and deviation taken into account. */
typedef struct tsr_image_batch {
  int64_t images, height, width, channels;
  /* [images, height, width, channels], or channels first in NCHW; host memory, or device memory if
   * the plan's backend is CUDA. */
  const float *pixels;
  tsr_image_layout layout;
} tsr_image_batch;

/* Outputs; either may be NULL. Memory as that of the pixels. */
typedef struct tsr_image_output {
  float *logits;        /* [images, classes] */
  float *probabilities; /* [images, classes]: their softmax */
  void *stream;         /* as in tsr_linear_io */
} tsr_image_output;

/* NHWC pixels are read where they lie, NCHW ones are copied into the workspace first. CUDA: both
 * are converted into the workspace once; the call may be captured as tsr_model_execute may.
 * workspace as for tsr_model_execute. */
TSR_API tsr_status tsr_model_execute_images(const tsr_model_plan *plan,
                                            const tsr_image_batch *batch,
                                            const tsr_image_output *output, void *workspace,
                                            size_t workspace_bytes);

#ifdef __cplusplus
}
#endif
#endif
