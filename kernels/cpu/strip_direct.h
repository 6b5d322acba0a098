/* Strips against activations that are read where they lie. Include strip_run.h first.
 *
 * With few weights and many tokens, as the convolutions of large images have, time goes to the
 * activations. So a panel is multiplied with all strips before the next one is: each token is read
 * and written once, in order, and what is read again and again, from L2, are the weights. The
 * tokens of a panel lie close together and stay in L1, so that they need no copy either. */
#ifndef TESSERA_KERNELS_CPU_STRIP_DIRECT_H
#define TESSERA_KERNELS_CPU_STRIP_DIRECT_H

#include "kernels/cpu/strip_run.h"

/* One panel of tokens and all strips. */
typedef struct direct_job {
  const tsr__strips *strips;
  int64_t first, last; /* strips */
  const float *bias;   /* of strip 0's first row, or NULL */
  strip_job tile;      /* out and residual: of the panel's first token, row 0 */
  /* What the next panel reads that this one did not: the channels from chunks[i] on that share a
   * line, under the last tap, which the window moves ahead. Fetched `share` of them a strip. */
  int next_tokens;
  const int32_t *chunks;
  int64_t chunk_count, share;
  int few_products;          /* most strips have none */
  const tsr_spmm_args *rest; /* whose activation function is left to apply; NULL = none */
  int64_t token;             /* the panel's first one */
} direct_job;

typedef void direct_function(const direct_job *job);

/* Adds one strip's products to U sets of sums. */
TSR__INLINE void direct_strip(int H, int C, int T, int U, const strip_job *tile,
                              const tsr__run *run, const tsr__run *end, const float *values,
                              tsr__vec acc[]) {
  for (; run < end; values += run_floats(H, C, run), run++) {
    uint32_t channel;
    const float *const *pixels = tsr__conv_pixels(&tile->taps, tile->table, run->col, &channel);
    const float *x[TSR__ACCUMULATORS];
#pragma GCC unroll 32
    for (int t = 0; t < T; t++) x[t] = pixels[t] + channel;
    multiply_run_at(H, C, T, U, values, x, run->count, acc);
  }
}

TSR__INLINE void fetch_share(const direct_job *job, int64_t from) {
  const strip_job *tile = &job->tile;
  const float *const *pixels =
      tile->next_table + (int64_t)(tile->taps.taps - 1) * tile->taps.stride;
  int64_t end = from + job->share < job->chunk_count ? from + job->share : job->chunk_count;
  for (int64_t c = from; c < end; c++)
    for (int t = 0; t < job->next_tokens; t++)
      _mm_prefetch((const char *)(pixels[t] + job->chunks[c]), _MM_HINT_T0);
}

/* What the next panel writes at this strip: with few products there is nothing else to hide the
 * wait for a line of a large output, which is read before it is written. The many tokens of a panel
 * of pairs would rather keep products waiting, unless there are hardly any. */
TSR__INLINE void fetch_next_outputs(int C, int T, const direct_job *job, const strip_job *tile) {
  if (C == 1 || job->few_products) fetch_outputs(T, T + job->next_tokens, tile);
}

/* The sums of a strip that has no products: its bias. */
TSR__INLINE void bias_alone(int rows_vecs, int T, const strip_job *tile, tsr__vec acc[]) {
  tsr__vec begin[2];
  load_bias(rows_vecs, tile->bias, tile->rows, begin);
#pragma GCC unroll 32
  for (int i = 0; i < T * rows_vecs; i++) acc[i] = begin[i % rows_vecs];
}

TSR__INLINE void direct_panel(const int H, const int C, const int T, const int U,
                              const direct_job *job) {
  const int64_t strip_rows = H * TSR__LANES / C;
  const tsr__strips *strips = job->strips;
  strip_job tile = job->tile;
  const tsr__run *run = strips->runs + strips->run_begin[job->first];
  const float *values = strips->values + strips->column_begin[job->first] * strip_rows;
  for (int64_t s = job->first; s < job->last; s++) {
    tsr__vec acc[TSR__ACCUMULATORS];
    int64_t row = s * strip_rows, rows = strips->rows - row;
    const tsr__run *end = strips->runs + strips->run_begin[s + 1];
    tile.rows = (int)(rows < strip_rows ? rows : strip_rows);
    tile.out = job->tile.out + row;
    tile.residual = job->tile.residual ? job->tile.residual + row : NULL;
    fetch_share(job, (s - job->first) * job->share);
    fetch_next_outputs(C, T, job, &tile);
    tile.bias = job->bias ? job->bias + row : NULL;
    if (C > 1 && run == end) {
      bias_alone(H / C, T, &tile, acc);
    } else {
      begin_sums(H, C, T, U, tile.bias, tile.rows, acc);
      direct_strip(H, C, T, U, &tile, run, end, values, acc);
      end_sums(H, C, T, U, tile.bias, tile.rows, acc);
    }
    store_tile(H / C, T, acc, &tile);
    if (job->rest) epilogue(job->rest, tile.out, tile.ldo, row, tile.rows, job->token, T);
    run = end;
    values = strips->values + strips->column_begin[s + 1] * strip_rows;
  }
}

/* Tokens have one tap, themselves; their two tables lie where others keep a tile's sums. */
static tsr__conv_taps begin_taps(const tsr_spmm_args *args, int64_t tile_tokens,
                                 const float ***tables) {
  float *workspace = args->workspace;
  if (args->conv)
    return tsr__conv_taps_begin(args->conv, tile_tokens,
                                workspace + STRIP_WORKSPACE_BYTES / sizeof(float), tables);
  *tables = (const float **)(void *)workspace;
  return (tsr__conv_taps){.channels = (uint32_t)args->k,
                          .taps = 1,
                          .stride = (int32_t)tile_tokens,
                          .reciprocal = tsr__conv_reciprocal(args->k)};
}

static void fill_table(const tsr_spmm_args *args, panels p, int64_t index,
                       const tsr__conv_taps *taps, tsr__conv_walk *walk, const float **table) {
  int tokens = panel_tokens(p, index);
  if (args->conv) {
    tsr__conv_fill(args, taps, walk, tokens, table);
    return;
  }
  const float *x = args->b + panel_begin(p, index) * args->ldb;
  for (int t = 0; t < tokens; t++) table[t] = x + t * args->ldb;
}

enum { CHUNKS_MAX = 256 }; /* further ones are not fetched ahead */

/* The first channels of what the strips read, each line once; returns their number. Fetching gaps
 * as well is faster where they are few, except for pairs, who have more tokens to fetch. */
static int64_t list_chunks(const tsr__strips *strips, int64_t first, int64_t last,
                           const tsr__conv_taps *taps, int32_t *chunks) {
  unsigned char is_read[CHUNKS_MAX] = {0};
  const tsr__run *runs = strips->runs;
  for (int64_t r = strips->run_begin[first]; r < strips->run_begin[last]; r++) {
    uint32_t channel;
    tsr__conv_pixels(taps, NULL, runs[r].col, &channel);
    if (channel / TSR__RUN_COLS < CHUNKS_MAX) is_read[channel / TSR__RUN_COLS] = 1;
  }
  int64_t all = taps->channels / TSR__RUN_COLS, read = 0, count = 0;
  if (all > CHUNKS_MAX) all = CHUNKS_MAX;
  for (int64_t c = 0; c < all; c++) read += is_read[c];
  int each = strips->shape.side_cols == 1 && 2 * read > all;
  for (int32_t c = 0; c < all; c++)
    if (each || is_read[c]) chunks[count++] = c * TSR__RUN_COLS;
  return count;
}

/* chunks: [CHUNKS_MAX], lives as long as the job. */
static direct_job begin_direct(const tsr__strips *strips, int64_t first, int64_t last,
                               const tsr_spmm_args *args, const tsr__conv_taps *taps,
                               int32_t *chunks) {
  int64_t present = (strips->rows + strips->shape.rows - 1) / strips->shape.rows;
  direct_job job = {.strips = strips,
                    .first = first,
                    .last = last < present ? last : present,
                    .bias = args->bias,
                    .chunks = chunks,
                    .chunk_count = list_chunks(strips, first, last, taps, chunks)};
  job.tile.taps = *taps;
  job.tile.ldo = args->ldc;
  job.tile.ldr = args->ldr;
  job.tile.relu = args->activation == TSR_ACTIVATION_RELU;
  if (args->activation != TSR_ACTIVATION_NONE && !job.tile.relu) job.rest = args;
  if (last > first) job.share = (job.chunk_count + last - first - 1) / (last - first);
  job.few_products = 2 * (strips->run_begin[last] - strips->run_begin[first]) < last - first;
  return job;
}

static void run_direct(direct_function *const *functions, int64_t tile_tokens,
                       const tsr__strips *strips, int64_t first, int64_t last,
                       const tsr_spmm_args *args) {
  const float **tables;
  tsr__conv_taps taps = begin_taps(args, tile_tokens, &tables);
  tsr__conv_walk walk = {0};
  if (args->conv) walk = tsr__conv_begin(args, 0);
  int32_t chunks[CHUNKS_MAX];
  direct_job job = begin_direct(strips, first, last, args, &taps, chunks);
  panels p = {args->n, (args->n + tile_tokens - 1) / tile_tokens};
  const float **table = tables, **next = tables + (int64_t)taps.taps * taps.stride;
  if (p.count) fill_table(args, p, 0, &taps, &walk, table);
  for (int64_t i = 0; i < p.count; i++) {
    int64_t token = panel_begin(p, i);
    job.next_tokens = 0;
    if (i + 1 < p.count) {
      fill_table(args, p, i + 1, &taps, &walk, next);
      job.next_tokens = panel_tokens(p, i + 1);
    }
    job.token = token;
    job.tile.table = table;
    job.tile.next_table = next;
    job.tile.out = args->c + token * args->ldc;
    job.tile.residual = args->residual ? args->residual + token * args->ldr : NULL;
    functions[panel_tokens(p, i)](&job);
    const float **swap = table;
    table = next;
    next = swap;
  }
}

/* What stays in L2 beside what goes by: with more weights, groups of panels are faster. Pairs,
 * whose panels are as long as L1 has room for, still gain when less is left of a large L2. */
enum { DIRECT_WEIGHT_BYTES = 256 << 10, DIRECT_PAIR_WEIGHT_BYTES = 640 << 10 };

static inline int is_spread(const tsr_spmm_args *args, int64_t tile_tokens) {
  int64_t floats = args->ldb * (args->conv ? args->conv->stride[1] : 1);
  return tsr__tokens_are_spread(floats * (int64_t)sizeof(float), tile_tokens);
}

/* A residual that is added to the activation function's value would need the sums elsewhere. */
static inline int is_direct(const tsr__strips *strips, int64_t first, int64_t last,
                            int64_t tile_tokens, const tsr_spmm_args *args) {
  int adds_first = args->activation == TSR_ACTIVATION_NONE ||
                   (args->activation == TSR_ACTIVATION_RELU && args->residual_first);
  int64_t most = strips->shape.side_cols == 2 ? DIRECT_PAIR_WEIGHT_BYTES : DIRECT_WEIGHT_BYTES;
  return weight_bytes(strips, first, last) <= most && (!args->residual || adds_first) &&
         (args->conv || tsr__conv_is_exact(1, args->k)) && is_spread(args, tile_tokens);
}

#endif
