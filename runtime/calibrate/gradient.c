#include "runtime/calibrate/gradient.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

/* ---- layer norm: y = gamma n + beta, n = (x - mean) / deviation ---- */

static void layernorm_row(const tsr__layernorm *layer, const float *x, const float *gy, float *gx) {
  int64_t width = layer->width;
  double mean = 0, variance = 0, along = 0, sum = 0;
  for (int64_t c = 0; c < width; c++) mean += (double)x[c] / (double)width;
  for (int64_t c = 0; c < width; c++)
    variance += ((double)x[c] - mean) * ((double)x[c] - mean) / (double)width;
  double inverse = 1 / sqrt(variance + (double)layer->epsilon);
  for (int64_t c = 0; c < width; c++) {
    double g = (double)gy[c] * (double)layer->gamma[c];
    sum += g / (double)width;
    along += g * ((double)x[c] - mean) * inverse / (double)width;
  }
  for (int64_t c = 0; c < width; c++) {
    double normal = ((double)x[c] - mean) * inverse;
    gx[c] += (float)(inverse * ((double)gy[c] * (double)layer->gamma[c] - sum - normal * along));
  }
}

tsr_status tsr__gradient_layernorm(const tsr__layer *layer, const tsr__gradient_io *io) {
#pragma omp parallel for schedule(static) num_threads(io->threads)
  for (int64_t r = 0; r < io->rows; r++)
    layernorm_row(&layer->as.layernorm, io->x + r * io->x_width, io->gy + r * io->x_width,
                  io->gx + r * io->x_width);
  return TSR_OK;
}

/* ---- attention ---- */

/* One head of one sequence; pointers are to its first token. ld: of q, k, v and their gradients. */
typedef struct head {
  const float *q, *k, *v, *gy;
  float *gq, *gk, *gv;
  int64_t tokens, dim, ld, ldy;
  float scale;
  float *shares, *slopes; /* [tokens] each */
} head;

static float dot(const float *a, const float *b, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static void add_times(float *to, float factor, const float *from, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) to[i] += factor * from[i];
}

/* What token t takes from each token. */
static void find_shares(const head *h, int64_t t) {
  float most = -INFINITY, sum = 0;
  for (int64_t j = 0; j < h->tokens; j++) {
    h->shares[j] = h->scale * dot(h->q + t * h->ld, h->k + j * h->ld, h->dim);
    most = fmaxf(most, h->shares[j]);
  }
  for (int64_t j = 0; j < h->tokens; j++) sum += h->shares[j] = expf(h->shares[j] - most);
  for (int64_t j = 0; j < h->tokens; j++) h->shares[j] /= sum;
}

static void attention_token(const head *h, int64_t t) {
  const float *gy = h->gy + t * h->ldy;
  float mean = 0;
  find_shares(h, t);
  for (int64_t j = 0; j < h->tokens; j++) {
    h->slopes[j] = dot(gy, h->v + j * h->ld, h->dim);
    mean += h->shares[j] * h->slopes[j];
  }
  for (int64_t j = 0; j < h->tokens; j++) {
    float slope = h->scale * h->shares[j] * (h->slopes[j] - mean);
    add_times(h->gv + j * h->ld, h->shares[j], gy, h->dim);
    add_times(h->gq + t * h->ld, slope, h->k + j * h->ld, h->dim);
    add_times(h->gk + j * h->ld, slope, h->q + t * h->ld, h->dim);
  }
}

static void attention_head(const tsr__layer *layer, const tsr__gradient_io *io, int64_t sequence,
                           int64_t index, float *workspace) {
  const tsr__attention *a = &layer->as.attention;
  int64_t width = a->heads * a->head_dim, first = io->batch->offsets[sequence];
  int64_t at = first * 3 * width + index * a->head_dim;
  int64_t tokens = io->batch->offsets[sequence + 1] - first;
  head h = {.q = io->x + at,
            .k = io->x + at + width,
            .v = io->x + at + 2 * width,
            .gy = io->gy + first * width + index * a->head_dim,
            .gq = io->gx + at,
            .gk = io->gx + at + width,
            .gv = io->gx + at + 2 * width,
            .tokens = tokens,
            .dim = a->head_dim,
            .ld = 3 * width,
            .ldy = width,
            .scale = a->scale,
            .shares = workspace,
            .slopes = workspace + tokens};
  for (int64_t t = 0; t < tokens; t++) attention_token(&h, t);
}

tsr_status tsr__gradient_attention(const tsr__layer *layer, const tsr__gradient_io *io) {
  int64_t heads = layer->as.attention.heads, rows = io->rows;
  float *workspace;
  TSR_TRY(tsr__aligned((size_t)(2 * rows * io->threads), sizeof *workspace, "shares", &workspace));
#pragma omp parallel for schedule(dynamic, 1) num_threads(io->threads)
  for (int64_t i = 0; i < io->batch->sequences * heads; i++)
    attention_head(layer, io, i / heads, i % heads, workspace + 2 * rows * omp_get_thread_num());
  free(workspace);
  return TSR_OK;
}

/* ---- pooling ---- */

tsr_status tsr__gradient_pool(const tsr__layer *layer, const tsr__gradient_io *io) {
  const int64_t *offsets = io->batch->offsets;
  int64_t width = layer->as.pool.width;
  for (int64_t s = 0; s < io->batch->sequences; s++) {
    int64_t tokens = offsets[s + 1] - offsets[s];
    int first_only = layer->as.pool.pooling == TSR_POOLING_CLS;
    for (int64_t t = 0; t < (first_only ? 1 : tokens); t++)
      add_times(io->gx + (offsets[s] + t) * width, first_only ? 1 : 1 / (float)tokens,
                io->gy + s * width, width);
  }
  return TSR_OK;
}

/* ---- activations ---- */

static float slope_of(tsr_activation activation, float value) {
  static const float ROOT_HALF = 0.70710678F, DENSITY = 0.39894228F; /* of a normal value at 0 */
  switch (activation) {
    case TSR_ACTIVATION_GELU:
      return 0.5F * (1 + erff(value * ROOT_HALF)) + value * DENSITY * expf(-0.5F * value * value);
    case TSR_ACTIVATION_RELU:
      return value > 0 ? 1 : 0;
    case TSR_ACTIVATION_TANH:
      return 1 - tanhf(value) * tanhf(value);
    default:
      return 1;
  }
}

void tsr__activation_slopes(tsr_activation activation, float *values, int64_t count,
                            int32_t threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t i = 0; i < count; i++) values[i] = slope_of(activation, values[i]);
}
