/* The loops around the register tile. Include a vec_*.h first. */
#ifndef TESSERA_KERNELS_CPU_STRIP_RUN_H
#define TESSERA_KERNELS_CPU_STRIP_RUN_H

#include "kernels/cpu/conv.h"
#include "kernels/cpu/epilogue_vec.h"
#include "kernels/cpu/parts.h"
#include "kernels/cpu/strip_tile.h"

typedef void strip_function(const strip_job *job);

enum {
  GATHERED_TOKENS = 48, /* of a convolution, gathered and multiplied together */
  /* Panels whose bounds are worked out ahead, and the tokens that are multiplied with all strips
   * before the next ones are. */
  PANELS_MAX = 64
};

/* Not a power of two apart. */
static inline int64_t gathered_ld(int64_t k) { return (k + 15) / 16 * 16 + 16; }

static inline int is_gathered(const tsr_conv_shape *conv) {
  return conv && !tsr__conv_has_taps(conv, TSR__RUN_COLS);
}

/* What a convolution needs beside a kernel's own workspace: `panels` tables, or gathered tokens. */
static inline size_t conv_bytes(const tsr_conv_shape *conv, int64_t k, int64_t panel_count,
                                int64_t tile_tokens) {
  if (!conv) return 0;
  return is_gathered(conv) ? (size_t)(GATHERED_TOKENS * gathered_ld(k)) * sizeof(float)
                           : tsr__conv_taps_bytes(conv, panel_count, tile_tokens);
}

typedef void run_function(const tsr__strips *strips, int64_t first, int64_t last,
                          const tsr_spmm_args *args);

/* Where runs of columns reach over several taps: own_bytes is workspace of `run`, behind which
 * there is conv_bytes. */
static void run_gathered(run_function *run, size_t own_bytes, const tsr__strips *strips,
                         int64_t first, int64_t last, const tsr_spmm_args *args) {
  float *x = (float *)args->workspace + own_bytes / sizeof(float);
  int64_t groups = (args->n + GATHERED_TOKENS - 1) / GATHERED_TOKENS;
  for (int64_t g = 0; g < groups; g++) {
    tsr__span span = {args->n * g / groups, args->n * (g + 1) / groups};
    tsr_spmm_args group = tsr__args_of_tokens(args, span);
    int64_t ld = gathered_ld(strips->cols);
    tsr__conv_gather_tokens(&group, 0, strips->cols, x, ld);
    group.b = x;
    group.ldb = ld;
    group.conv = NULL;
    run(strips, first, last, &group);
  }
}

/* Tokens, cut into panels of nearly equal size that fit the register tile. */
typedef struct panels {
  int64_t tokens, count;
} panels;

static inline int64_t panel_begin(panels p, int64_t index) { return p.tokens * index / p.count; }

static inline int panel_tokens(panels p, int64_t index) {
  return (int)(panel_begin(p, index + 1) - panel_begin(p, index));
}

/* The fields that depend on the strip only; 0 if all its rows lie past the matrix's edge. */
static inline int begin_strip(const tsr__strips *strips, int64_t s, const tsr_spmm_args *args,
                              strip_job *job) {
  int64_t row = s * strips->shape.rows, rows = strips->rows - row;
  if (rows <= 0) return 0;
  job->runs = strips->runs + strips->run_begin[s];
  job->run_count = strips->run_begin[s + 1] - strips->run_begin[s];
  job->values = strips->values + strips->column_begin[s] * strips->shape.rows;
  job->rows = (int)(rows < strips->shape.rows ? rows : strips->shape.rows);
  job->bias = args->bias ? args->bias + row : NULL;
  return 1;
}

/* Where the tile's sums go: to the outputs, or to scratch if the activation function comes between
 * them and a residual, which may lie where the outputs do. ReLU is applied on the way if nothing
 * follows it. */
static inline void begin_tile(int64_t row, int64_t token, const tsr_spmm_args *args, float *scratch,
                              strip_job *job) {
  const float *residual = args->residual ? args->residual + token * args->ldr + row : NULL;
  int plain = args->activation == TSR_ACTIVATION_NONE || args->residual_first;
  int to_scratch = residual && !plain;
  job->out = to_scratch ? scratch : args->c + token * args->ldc + row;
  job->ldo = to_scratch ? 2 * TSR__LANES : args->ldc;
  job->residual = plain ? residual : NULL;
  job->ldr = args->ldr;
  job->relu = args->activation == TSR_ACTIVATION_RELU && !to_scratch;
}

static inline void finish_tile(int64_t row, int64_t token, int T, const tsr_spmm_args *args,
                               const strip_job *job) {
  if (args->activation == TSR_ACTIVATION_NONE || job->relu) return;
  tsr_spmm_args rest = *args;
  if (job->residual) rest.residual = NULL;
  epilogue(&rest, job->out, job->ldo, row, job->rows, token, T);
}

typedef struct panel_bounds {
  int64_t token;
  int tokens;
  const float *const *table; /* of a convolution */
} panel_bounds;

/* tables: of the convolution's pixels, one for each panel. */
static void list_panels(panels p, int64_t begin, int64_t count, const tsr_spmm_args *args,
                        const tsr__conv_taps *taps, const float **tables, panel_bounds *bounds) {
  for (int64_t i = 0; i < count; i++)
    bounds[i] = (panel_bounds){panel_begin(p, begin + i), panel_tokens(p, begin + i), NULL};
  if (!args->conv) return;
  tsr__conv_walk walk = tsr__conv_begin(args, bounds[0].token);
  for (int64_t i = 0; i < count; i++, tables += taps->taps * taps->stride) {
    tsr__conv_fill(args, taps, &walk, bounds[i].tokens, tables);
    bounds[i].table = tables;
  }
}

/* Prepares the copy of the first run of the tile that comes after (strip, panel i); returns whether
 * there is one: it must not have more tokens than this one, whose T is compiled in, and that many
 * tokens must exist from its first one on. */
static inline int prepare_next(const tsr__strips *strips, int64_t strip, int64_t last,
                               const panel_bounds *bounds, int64_t i, int64_t count,
                               const tsr_spmm_args *args, strip_job *job) {
  int64_t next_i = i + 1 < count ? i + 1 : 0;
  int64_t next_strip = next_i ? strip : strip + 1;
  int T = bounds[i].tokens;
  job->next_x = job->x;
  job->next_table = job->table;
  job->next_run = (tsr__run){0, 0};
  if (next_strip >= last || job->run_count == 0) return 0;
  int64_t run = strips->run_begin[next_strip];
  if (run == strips->run_begin[next_strip + 1]) return 0;
  if (bounds[next_i].tokens > T || bounds[next_i].token + T > args->n) return 0;
  if (args->conv)
    job->next_table = bounds[next_i].table;
  else
    job->next_x = args->b + bounds[next_i].token * args->ldb;
  job->next_run = strips->runs[run];
  return 1;
}

/* Two copies of a run, and the sums of one tile. */
enum {
  RUN_BUFFER = TSR__ACCUMULATORS * TSR__RUN_COLS,
  TILE_FLOATS = 2 * TSR__ACCUMULATORS * TSR__LANES,
  STRIP_WORKSPACE_BYTES = (2 * RUN_BUFFER + TILE_FLOATS) * (int)sizeof(float)
};

/* The first tile of a strip would wait for its values to come from the shared cache or from memory;
 * so every tile fetches a share of the next strip's, in step with its own runs. */
static inline void fetch_ahead(const tsr__strips *strips, int64_t strip, int64_t last, int64_t i,
                               int64_t count, strip_job *job) {
  enum { LINE_FLOATS = 64 / (int)sizeof(float) };
  job->ahead_lines = 0;
  if (strip + 1 >= last || job->run_count == 0) return;
  int64_t begin = strips->column_begin[strip + 1], end = strips->column_begin[strip + 2];
  int64_t lines = (end - begin) * strips->shape.rows / LINE_FLOATS, share = lines / count;
  job->ahead = strips->values + begin * strips->shape.rows + i * share * LINE_FLOATS;
  job->ahead_lines = (int)((share + job->run_count - 1) / job->run_count);
}

/* Workspace: STRIP_WORKSPACE_BYTES; of a convolution, tsr__conv_taps_bytes of PANELS_MAX panels
 * more.
 */
static void run_strips(strip_function *const *tiles, int64_t tile_tokens, const tsr__strips *strips,
                       int64_t first, int64_t last, const tsr_spmm_args *args) {
  float *workspace = args->workspace;
  const float **tables = NULL;
  panels p = {args->n, (args->n + tile_tokens - 1) / tile_tokens};
  strip_job job = {.current = workspace, .other = workspace + RUN_BUFFER, .ldx = args->ldb};
  if (args->conv)
    job.taps = tsr__conv_taps_begin(args->conv, tile_tokens,
                                    workspace + STRIP_WORKSPACE_BYTES / sizeof(float), &tables);
  for (int64_t begin = 0; begin < p.count; begin += PANELS_MAX) {
    panel_bounds bounds[PANELS_MAX];
    int64_t count = p.count - begin < PANELS_MAX ? p.count - begin : PANELS_MAX;
    list_panels(p, begin, count, args, &job.taps, tables, bounds);
    job.copied = 0;
    for (int64_t s = first; s < last; s++) {
      int64_t row = s * strips->shape.rows;
      if (!begin_strip(strips, s, args, &job)) break;
      for (int64_t i = 0; i < count; i++) {
        int64_t token = bounds[i].token;
        if (args->conv)
          job.table = bounds[i].table;
        else
          job.x = args->b + token * args->ldb;
        begin_tile(row, token, args, workspace + 2 * RUN_BUFFER, &job);
        int copied = prepare_next(strips, s, last, bounds, i, count, args, &job);
        fetch_ahead(strips, s, last, i, count, &job);
        tiles[bounds[i].tokens](&job);
        job.copied = copied;
        if (job.run_count & 1) {
          float *swap = job.current;
          job.current = job.other;
          job.other = swap;
        }
        finish_tile(row, token, bounds[i].tokens, args, &job);
      }
    }
  }
}

#endif
