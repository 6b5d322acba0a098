#include "tests/layer_reference.h"

#include <math.h>
#include <stdlib.h>

float *reference_random(size_t count, uint64_t seed, float scale) {
  float *values = malloc((count ? count : 1) * sizeof *values);
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (size_t i = 0; i < count; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    values[i] = ((float)(state >> 40) / 8388608.0f - 1.0f) * scale;
  }
  return values;
}

void reference_attention(const float *q, const float *k, const float *v, int64_t ld, int64_t tokens,
                         int64_t head_dim, double scale, double *y) {
  double *score = malloc((size_t)tokens * sizeof *score);
  for (int64_t t = 0; t < tokens; t++) {
    double largest = -INFINITY, sum = 0;
    for (int64_t s = 0; s < tokens; s++) {
      score[s] = 0;
      for (int64_t d = 0; d < head_dim; d++)
        score[s] += (double)q[t * ld + d] * (double)k[s * ld + d];
      score[s] *= scale;
      largest = fmax(largest, score[s]);
    }
    for (int64_t s = 0; s < tokens; s++) sum += score[s] = exp(score[s] - largest);
    for (int64_t d = 0; d < head_dim; d++) {
      double value = 0;
      for (int64_t s = 0; s < tokens; s++) value += score[s] / sum * (double)v[s * ld + d];
      y[t * head_dim + d] = value;
    }
  }
  free(score);
}

void reference_layernorm(const float *x, int64_t width, const float *gamma, const float *beta,
                         double epsilon, double *y) {
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < width; i++) mean += (double)x[i] / (double)width;
  for (int64_t i = 0; i < width; i++)
    variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)width;
  for (int64_t i = 0; i < width; i++)
    y[i] = ((double)x[i] - mean) / sqrt(variance + epsilon) * (double)gamma[i] + (double)beta[i];
}
