/* Strips of one vector against packed activations. Include strip_run.h first.
 *
 * With one vector of rows, every FMA reads memory (its token's broadcast), so that the copies of
 * strip_tile.h would compete with the FMAs for the load ports. Here the tokens of a panel are
 * packed once, as [k / 16][T][16], while the panel before is multiplied; runs never cross a chunk
 * of 16 columns. What is left per run is one prefetch a token. */
#ifndef TESSERA_KERNELS_CPU_STRIP_PACKED_H
#define TESSERA_KERNELS_CPU_STRIP_PACKED_H

#include "kernels/cpu/strip_run.h"

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
  strip_job strip;    /* x, ldx, next_*, copied, current, other are not used */
  const float *panel; /* [ceil(k / 16)][T][16] */
  packing *next;      /* the panel that follows */
} packed_job;

typedef void packed_function(const packed_job *job);

TSR__INLINE void packed_tile(const int T, const int U, const packed_job *job) {
  const strip_job *strip = &job->strip;
  tsr__vec acc[TSR__ACCUMULATORS];
  begin_sums(1, 1, T, U, strip->bias, strip->rows, acc);

  const float *values = strip->values, *panel = job->panel;
  const tsr__run *run = strip->runs, *end = run + strip->run_count;
  for (; run < end; run++) {
    if (job->next->cols > 0) pack_chunk(job->next);
    const float *x = panel + (run->col & ~(TSR__RUN_COLS - 1)) * T + run->col % TSR__RUN_COLS;
    const float *ahead = panel + (run[1].col & ~(TSR__RUN_COLS - 1)) * T;
#pragma GCC unroll 32
    for (int t = 0; t < T; t++)
      _mm_prefetch((const char *)(ahead + t * TSR__RUN_COLS), _MM_HINT_T0);
    int count = run->count;
    if (count == TSR__RUN_COLS) {
#pragma GCC unroll 4
      for (int c = 0; c < TSR__RUN_COLS; c++)
        multiply_column(1, 1, T, values + c * TSR__LANES, x + c, acc + c % U * T);
    } else {
      for (int c = 0; c < count; c++) multiply_column(1, 1, T, values + c * TSR__LANES, x + c, acc);
    }
    values += count * TSR__LANES;
  }

  end_sums(1, 1, T, U, strip->bias, strip->rows, acc);
  store_tile(1, T, acc, strip);
}

static size_t packed_workspace_bytes(int64_t k, int64_t tile_tokens) {
  size_t chunks = (size_t)(k + TSR__RUN_COLS - 1) / TSR__RUN_COLS;
  return (TILE_FLOATS + 2 * chunks * TSR__RUN_COLS * (size_t)tile_tokens) * sizeof(float);
}

/* Tables of the convolution's pixels, one panel at a time: a panel is packed before the next one's
 * table is made. */
typedef struct packed_taps {
  tsr__conv_taps taps;
  tsr__conv_walk walk;
  const float **table;
} packed_taps;

static packing begin_packing(const tsr_spmm_args *args, int64_t cols, panels p, int64_t index,
                             float *out, packed_taps *conv) {
  packing next = {.x = args->b + panel_begin(p, index) * args->ldb,
                  .ldx = args->ldb,
                  .cols = cols,
                  .tokens = panel_tokens(p, index),
                  .out = out};
  if (!args->conv) return next;
  tsr__conv_fill(args, &conv->taps, &conv->walk, next.tokens, conv->table);
  next.x = NULL;
  next.taps = &conv->taps;
  next.table = conv->table;
  return next;
}

static void run_strips_packed(packed_function *const *tiles, int64_t tile_tokens,
                              const tsr__strips *strips, int64_t first, int64_t last,
                              const tsr_spmm_args *args) {
  int64_t chunks = (strips->cols + TSR__RUN_COLS - 1) / TSR__RUN_COLS;
  int64_t panel_floats = chunks * TSR__RUN_COLS * tile_tokens;
  float *scratch = args->workspace;
  float *panel[2] = {scratch + TILE_FLOATS, NULL};
  panel[1] = panel[0] + panel_floats;
  panels p = {args->n, (args->n + tile_tokens - 1) / tile_tokens};
  packed_taps conv = {0};
  if (args->conv) {
    conv.taps = tsr__conv_taps_begin(args->conv, tile_tokens, panel[1] + panel_floats, &conv.table);
    conv.walk = tsr__conv_begin(args, 0);
  }
  packing next = {0};
  if (p.count) next = begin_packing(args, strips->cols, p, 0, panel[0], &conv);
  for (int64_t i = 0; i < p.count; i++) {
    while (next.cols > 0) pack_chunk(&next);
    int64_t token = panel_begin(p, i);
    int T = panel_tokens(p, i);
    packed_job job = {.panel = panel[i & 1], .next = &next};
    if (i + 1 < p.count) next = begin_packing(args, strips->cols, p, i + 1, panel[~i & 1], &conv);
    for (int64_t s = first; s < last; s++) {
      if (!begin_strip(strips, s, args, &job.strip)) break;
      begin_tile(s * strips->shape.rows, token, args, scratch, &job.strip);
      tiles[T](&job);
      finish_tile(s * strips->shape.rows, token, T, args, &job.strip);
    }
  }
}

#endif
