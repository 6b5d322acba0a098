/* Layers that work on whole rows: LayerNorm, the sum of embeddings, the mean of a sequence.
 * Include a layer_*.h first. */
#ifndef TESSERA_KERNELS_CPU_ROWS_BODY_H
#define TESSERA_KERNELS_CPU_ROWS_BODY_H

#include <math.h>

#include "kernels/cpu/layer_kernels.h"

TSR__INLINE tsr__vec_mask lanes_left(int64_t left) {
  return vec_mask_first((int)(left < TSR__LANES ? left : TSR__LANES));
}

/* One more vector of a row's sum, or of the sum of its squared distances from the mean. */
TSR__INLINE tsr__vec add_up(tsr__vec sum, tsr__vec x, tsr__vec mean, int squares) {
  tsr__vec d = vec_sub(x, mean);
  return squares ? vec_fmadd(d, d, sum) : vec_add(sum, x);
}

/* Four sums at a time: one would wait for itself. */
TSR__INLINE float sum_row(const float *x, int64_t width, float centre, int squares) {
  tsr__vec mean = vec_set1(centre), sums[4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) sums[j] = vec_zero();
  int64_t i = 0;
  for (; i + 4 * TSR__LANES <= width; i += 4 * TSR__LANES)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
      sums[j] = add_up(sums[j], vec_load(x + i + j * TSR__LANES), mean, squares);
  for (; i < width; i += TSR__LANES) {
    tsr__vec_mask mask = lanes_left(width - i);
    tsr__vec v = vec_keep(mask, vec_load_masked(mask, x + i), squares ? centre : 0.0f);
    sums[0] = add_up(sums[0], v, mean, squares);
  }
  return vec_sum(vec_add(vec_add(sums[0], sums[1]), vec_add(sums[2], sums[3])));
}

/* In two passes: the squares' mean less the mean's square would cancel. */
static void normalise_row(const float *x, float *y, const tsr_layernorm_args *args) {
  int64_t width = args->width, i = 0;
  float centre = sum_row(x, width, 0.0f, 0) / (float)width;
  float variance = sum_row(x, width, centre, 1) / (float)width;
  tsr__vec mean = vec_set1(centre), factor = vec_set1(1.0f / sqrtf(variance + args->epsilon));
  for (; i + TSR__LANES <= width; i += TSR__LANES) {
    tsr__vec d = vec_mul(vec_sub(vec_load(x + i), mean), factor);
    vec_store(y + i, vec_fmadd(d, vec_load(args->gamma + i), vec_load(args->beta + i)));
  }
  if (i == width) return;
  tsr__vec_mask mask = lanes_left(width - i);
  tsr__vec d = vec_mul(vec_sub(vec_load_masked(mask, x + i), mean), factor);
  tsr__vec gamma = vec_load_masked(mask, args->gamma + i);
  vec_store_masked(mask, y + i, vec_fmadd(d, gamma, vec_load_masked(mask, args->beta + i)));
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

void TSR__ISA_NAME(tsr__maximum)(const float *a, const float *b, float *y, int64_t count) {
  for (int64_t i = 0; i < count; i += TSR__LANES) {
    tsr__vec_mask mask = lanes_left(count - i);
    vec_store_masked(mask, y + i,
                     vec_max_nan(vec_load_masked(mask, a + i), vec_load_masked(mask, b + i)));
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
