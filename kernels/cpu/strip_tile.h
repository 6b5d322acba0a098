/* The register tile of the strip kernels: H vectors of sums x T tokens. Include a vec_*.h first. */
#ifndef TESSERA_KERNELS_CPU_STRIP_TILE_H
#define TESSERA_KERNELS_CPU_STRIP_TILE_H

#include "kernels/cpu/conv_taps.h"
#include "kernels/cpu/strip.h"

/* One call of a tile function. */
typedef struct strip_job {
  const tsr__run *runs;
  int64_t run_count;
  const float *values; /* of the first run */
  /* Where activations are read in place: */
  tsr__conv_taps taps;
  const float *const *table, *const *next_table;
  float *out; /* the first token's first row */
  int64_t ldo;
  const float *ahead;    /* this tile's share of the next strip's values */
  int ahead_lines;       /* cache lines of it to prefetch per run */
  int rows;              /* rows of the strip that exist, 1..H * TSR__LANES */
  const float *bias;     /* of the first row, or NULL */
  const float *residual; /* of the first token and row, or NULL; may be `out` */
  int64_t ldr;
  int relu; /* applied to what is stored */
} strip_job;

/* sums[0 .. H) += a * the activations of C columns side by side. */
TSR__INLINE void multiply_token(int H, int C, const tsr__vec a[2], const float *x,
                                tsr__vec sums[]) {
  if (C == 2) {
    vec_fmadd_pair(x, a[0], a[1], sums);
    return;
  }
  tsr__vec b = vec_set1(*x);
#pragma GCC unroll 2
  for (int h = 0; h < H; h++) sums[h] = vec_fmadd(a[h], b, sums[h]);
}

/* acc[t] += values of C columns * x[t][column]: activations where they are. */
TSR__INLINE void multiply_at(int H, int C, int T, const float *values, const float *const x[],
                             int64_t column, tsr__vec acc[]) {
  tsr__vec a[2];
#pragma GCC unroll 2
  for (int h = 0; h < H; h++) a[h] = vec_load(values + h * TSR__LANES);
#pragma GCC unroll 32
  for (int t = 0; t < T; t++) multiply_token(H, C, a, x[t] + column, acc + t * H);
}

/* The same for a last column that no other one stands beside, nor may be read. */
TSR__INLINE void multiply_odd(int H, int T, const float *values, const float *const x[],
                              int64_t column, tsr__vec acc[]) {
#pragma GCC unroll 32
  for (int t = 0; t < T; t++) {
    const float pair[2] = {x[t][column], 0.0f};
    tsr__vec b = vec_set_pair(pair);
#pragma GCC unroll 2
    for (int h = 0; h < H; h++)
      acc[t * H + h] = vec_fmadd(vec_load(values + h * TSR__LANES), b, acc[t * H + h]);
  }
}

/* A run of T tokens where they are, whose first columns x names. A whole run of pairs is unrolled:
 * as a loop it took a tenth longer. */
TSR__INLINE void multiply_run_at(int H, int C, int T, int U, const float *values,
                                 const float *const x[], int count, tsr__vec acc[]) {
  const int step = H * TSR__LANES;
  if (C == 1 && count == TSR__RUN_COLS) {
#pragma GCC unroll 4
    for (int c = 0; c < TSR__RUN_COLS; c++)
      multiply_at(H, C, T, values + c * step, x, c, acc + c % U * T * H);
  } else if (count == TSR__RUN_COLS) {
#pragma GCC unroll 8
    for (int c = 0; c < TSR__RUN_COLS / 2; c++)
      multiply_at(H, C, T, values + c * step, x, c * 2, acc + c % U * T * H);
  } else {
    int c = 0;
    for (; c < count / C; c++) multiply_at(H, C, T, values + c * step, x, c * C, acc);
    if (C == 2 && count % 2) multiply_odd(H, T, values + c * step, x, c * C, acc);
  }
}

/* Where the sums of the strip's rows begin: with the bias, if there is one. */
TSR__INLINE void load_bias(int rows_vecs, const float *bias, int rows, tsr__vec begin[]) {
#pragma GCC unroll 2
  for (int h = 0; h < rows_vecs; h++)
    begin[h] = !bias ? vec_zero()
               : rows == rows_vecs * TSR__LANES
                   ? vec_load(bias + h * TSR__LANES)
                   : vec_load_masked(vec_mask_first(rows - h * TSR__LANES), bias + h * TSR__LANES);
}

/* U sets of sums. The first begins with the bias of `rows` rows (NULL: 0), unless two lanes sum a
 * row up. */
TSR__INLINE void begin_sums(int H, int C, int T, int U, const float *bias, int rows,
                            tsr__vec acc[]) {
  tsr__vec begin[2] = {vec_zero(), vec_zero()};
  if (C == 1) load_bias(H, bias, rows, begin);
#pragma GCC unroll 32
  for (int i = 0; i < T * H; i++) acc[i] = begin[i % H];
#pragma GCC unroll 32
  for (int i = T * H; i < T * H * U; i++) acc[i] = vec_zero();
}

/* Adds the sets up in the first one, then what lies side by side: H / C vectors a token are left.
 */
TSR__INLINE void end_sums(int H, int C, int T, int U, const float *bias, int rows, tsr__vec acc[]) {
#pragma GCC unroll 8
  for (int u = 1; u < U; u++)
#pragma GCC unroll 32
    for (int i = 0; i < T * H; i++) acc[i] = vec_add(acc[i], acc[u * T * H + i]);
  if (C == 1) return;
  tsr__vec begin[1];
  load_bias(1, bias, rows, begin);
#pragma GCC unroll 32
  for (int t = 0; t < T; t++)
    acc[t] = vec_add(vec_add_neighbours(acc[2 * t], acc[2 * t + 1]), begin[0]);
}

/* whole: all rows exist. */
TSR__INLINE void store_rows(int H, int T, int whole, tsr__vec acc[], const strip_job *job) {
  tsr__vec_mask mask[2];
#pragma GCC unroll 2
  for (int h = 0; h < H; h++) mask[h] = vec_mask_first(job->rows - h * TSR__LANES);
  if (job->residual) {
    const float *residual = job->residual;
#pragma GCC unroll 32
    for (int t = 0; t < T; t++, residual += job->ldr)
#pragma GCC unroll 2
      for (int h = 0; h < H; h++) {
        const float *r = residual + h * TSR__LANES;
        acc[t * H + h] = vec_add(acc[t * H + h], whole ? vec_load(r) : vec_load_masked(mask[h], r));
      }
  }
  if (job->relu)
#pragma GCC unroll 32
    for (int i = 0; i < T * H; i++) acc[i] = vec_relu(acc[i]);
  float *out = job->out;
#pragma GCC unroll 32
  for (int t = 0; t < T; t++, out += job->ldo)
#pragma GCC unroll 2
    for (int h = 0; h < H; h++) {
      float *o = out + h * TSR__LANES;
      if (whole)
        vec_store(o, acc[t * H + h]);
      else
        vec_store_masked(mask[h], o, acc[t * H + h]);
    }
}

TSR__INLINE void store_tile(int H, int T, tsr__vec acc[], const strip_job *job) {
  if (job->rows == H * TSR__LANES)
    store_rows(H, T, 1, acc, job);
  else
    store_rows(H, T, 0, acc, job);
}

/* U sets of accumulators, used in turn, hide the FMA's latency where one set of them is small. */
#define STRIP_SETS(accumulators) ((accumulators) >= 6 ? 1 : (accumulators) >= 3 ? 2 : 4)

/* Of tokens first..last - 1, counted from the tile's first one. */
TSR__INLINE void fetch_outputs(int first, int last, const strip_job *job) {
  for (int t = first; t < last; t++)
    _mm_prefetch((const char *)(job->out + t * job->ldo), _MM_HINT_T0);
}

/* A run's share of the next strip's values; returns what is left of them. */
TSR__INLINE const char *fetch_weights(const strip_job *job, const char *ahead) {
  for (int i = 0; i < job->ahead_lines; i++, ahead += 64) _mm_prefetch(ahead, _MM_HINT_T1);
  return ahead;
}

/* Floats that a run's values take. */
TSR__INLINE int64_t run_floats(int H, int C, const tsr__run *run) {
  return (int64_t)((run->count + C - 1) / C) * H * TSR__LANES;
}

#endif
