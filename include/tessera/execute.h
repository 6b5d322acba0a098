/* Execution: nothing here allocates. */
#ifndef TESSERA_EXECUTE_H
#define TESSERA_EXECUTE_H

#include "tessera/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* y[t, :] = activation(W x[t, :] + bias) + residual[t, :] for t in 0..tokens-1. */
typedef struct tsr_linear_io {
  int64_t tokens;
  const float *x; /* host, [tokens, ldx], k used */
  int64_t ldx;
  const float *residual; /* host, [tokens, ldr], m used; NULL = none; may be y itself */
  int64_t ldr;
  float *y; /* host, [tokens, ldy], m written; must not overlap x */
  int64_t ldy;
} tsr_linear_io;

/* workspace: host, tsr_linear_plan_workspace_bytes, 64-byte aligned, this call's alone. */
TSR_API tsr_status tsr_linear_execute(const tsr_linear_plan *plan, const tsr_linear_io *io,
                                      void *workspace, size_t workspace_bytes);

/* A batch of sequences without padding, one after the other. */
typedef struct tsr_batch {
  int64_t sequences;
  const int64_t *offsets; /* [sequences + 1]; sequence s is ids[offsets[s] .. offsets[s+1]-1] */
  const int32_t *ids;     /* [offsets[sequences]] */
  const int32_t *types;   /* token types, like ids; NULL = all 0 */
} tsr_batch;

/* Outputs; either may be NULL. */
typedef struct tsr_output {
  float *hidden;    /* host, [offsets[sequences], hidden]: the last layer's states */
  float *embedding; /* host, [sequences, hidden]: pooled; L2-normalised if normalise = 1 */
  int32_t normalise;
} tsr_output;

TSR_API tsr_status tsr_model_execute(const tsr_model_plan *plan, const tsr_batch *batch,
                                     const tsr_output *output, void *workspace,
                                     size_t workspace_bytes);

#ifdef __cplusplus
}
#endif
#endif
