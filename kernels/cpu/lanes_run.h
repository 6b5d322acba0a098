/* The kernels that hold tokens in vector lanes. Include a vec_*.h first. */
#ifndef TESSERA_KERNELS_CPU_LANES_RUN_H
#define TESSERA_KERNELS_CPU_LANES_RUN_H

#include <string.h>

#include "kernels/cpu/conv.h"
#include "kernels/cpu/epilogue_vec.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/parts.h"

/* Bundles of one height in one (row block, chunk). */
typedef struct lanes_job {
  const tsr__bundle *bundles;
  int64_t count;
  const uint16_t *offsets;
  const float *values;
  int64_t stride;           /* panel_tokens */
  const float *x;           /* the chunk's activations, [chunk cols, stride] */
  float *sums;              /* the row block's, [rows, stride] */
  const float *begin;       /* where the row block's sums begin; NULL = at what is there */
  uint32_t first_row, rows; /* bundles of others are passed over */
} lanes_job;

typedef void lanes_function(const lanes_job *job);

/* acc[H][T vectors] += values of one column * x */
TSR__INLINE void multiply_weights(int H, int T, const float *value, const float *x,
                                  tsr__vec acc[]) {
  tsr__vec b[8];
#pragma GCC unroll 8
  for (int t = 0; t < T; t++) b[t] = vec_load(x + t * TSR__LANES);
#pragma GCC unroll 8
  for (int h = 0; h < H; h++) {
    tsr__vec a = vec_set1(value[h]);
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) acc[h * T + t] = vec_fmadd(a, b[t], acc[h * T + t]);
  }
}

/* Sets of accumulators, used in turn, hide the FMA's latency where one set of them is small. */
#define LANES_SETS(accumulators) ((accumulators) >= 8 ? 1 : (accumulators) >= 4 ? 2 : 4)

/* sums[row .. row + H - 1][T vectors] += values * x. The loads of activations are the limit where H
 * is 1, so four offsets are one load. */
TSR__INLINE void lanes_tile(const int H, const int T, const int U, const lanes_job *job) {
  const uint16_t *offset = job->offsets;
  const float *value = job->values, *x = job->x;
  const int64_t stride = job->stride;
  for (int64_t i = 0; i < job->count; i++) {
    tsr__bundle bundle = job->bundles[i];
    float *sums = job->sums + bundle.row * stride;
    const uint16_t *end = offset + bundle.count;
    if (bundle.row - job->first_row >= job->rows) {
      offset = end;
      value += (int64_t)bundle.count * H;
      continue;
    }
    tsr__vec acc[16];
#pragma GCC unroll 8
    for (int h = 0; h < H; h++)
#pragma GCC unroll 8
      for (int t = 0; t < T; t++)
        acc[h * T + t] = job->begin ? vec_set1(job->begin[bundle.row + h])
                                    : vec_load(sums + h * stride + t * TSR__LANES);
#pragma GCC unroll 16
    for (int a = H * T; a < U * H * T; a++) acc[a] = vec_zero();
    for (; offset + 4 <= end; offset += 4, value += 4 * H) {
      uint64_t four;
      __builtin_memcpy(&four, offset, sizeof four);
#pragma GCC unroll 4
      for (int u = 0; u < 4; u++)
        multiply_weights(H, T, value + u * H, x + TSR__OFFSET_FLOATS * (four >> 16 * u & 0xffff),
                         acc + u % U * H * T);
    }
    for (; offset < end; offset++, value += H)
      multiply_weights(H, T, value, x + TSR__OFFSET_FLOATS * (uint64_t)*offset, acc);
#pragma GCC unroll 4
    for (int u = 1; u < U; u++)
#pragma GCC unroll 16
      for (int a = 0; a < H * T; a++) acc[a] = vec_add(acc[a], acc[u * H * T + a]);
#pragma GCC unroll 8
    for (int h = 0; h < H; h++)
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) vec_store(sums + h * stride + t * TSR__LANES, acc[h * T + t]);
  }
}

/* Transposes rows x cols (at most a vector each way) of src into dst; what lies beyond is not read,
 * and written as 0 only in dst's [cols, lanes]. */
static void transpose_edge(const float *src, int64_t src_stride, int64_t rows, int64_t cols,
                           float *dst, int64_t dst_stride) {
  for (int64_t c = 0; c < cols; c++)
    for (int64_t r = 0; r < TSR__LANES; r++)
      dst[c * dst_stride + r] = r < rows ? src[r * src_stride + c] : 0.0f;
}

static int64_t at_most(int64_t value, int64_t limit) { return value < limit ? value : limit; }

/* out: [k, stride], tokens padded with 0 to whole vectors. */
static void transpose_tokens(const float *x, int64_t ldx, int64_t tokens, int64_t k, float *out,
                             int64_t stride) {
  for (int64_t t = 0; t < tokens; t += TSR__LANES)
    for (int64_t c = 0; c < k; c += TSR__LANES) {
      const float *src = x + t * ldx + c;
      float *dst = out + c * stride + t;
      if (t + TSR__LANES <= tokens && c + TSR__LANES <= k)
        vec_transpose(src, ldx, dst, stride);
      else
        transpose_edge(src, ldx, at_most(tokens - t, TSR__LANES), at_most(k - c, TSR__LANES), dst,
                       stride);
    }
}

/* Copies the first rows x cols elements between row-major tiles. */
static void copy_tile(const float *src, int64_t src_stride, int64_t rows, int64_t cols, float *dst,
                      int64_t dst_stride) {
  tsr__vec_mask mask = vec_mask_first((int)cols);
  for (int64_t r = 0; r < rows; r++)
    vec_store_masked(mask, dst + r * dst_stride, vec_load(src + r * src_stride));
}

/* Writes the sums of rows row .. row + rows - 1 of tokens t .. t + count - 1 (at most a vector of
 * either) as outputs. sums: of the first of both. */
static void write_tile(const float *sums, int64_t stride, int64_t row, int64_t rows, int64_t t,
                       int64_t count, const tsr_spmm_args *args) {
  int plain = args->activation == TSR_ACTIVATION_NONE && !args->residual;
  float tile[TSR__LANES * TSR__LANES];
  float *y = args->c + t * args->ldc + row;
  if (plain && rows == TSR__LANES && count == TSR__LANES) {
    vec_transpose(sums, stride, y, args->ldc);
    return;
  }
  vec_transpose(sums, stride, tile, TSR__LANES);
  if (plain)
    copy_tile(tile, TSR__LANES, count, rows, y, args->ldc);
  else
    epilogue(args, tile, TSR__LANES, row, rows, t, count);
}

/* Row after row for a vector of tokens: few enough streams for the prefetchers to follow. */
static void write_rows(const float *sums, int64_t stride, int64_t row, int64_t rows,
                       const tsr_spmm_args *args) {
  for (int64_t t = 0; t < args->n; t += TSR__LANES)
    for (int64_t r = 0; r < rows; r += TSR__LANES)
      write_tile(sums + r * stride + t, stride, row + r, at_most(rows - r, TSR__LANES), t,
                 at_most(args->n - t, TSR__LANES), args);
}

/* tiles[h][T]: the function for bundles of 1 << h rows; limit[h]: the greatest T it has. */
typedef struct lanes_tiles {
  lanes_function *const *of_height[3];
  int limit[3];
} lanes_tiles;

/* One (row block, chunk): its bundles are sorted by height, descending. job: what all of them have
 * in common. */
static void multiply_chunk(const lanes_tiles *tiles, const tsr__lanes *lanes, int64_t tile,
                           int vecs, const lanes_job *common) {
  const tsr__lanes_tile *at = lanes->tiles + tile;
  const uint16_t *offsets = lanes->offsets + at[0].column;
  const float *values = lanes->values + at[0].value;
  for (int64_t i = at[0].bundle; i < at[1].bundle;) {
    int height = lanes->bundles[i].height, h = __builtin_ctz((unsigned)height);
    int64_t begin = i, columns = 0;
    for (; i < at[1].bundle && lanes->bundles[i].height == height; i++)
      columns += lanes->bundles[i].count;
    for (int v = 0; v < vecs; v += tiles->limit[h]) {
      int T = vecs - v < tiles->limit[h] ? vecs - v : tiles->limit[h];
      lanes_job job = *common;
      job.bundles = lanes->bundles + begin;
      job.count = i - begin;
      job.offsets = offsets;
      job.values = values;
      job.x += v * TSR__LANES;
      job.sums += v * TSR__LANES;
      tiles->of_height[h][T](&job);
    }
    offsets += columns;
    values += columns * height;
  }
}

/* A chunk's activations into x, [cols, stride]. gathered: room for them in a convolution. */
static void load_chunk(const tsr_spmm_args *args, int64_t col, int64_t cols, float *gathered,
                       float *x, int64_t stride) {
  if (!args->conv) {
    transpose_tokens(args->b + col, args->ldb, args->n, cols, x, stride);
    return;
  }
  tsr__conv_gather_tokens(args, col, cols, gathered, cols);
  transpose_tokens(gathered, cols, args->n, cols, x, stride);
}

/* Units first..last-1, all of one row block. */
static void run_block(const lanes_tiles *tiles, const tsr__lanes *lanes, int64_t first,
                      int64_t last, const tsr_spmm_args *args) {
  const int64_t stride = lanes->shape.panel_tokens, block = first / TSR__BLOCK_UNITS;
  const int64_t block_row = lanes->unit_rows[block * TSR__BLOCK_UNITS];
  const int64_t row = lanes->unit_rows[first], end = lanes->unit_rows[last];
  const int64_t chunk_cols = lanes->shape.chunk_cols;
  float *x = args->workspace, *sums = x + chunk_cols * stride;
  float *begin = sums + tsr__lanes_sums_rows(lanes->rows) * stride;
  float *gathered = begin + tsr__lanes_sums_rows(lanes->rows);
  memset(begin + row - block_row, 0, (size_t)(end - row) * sizeof *begin);
  if (args->bias)
    memcpy(begin + row - block_row, args->bias + row,
           (size_t)(at_most(end, lanes->rows) - row) * sizeof *begin);
  int vecs = (int)((args->n + TSR__LANES - 1) / TSR__LANES);
  for (int64_t chunk = 0; chunk < lanes->chunks; chunk++) {
    int64_t col = chunk * chunk_cols;
    load_chunk(args, col, at_most(chunk_cols, lanes->cols - col), gathered, x, stride);
    lanes_job job = {.stride = stride,
                     .x = x,
                     .sums = sums,
                     .begin = chunk ? NULL : begin,
                     .first_row = (uint32_t)(row - block_row),
                     .rows = (uint32_t)(end - row)};
    multiply_chunk(tiles, lanes, block * lanes->chunks + chunk, vecs, &job);
  }
  write_rows(sums + (row - block_row) * stride, stride, row, at_most(end, lanes->rows) - row, args);
}

/* args: at most panel_tokens tokens. */
static void run_panel(const lanes_tiles *tiles, const tsr__lanes *lanes, int64_t first,
                      int64_t last, const tsr_spmm_args *args) {
  while (first < last) {
    int64_t next = at_most(last, (first / TSR__BLOCK_UNITS + 1) * TSR__BLOCK_UNITS);
    run_block(tiles, lanes, first, next, args);
    first = next;
  }
}

static void run_lanes(const lanes_tiles *tiles, const tsr__lanes *lanes, int64_t first,
                      int64_t last, const tsr_spmm_args *args) {
  int64_t panel_tokens = lanes->shape.panel_tokens;
  int64_t panels = (args->n + panel_tokens - 1) / panel_tokens;
  for (int64_t p = 0; p < panels; p++) {
    tsr__span span = {args->n * p / panels, args->n * (p + 1) / panels};
    tsr_spmm_args panel = tsr__args_of_tokens(args, span);
    run_panel(tiles, lanes, first, last, &panel);
  }
}

#endif
