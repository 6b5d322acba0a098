/* The loops around the register tile. Include a vec_*.h first. */
#ifndef TESSERA_KERNELS_CPU_STRIP_RUN_H
#define TESSERA_KERNELS_CPU_STRIP_RUN_H

#include "kernels/cpu/conv.h"
#include "kernels/cpu/epilogue_vec.h"
#include "kernels/cpu/parts.h"
#include "kernels/cpu/strip_tile.h"

typedef void strip_function(const strip_job *job);

enum { PANELS_MAX = 64 /* that are multiplied with all strips before the next ones are */ };

/* Whether runs of columns reach over several taps. */
static inline int crosses_taps(const tsr_conv_shape *conv) {
  return conv && !tsr__conv_has_taps(conv, TSR__RUN_COLS);
}

static inline int64_t weight_bytes(const tsr__strips *strips, int64_t first, int64_t last) {
  int64_t columns = strips->column_begin[last] - strips->column_begin[first];
  return columns * strips->shape.rows * (int64_t)sizeof(float);
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

/* Panels whose activations take about a quarter of a small L2 cache, so that weights are not read
 * too often either. */
static inline int64_t group_panels(int64_t token_floats, int64_t tile_tokens) {
  enum { GROUP_BYTES = 160 << 10, GROUP_MIN = 4 };
  int64_t panel_bytes = (token_floats + 1) * tile_tokens * (int64_t)sizeof(float);
  int64_t count = GROUP_BYTES / panel_bytes;
  return count < GROUP_MIN ? GROUP_MIN : count > PANELS_MAX ? PANELS_MAX : count;
}

/* The sums of one tile. */
enum {
  TILE_FLOATS = 2 * TSR__ACCUMULATORS * TSR__LANES,
  STRIP_WORKSPACE_BYTES = TILE_FLOATS * (int)sizeof(float)
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

#endif
