/* Where a model's weights come from: a checkpoint, or a seeded random generator. */
#ifndef TESSERA_MODEL_WEIGHTS_H
#define TESSERA_MODEL_WEIGHTS_H

#include "runtime/model/model.h"

/* The names are those of the tensors, without the family's prefix. What is no view into a
 * checkpoint becomes the model's. Sizes that differ are TSR_MALFORMED, naming tensor and sizes. */
typedef struct tsr__weights tsr__weights;
struct tsr__weights {
  /* [rows, cols] in whatever format it is stored. */
  tsr_status (*matrix)(tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                       tsr_packed *out);
  /* A convolution's: [filters, kernel x kernel x channels], or in the file the plain tensor
   * [filters, channels, kernel, kernel] of torch. filters = 0: as many as there are; a random
   * model has `usual` then. */
  tsr_status (*filters)(tsr__weights *self, const char *name, int64_t filters, int64_t usual,
                        int64_t channels, int64_t kernel, tsr_packed *out);
  /* The same as a plain table that may stay where and as it is: F32, F16 or BF16, any alignment. */
  tsr_status (*table)(tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                      const void **out, tsr_dtype *dtype);
  /* [rows, cols] floats, aligned. initial: what a random model begins with; NAN = random. */
  tsr_status (*floats)(tsr__weights *self, const char *name, int64_t rows, int64_t cols,
                       float initial, const float **out);
  tsr_model *model;
  const tsr_checkpoint *checkpoint;
  const char *prefix; /* such as "bert.", or "" */
  uint64_t state;     /* of the generator */
};

tsr__weights tsr__weights_of(const tsr_checkpoint *checkpoint, const char *prefix,
                             tsr_model *model);
tsr__weights tsr__weights_random(uint64_t seed, tsr_model *model);

#endif
