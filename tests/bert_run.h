/* Plans and runs a model once. */
#ifndef TESSERA_TESTS_BERT_RUN_H
#define TESSERA_TESTS_BERT_RUN_H

#include "tessera/tessera.h"

/* hardware: NULL = this machine's. */
tsr_status bert_run(const tsr_model *model, const tsr_batch *batch, const tsr_output *output,
                    const tsr_hardware *hardware, int32_t threads);

/* A plan for any batch of up to `tokens` tokens in `sequences` sequences. */
tsr_status bert_plan(const tsr_model *model, int64_t tokens, int64_t sequences, int64_t max_seq,
                     const tsr_hardware *hardware, int32_t threads, tsr_model_plan **out);

/* A workspace of the plan's size, aligned; free it. */
void *bert_workspace(const tsr_model_plan *plan);

#endif
