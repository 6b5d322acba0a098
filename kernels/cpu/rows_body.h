/* Layers that work on whole rows: LayerNorm, the sum of embeddings, the mean of a sequence.
 * Include a layer_*.h first. */
#ifndef TESSERA_KERNELS_CPU_ROWS_BODY_H
#define TESSERA_KERNELS_CPU_ROWS_BODY_H

#include <math.h>

#include "kernels/cpu/layer_kernels.h"

TSR__INLINE tsr__vec_mask lanes_left(int64_t left) {
  return vec_mask_first((int)(left < TSR__LANES ? left : TSR__LANES));
}

/* In two passes: the squares' mean less the mean's square would cancel. */
static void normalise_row(const float *x, float *y, const tsr_layernorm_args *args) {
  int64_t width = args->width;
  tsr__vec sum = vec_zero(), squares = vec_zero();
  for (int64_t i = 0; i < width; i += TSR__LANES)
    sum = vec_add(sum, vec_load_masked(lanes_left(width - i), x + i));
  tsr__vec mean = vec_set1(vec_sum(sum) / (float)width);
  for (int64_t i = 0; i < width; i += TSR__LANES) {
    tsr__vec_mask mask = lanes_left(width - i);
    tsr__vec d = vec_keep(mask, vec_sub(vec_load_masked(mask, x + i), mean), 0.0f);
    squares = vec_fmadd(d, d, squares);
  }
  tsr__vec factor = vec_set1(1.0f / sqrtf(vec_sum(squares) / (float)width + args->epsilon));
  for (int64_t i = 0; i < width; i += TSR__LANES) {
    tsr__vec_mask mask = lanes_left(width - i);
    tsr__vec d = vec_mul(vec_sub(vec_load_masked(mask, x + i), mean), factor);
    tsr__vec gamma = vec_load_masked(mask, args->gamma + i);
    vec_store_masked(mask, y + i, vec_fmadd(d, gamma, vec_load_masked(mask, args->beta + i)));
  }
}

void TSR__ISA_NAME(tsr__layernorm)(const tsr_layernorm_args *args) {
  for (int64_t t = 0; t < args->tokens; t++)
    normalise_row(args->x + t * args->width, args->y + t * args->width, args);
}

void TSR__ISA_NAME(tsr__add3)(const float *a, const float *b, const float *c, float *y,
                              int64_t count) {
  for (int64_t i = 0; i < count; i += TSR__LANES) {
    tsr__vec_mask mask = lanes_left(count - i);
    tsr__vec ab = vec_add(vec_load_masked(mask, a + i), vec_load_masked(mask, b + i));
    vec_store_masked(mask, y + i, vec_add(ab, vec_load_masked(mask, c + i)));
  }
}

void TSR__ISA_NAME(tsr__mean)(const float *x, int64_t tokens, int64_t width, float *y) {
  tsr__vec factor = vec_set1(1.0f / (float)tokens);
  for (int64_t i = 0; i < width; i += TSR__LANES) {
    tsr__vec_mask mask = lanes_left(width - i);
    tsr__vec sum = vec_zero();
    for (int64_t t = 0; t < tokens; t++)
      sum = vec_add(sum, vec_load_masked(mask, x + t * width + i));
    vec_store_masked(mask, y + i, vec_mul(sum, factor));
  }
}

#endif
