/* Sequences that are computed together, without padding. */
#ifndef TESSERA_CLI_RUN_BATCH_H
#define TESSERA_CLI_RUN_BATCH_H

#include "runtime/cli/run_input.h"
#include "runtime/cli/run_result.h"
#include "runtime/cuda/host.h"
#include "tessera/execute.h"

typedef struct tsr__run_batch {
  /* Set before create: */
  const tsr_model_plan *plan;
  tsr__run_result *result; /* opened; gets the rows: if it is grouped, the state of every token */
  int64_t width;           /* of an embedding and of a token's state */
  int normalise;
  /* The rest is private. */
  int pairs;
  int64_t max_items, max_tokens;
  int64_t items, sequences;
  int64_t *offsets;    /* [sequences + 1] */
  int32_t *ids;        /* [max_tokens] */
  float *values;       /* embeddings of the sequences, or states of the tokens */
  char **labels;       /* [items]: the text of a pair, NULL otherwise */
  int32_t *item;       /* [tokens of one item]: encoded before it is known whether it still fits */
  tsr__cuda_host *gpu; /* of a plan for the GPU, which uses no workspace of the host */
  void *workspace;
  size_t workspace_bytes;
} tsr__run_batch;

/* max_tokens: of all sequences together; room for at least one item. */
tsr_status tsr__run_batch_create(int64_t max_items, int pairs, int64_t max_tokens,
                                 tsr__run_batch *batch);
void tsr__run_batch_destroy(tsr__run_batch *batch);
/* Adds a sentence or a pair; computes what is there first if it does not fit any more. */
tsr_status tsr__run_batch_add(tsr__run_batch *batch, const tsr__run_input *input,
                              const tsr__run_item *item);
/* Computes what is there and hands it to the result. */
tsr_status tsr__run_batch_flush(tsr__run_batch *batch);

#endif
