/* Attention of one head, in two small matrix products with a softmax between them:
 *
 *   S = Q K^T   lane = key        K is transposed first, so that its columns are vectors
 *   P = softmax of S's rows, not yet divided by their sums
 *   Y = P V     lane = dimension  divided by the sums on the way out
 *
 * for TSR__QUERIES queries at a time, whose S stays in L1. Include a layer_*.h first.
 *
 * workspace   | K^T [head_dim, keys] | V [keys, dims] | S [TSR__QUERIES, keys] |
 *             with keys and dims rounded up to whole vectors */
#ifndef TESSERA_KERNELS_CPU_ATTENTION_BODY_H
#define TESSERA_KERNELS_CPU_ATTENTION_BODY_H

#include <math.h>

#include "kernels/cpu/layer_kernels.h"

#define LOG2_E 1.44269504088896341

static int64_t whole_vectors(int64_t count) {
  return (count + TSR__LANES - 1) / TSR__LANES * TSR__LANES;
}

/* c[i, :] = factors[i] * sum over t of a[i, t] b[t, :], for ROWS rows and VECS vectors, the last
 * one stored by mask. factors may be NULL. */
TSR__INLINE void tile(int rows, int vecs, const float *a, int64_t lda, const float *b, int64_t ldb,
                      int64_t depth, const float *factors, float *c, int64_t ldc,
                      tsr__vec_mask last) {
  tsr__vec sum[TSR__QUERIES][2];
  /* One pointer for three rows: twelve of them, and a stride, would not fit the registers. */
  const float *group[(TSR__QUERIES + 2) / 3];
#pragma GCC unroll 4
  for (int g = 0; g < (rows + 2) / 3; g++) group[g] = a + 3 * g * lda;
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) sum[i][v] = vec_zero();
  for (int64_t t = 0; t < depth; t++, b += ldb) {
    tsr__vec bv[2];
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) bv[v] = vec_load(b + v * TSR__LANES);
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++) {
      tsr__vec av = vec_set1(group[i / 3][i % 3 * lda]);
#pragma GCC unroll 2
      for (int v = 0; v < vecs; v++) sum[i][v] = vec_fmadd(av, bv[v], sum[i][v]);
    }
#pragma GCC unroll 4
    for (int g = 0; g < (rows + 2) / 3; g++) group[g]++;
  }
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int v = 0; v < vecs; v++) {
      tsr__vec out = factors ? vec_mul(sum[i][v], vec_set1(factors[i])) : sum[i][v];
      if (v == vecs - 1)
        vec_store_masked(last, c + i * ldc + v * TSR__LANES, out);
      else
        vec_store(c + i * ldc + v * TSR__LANES, out);
    }
}

/* The same for `columns` columns (b has whole vectors of them) and ROWS rows. */
TSR__INLINE void product_rows(int rows, const float *a, int64_t lda, const float *b, int64_t ldb,
                              int64_t depth, const float *factors, float *c, int64_t ldc,
                              int64_t columns) {
  int64_t j = 0;
  for (; j + TSR__LANES < columns; j += 2 * TSR__LANES) {
    int64_t left = columns - j - TSR__LANES;
    tile(rows, 2, a, lda, b + j, ldb, depth, factors, c + j, ldc,
         vec_mask_first((int)(left < TSR__LANES ? left : TSR__LANES)));
  }
  if (j < columns)
    tile(rows, 1, a, lda, b + j, ldb, depth, factors, c + j, ldc,
         vec_mask_first((int)(columns - j)));
}

/* Any number of rows up to TSR__QUERIES, in pieces. */
static void product(int64_t rows, const float *a, int64_t lda, const float *b, int64_t ldb,
                    int64_t depth, const float *factors, float *c, int64_t ldc, int64_t columns) {
  if (rows == TSR__QUERIES) {
    product_rows(TSR__QUERIES, a, lda, b, ldb, depth, factors, c, ldc, columns);
    return;
  }
  for (int64_t i = 0; i < rows;) {
    const float *piece = a + i * lda, *piece_factors = factors ? factors + i : NULL;
    float *out = c + i * ldc;
    if (rows - i >= 4) {
      product_rows(4, piece, lda, b, ldb, depth, piece_factors, out, ldc, columns);
      i += 4;
    } else {
      product_rows(1, piece, lda, b, ldb, depth, piece_factors, out, ldc, columns);
      i++;
    }
  }
}

/* out: [width, ld], out[d, t] = k[t, d]; 0 for t = tokens .. ld - 1. */
static void transpose_keys(const tsr_attention_args *args, float *out, int64_t ld) {
  for (int64_t t = 0; t < ld; t += TSR__LANES)
    for (int64_t d = 0; d < args->head_dim; d += TSR__LANES) {
      const float *from = args->k + t * args->ld + d;
      float *to = out + d * ld + t;
      if (t + TSR__LANES <= args->tokens && d + TSR__LANES <= args->head_dim) {
        vec_transpose(from, args->ld, to, ld);
        continue;
      }
      for (int64_t j = 0; j < TSR__LANES && d + j < args->head_dim; j++)
        for (int64_t i = 0; i < TSR__LANES; i++)
          to[j * ld + i] = t + i < args->tokens ? from[i * args->ld + j] : 0.0f;
    }
}

/* Rows one after the other: at a stride of whole kilobytes they would fall into few cache sets. */
static void gather_values(const tsr_attention_args *args, float *out, int64_t ld) {
  for (int64_t t = 0; t < args->tokens; t++)
    for (int64_t d = 0; d < ld; d += TSR__LANES) {
      int64_t left = args->head_dim - d;
      tsr__vec_mask mask = vec_mask_first((int)(left < TSR__LANES ? left : TSR__LANES));
      vec_store(out + t * ld + d, vec_load_masked(mask, args->v + t * args->ld + d));
    }
}

/* s[0 .. keys - 1] becomes exp(scale (s - max s)); returns 1 / their sum. s has whole vectors. */
static float softmax(float *s, int64_t keys, float scale) {
  int64_t whole = keys / TSR__LANES * TSR__LANES;
  tsr__vec_mask tail = vec_mask_first((int)(keys - whole));
  if (whole < keys) vec_store(s + whole, vec_keep(tail, vec_load(s + whole), -INFINITY));
  tsr__vec largest = vec_load(s);
  for (int64_t t = TSR__LANES; t < keys; t += TSR__LANES)
    largest = vec_max(largest, vec_load(s + t));
  /* Powers of 2: the whole part of the exponent then splits off without rounding. */
  tsr__vec factor = vec_set1((float)(scale * LOG2_E));
  tsr__vec offset = vec_mul(vec_set1(vec_largest(largest)), factor);
  tsr__vec sum = vec_zero();
  for (int64_t t = 0; t < keys; t += TSR__LANES) {
    tsr__vec p = vec_exp2_below(vec_fmsub(vec_load(s + t), factor, offset));
    vec_store(s + t, p);
    sum = vec_add(sum, p);
  }
  return 1.0f / vec_sum(sum);
}

size_t TSR__ISA_NAME(tsr__attention_bytes)(int64_t tokens, int64_t head_dim) {
  int64_t keys = whole_vectors(tokens), dims = whole_vectors(head_dim);
  return (size_t)(head_dim * keys + keys * dims + TSR__QUERIES * keys) * sizeof(float);
}

void TSR__ISA_NAME(tsr__attention)(const tsr_attention_args *args) {
  int64_t tokens = args->tokens, head_dim = args->head_dim;
  int64_t keys = whole_vectors(tokens), dims = whole_vectors(head_dim);
  float *k = args->workspace, *v = k + head_dim * keys, *s = v + keys * dims;
  transpose_keys(args, k, keys);
  gather_values(args, v, dims);
  for (int64_t t = 0; t < tokens; t += TSR__QUERIES) {
    int64_t queries = tokens - t < TSR__QUERIES ? tokens - t : TSR__QUERIES;
    float inverse[TSR__QUERIES];
    product(queries, args->q + t * args->ld, args->ld, k, keys, head_dim, NULL, s, keys, keys);
    for (int64_t i = 0; i < queries; i++) inverse[i] = softmax(s + i * keys, tokens, args->scale);
    product(queries, s, keys, v, dims, tokens, inverse, args->y + t * args->ldy, args->ldy,
            head_dim);
  }
}

#endif
