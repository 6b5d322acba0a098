#include <math.h>

#include "kernels/cpu/layer_kernels.h"

/* workspace: the scores of one query. */
size_t tsr__attention_bytes_scalar(int64_t tokens, int64_t head_dim) {
  (void)head_dim;
  return (size_t)tokens * sizeof(float);
}

static void score(const tsr_attention_args *args, const float *q, float *s) {
  for (int64_t t = 0; t < args->tokens; t++) {
    const float *k = args->k + t * args->ld;
    float sum = 0;
    for (int64_t d = 0; d < args->head_dim; d++) sum += q[d] * k[d];
    s[t] = sum * args->scale;
  }
}

/* Returns the sum of the powers; without the largest score taken off they would overflow. */
static float exponentiate(float *s, int64_t count) {
  float largest = -INFINITY, sum = 0;
  for (int64_t t = 0; t < count; t++) largest = s[t] > largest ? s[t] : largest;
  for (int64_t t = 0; t < count; t++) sum += s[t] = expf(s[t] - largest);
  return sum;
}

void tsr__attention_scalar(const tsr_attention_args *args) {
  float *s = args->workspace;
  for (int64_t t = 0; t < args->tokens; t++) {
    float *y = args->y + t * args->ldy;
    score(args, args->q + t * args->ld, s);
    float inverse = 1.0f / exponentiate(s, args->tokens);
    for (int64_t d = 0; d < args->head_dim; d++) y[d] = 0;
    for (int64_t u = 0; u < args->tokens; u++)
      for (int64_t d = 0; d < args->head_dim; d++) y[d] += s[u] * args->v[u * args->ld + d];
    for (int64_t d = 0; d < args->head_dim; d++) y[d] *= inverse;
  }
}
