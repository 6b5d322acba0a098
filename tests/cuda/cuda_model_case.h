/* A batch and small models of BERT's kind, for tests of whole models on the CUDA backend. */
#ifndef TESSERA_TESTS_CUDA_MODEL_CASE_H
#define TESSERA_TESTS_CUDA_MODEL_CASE_H

#include "tessera/tessera.h"

enum {
  CASE_SEQUENCES = 3,
  CASE_TOKENS = 17,
  CASE_HIDDEN = 96, /* of case_model */
  CASE_MAX_TOKENS = 40,
  CASE_MAX_SEQ = 20
};

/* A batch without padding. */
typedef struct case_ids {
  int64_t offsets[CASE_SEQUENCES + 1];
  int32_t ids[CASE_TOKENS], types[CASE_TOKENS];
} case_ids;

case_ids case_make_ids(void);

/* Two layers, three heads of 32, 1000 words; random weights. */
tsr_model *case_model(void);

/* Packs the weight of every step-th linear layer again, with parts of it set to zero. */
void case_sparsify(tsr_model *model, const char *pattern, tsr_format format, size_t step);

/* For CASE_MAX_TOKENS in at most 5 sequences of CASE_MAX_SEQ. */
tsr_model_plan *case_plan(const tsr_model *model, tsr_backend backend);

/* Outputs in host memory. */
void case_run_cpu(const tsr_model *model, const tsr_batch *batch, const tsr_output *output);
void case_run_cuda(const tsr_model *model, const tsr_batch *batch, const tsr_output *output);

/* Runs the batch on both backends: hidden states may differ by 2e-2, embeddings by an angle whose
 * cosine is 0.9995. */
void case_compare(const tsr_model *model);

#endif
