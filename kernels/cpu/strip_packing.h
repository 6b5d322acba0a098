/* Packed panels, as [k / 16][T][16], and the register tile that multiplies them. Include
 * strip_run.h first.
 *
 * Packed, a panel's activations do not compete for the lines of an L1 set, however far apart its
 * tokens lie. Runs never cross a chunk of 16 columns. */
#ifndef TESSERA_KERNELS_CPU_STRIP_PACKING_H
#define TESSERA_KERNELS_CPU_STRIP_PACKING_H

#include "kernels/cpu/strip_run.h"

enum { VECS_PER_RUN = TSR__RUN_COLS / TSR__LANES };

typedef struct run_mask {
  tsr__vec_mask vec[VECS_PER_RUN];
} run_mask;

TSR__INLINE run_mask mask_of(int count) {
  run_mask mask;
#pragma GCC unroll 2
  for (int v = 0; v < VECS_PER_RUN; v++) mask.vec[v] = vec_mask_first(count - v * TSR__LANES);
  return mask;
}

TSR__INLINE void copy_token(const float *x, run_mask mask, float *out) {
#pragma GCC unroll 2
  for (int v = 0; v < VECS_PER_RUN; v++)
    vec_store(out + v * TSR__LANES, vec_load_masked(mask.vec[v], x + v * TSR__LANES));
}

/* Packing of a panel, resumable at every chunk of 16 columns. */
typedef struct packing {
  const float *x; /* the first token's next chunk */
  int64_t ldx;
  int64_t cols; /* that are left */
  int tokens;
  float *out; /* the next chunk */
  /* Of a convolution, instead of x and ldx: */
  const tsr__conv_taps *taps; /* NULL = none */
  const float *const *table;
  int32_t col;
} packing;

TSR__INLINE void pack_chunk(packing *p) {
  run_mask mask = mask_of(p->cols < TSR__RUN_COLS ? (int)p->cols : TSR__RUN_COLS);
  float *out = p->out;
  if (p->taps) {
    uint32_t channel;
    const float *const *pixels = tsr__conv_pixels(p->taps, p->table, p->col, &channel);
    for (int t = 0; t < p->tokens; t++, out += TSR__RUN_COLS)
      copy_token(pixels[t] + channel, mask, out);
    p->col += TSR__RUN_COLS;
  } else {
    const float *x = p->x;
    for (int t = 0; t < p->tokens; t++, x += p->ldx, out += TSR__RUN_COLS) copy_token(x, mask, out);
    p->x += TSR__RUN_COLS;
  }
  p->out = out;
  p->cols -= TSR__RUN_COLS;
}

typedef struct packed_job {
  strip_job strip;    /* taps and tables are not used */
  const float *panel; /* [ceil(k / 16)][T][16] */
  packing *next;      /* the panel that follows */
} packed_job;

typedef void packed_function(const packed_job *job);

TSR__INLINE void packed_tile(const int H, const int C, const int T, const int U,
                             const packed_job *job) {
  const strip_job *strip = &job->strip;
  tsr__vec acc[TSR__ACCUMULATORS];
  begin_sums(H, C, T, U, strip->bias, strip->rows, acc);

  const float *values = strip->values;
  const char *weights_ahead = (const char *)strip->ahead;
  const tsr__run *run = strip->runs, *end = run + strip->run_count;
  for (; run < end; values += run_floats(H, C, run), run++) {
    if (job->next->cols > 0) pack_chunk(job->next);
    weights_ahead = fetch_weights(strip, weights_ahead);
    const float *chunk = job->panel + (run->col & ~(TSR__RUN_COLS - 1)) * T;
    const float *ahead = job->panel + (run[1].col & ~(TSR__RUN_COLS - 1)) * T;
    const float *x[TSR__ACCUMULATORS];
#pragma GCC unroll 32
    for (int t = 0; t < T; t++) {
      _mm_prefetch((const char *)(ahead + t * TSR__RUN_COLS), _MM_HINT_T0);
      x[t] = chunk + t * TSR__RUN_COLS + run->col % TSR__RUN_COLS;
    }
    multiply_run_at(H, C, T, U, values, x, run->count, acc);
  }

  end_sums(H, C, T, U, strip->bias, strip->rows, acc);
  store_tile(H / C, T, acc, strip);
}

/* Tables of a convolution's pixels, one panel at a time: a panel is packed before the next one's
 * table is made. */
typedef struct packed_taps {
  tsr__conv_taps taps;
  tsr__conv_walk walk;
  const float **table;
} packed_taps;

/* memory: tsr__conv_taps_bytes of one panel; not used for tokens. */
static packed_taps begin_packed_taps(const tsr_spmm_args *args, int64_t tile_tokens,
                                     float *memory) {
  packed_taps conv = {0};
  if (!args->conv) return conv;
  conv.taps = tsr__conv_taps_begin(args->conv, tile_tokens, memory, &conv.table);
  conv.walk = tsr__conv_begin(args, 0);
  return conv;
}

/* Panels of a convolution are begun in their order. */
static packing begin_packing(const tsr_spmm_args *args, int64_t cols, panels p, int64_t index,
                             float *out, packed_taps *conv) {
  packing next = {.cols = cols, .tokens = panel_tokens(p, index), .out = out};
  if (args->conv) {
    tsr__conv_fill(args, &conv->taps, &conv->walk, next.tokens, conv->table);
    next.taps = &conv->taps;
    next.table = conv->table;
  } else {
    next.x = args->b + panel_begin(p, index) * args->ldb;
    next.ldx = args->ldb;
  }
  return next;
}

static inline int64_t packed_floats(int64_t k, int64_t tile_tokens) {
  return (k + TSR__RUN_COLS - 1) / TSR__RUN_COLS * TSR__RUN_COLS * tile_tokens;
}

#endif
