/* Layers computed naively in double, and random input for them. */
#ifndef TESSERA_TESTS_LAYER_REFERENCE_H
#define TESSERA_TESTS_LAYER_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

/* count floats between -scale and scale; malloc'd. */
float *reference_random(size_t count, uint64_t seed, float scale);

/* One head: y[t, :] = sum over s of softmax_s(scale q[t] . k[s]) v[s, :]; y: [tokens, head_dim]. */
void reference_attention(const float *q, const float *k, const float *v, int64_t ld, int64_t tokens,
                         int64_t head_dim, double scale, double *y);

/* One token. */
void reference_layernorm(const float *x, int64_t width, const float *gamma, const float *beta,
                         double epsilon, double *y);

#endif
