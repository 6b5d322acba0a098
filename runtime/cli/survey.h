/* What is to be said about each weight of a checkpoint. */
#ifndef TESSERA_CLI_SURVEY_H
#define TESSERA_CLI_SURVEY_H

#include "runtime/cli/weights.h"

typedef struct tsr__survey {
  const tsr__weight *weight;
  tsr_dtype dtype;
  int ndim;
  int64_t shape[TSR_TENSOR_DIMS_MAX];
  uint64_t bytes, dense_bytes; /* as stored, and if it were a plain tensor */
  double elements;
  /* Of a matrix only: */
  int is_matrix, packed;
  tsr_format format;
  char pattern[TSR_PATTERN_TEXT_MAX]; /* found in the zeros, or the packed one's */
  double zeros;                       /* share of the elements that are +-0 */
  double density;                     /* stored elements per element */
} tsr__survey;

/* survey: caller's, [weights->count], zeroed. Packed matrices are verified on the way. */
tsr_status tsr__survey_take(const tsr_checkpoint *checkpoint, const tsr__weights *weights,
                            int threads, tsr__survey *survey);

/* The shape with `times` between the sizes; "scalar" without any. */
void tsr__survey_shape(const tsr__survey *survey, const char *times, char *text, size_t size);

#endif
