/* The kernels that hold tokens in vector lanes. Include a vec_*.h first. */
#ifndef TESSERA_KERNELS_CPU_LANES_RUN_H
#define TESSERA_KERNELS_CPU_LANES_RUN_H

#include "kernels/cpu/epilogue_vec.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/parts.h"

/* Eight vectors in a panel need fewer broadcasts, but then L1 holds only 64 columns of a chunk, and
 * loading and storing the sums so often costs more: at 25 % and 4 x 4 blocks, 0.66 of the FMA peak
 * against 0.76 with four vectors and 128 columns (32 KiB). */
enum { PANEL_TOKENS = TSR__PANEL_VECS * TSR__LANES };

/* Bundles of one height in one (row block, chunk). */
typedef struct lanes_job {
  const tsr__bundle *bundles;
  int64_t count;
  const uint32_t *offsets;
  const float *values;
  const float *x; /* the chunk's activations, [chunk cols, PANEL_TOKENS] */
  float *sums;    /* the row block's, [rows, PANEL_TOKENS] */
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

/* sums[row .. row + H - 1][T vectors] += values * x */
TSR__INLINE void lanes_tile(const int H, const int T, const int U, const lanes_job *job) {
  const uint32_t *offset = job->offsets;
  const float *value = job->values, *x = job->x;
  for (int64_t i = 0; i < job->count; i++) {
    float *sums = job->sums + (int64_t)job->bundles[i].row * PANEL_TOKENS;
    const uint32_t *end = offset + job->bundles[i].count;
    tsr__vec acc[16];
#pragma GCC unroll 8
    for (int h = 0; h < H; h++)
#pragma GCC unroll 8
      for (int t = 0; t < T; t++)
        acc[h * T + t] = vec_load(sums + h * PANEL_TOKENS + t * TSR__LANES);
#pragma GCC unroll 16
    for (int a = H * T; a < U * H * T; a++) acc[a] = vec_zero();
    for (; offset + U <= end; offset += U, value += U * H)
#pragma GCC unroll 4
      for (int u = 0; u < U; u++)
        multiply_weights(H, T, value + u * H, x + offset[u], acc + u * H * T);
    if (U > 1)
      for (; offset < end; offset++, value += H) multiply_weights(H, T, value, x + *offset, acc);
#pragma GCC unroll 4
    for (int u = 1; u < U; u++)
#pragma GCC unroll 16
      for (int a = 0; a < H * T; a++) acc[a] = vec_add(acc[a], acc[u * H * T + a]);
#pragma GCC unroll 8
    for (int h = 0; h < H; h++)
#pragma GCC unroll 8
      for (int t = 0; t < T; t++)
        vec_store(sums + h * PANEL_TOKENS + t * TSR__LANES, acc[h * T + t]);
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

/* out: [k, PANEL_TOKENS], tokens padded with 0 to whole vectors. */
static void transpose_tokens(const float *x, int64_t ldx, int64_t tokens, int64_t k, float *out) {
  for (int64_t t = 0; t < tokens; t += TSR__LANES)
    for (int64_t c = 0; c < k; c += TSR__LANES) {
      const float *src = x + t * ldx + c;
      float *dst = out + c * PANEL_TOKENS + t;
      if (t + TSR__LANES <= tokens && c + TSR__LANES <= k)
        vec_transpose(src, ldx, dst, PANEL_TOKENS);
      else
        transpose_edge(src, ldx, at_most(tokens - t, TSR__LANES), at_most(k - c, TSR__LANES), dst,
                       PANEL_TOKENS);
    }
}

/* Copies the first rows x cols elements between row-major tiles. */
static void copy_tile(const float *src, int64_t src_stride, int64_t rows, int64_t cols, float *dst,
                      int64_t dst_stride) {
  tsr__vec_mask mask = vec_mask_first((int)cols);
  for (int64_t r = 0; r < rows; r++)
    vec_store_masked(mask, dst + r * dst_stride, vec_load(src + r * src_stride));
}

/* Writes the sums of rows row .. row + rows - 1 (at most a vector) of a panel's tokens as outputs.
 */
static void write_rows(const float *sums, int64_t row, int64_t rows, int64_t tokens,
                       const tsr_spmm_args *args) {
  int plain = args->activation == TSR_ACTIVATION_NONE && !args->residual;
  for (int64_t t = 0; t < tokens; t += TSR__LANES) {
    int64_t count = at_most(tokens - t, TSR__LANES);
    float tile[TSR__LANES * TSR__LANES];
    float *y = args->c + t * args->ldc + row;
    if (plain && rows == TSR__LANES && count == TSR__LANES) {
      vec_transpose(sums + t, PANEL_TOKENS, y, args->ldc);
      continue;
    }
    vec_transpose(sums + t, PANEL_TOKENS, tile, TSR__LANES);
    if (plain)
      copy_tile(tile, TSR__LANES, count, rows, y, args->ldc);
    else
      epilogue(args, tile, TSR__LANES, row, rows, t, count);
  }
}

/* tiles[h][T]: the function for bundles of 1 << h rows; limit[h]: the greatest T it has. */
typedef struct lanes_tiles {
  lanes_function *const *of_height[4];
  int limit[4];
} lanes_tiles;

/* One (row block, chunk): its bundles are sorted by height, descending. */
static void multiply_chunk(const lanes_tiles *tiles, const tsr__lanes *lanes, int64_t tile,
                           const float *x, int vecs, float *sums) {
  const tsr__lanes_tile *at = lanes->tiles + tile;
  const uint32_t *offsets = lanes->offsets + at[0].column;
  const float *values = lanes->values + at[0].value;
  for (int64_t i = at[0].bundle; i < at[1].bundle;) {
    int height = lanes->bundles[i].height, h = __builtin_ctz((unsigned)height);
    int64_t begin = i, columns = 0;
    for (; i < at[1].bundle && lanes->bundles[i].height == height; i++)
      columns += lanes->bundles[i].count;
    for (int v = 0; v < vecs; v += tiles->limit[h]) {
      int T = vecs - v < tiles->limit[h] ? vecs - v : tiles->limit[h];
      lanes_job job = {lanes->bundles + begin, i - begin, offsets, values, x + v * TSR__LANES,
                       sums + v * TSR__LANES};
      tiles->of_height[h][T](&job);
    }
    offsets += columns;
    values += columns * height;
  }
}

static void init_sums(const float *bias, int64_t rows, int64_t padded, int vecs, float *sums) {
  for (int64_t r = 0; r < padded; r++) {
    tsr__vec v = vec_set1(bias && r < rows ? bias[r] : 0.0f);
    for (int t = 0; t < vecs; t++) vec_store(sums + r * PANEL_TOKENS + t * TSR__LANES, v);
  }
}

/* args: at most PANEL_TOKENS tokens. */
static void run_panel(const lanes_tiles *tiles, const tsr__lanes *lanes, int64_t first,
                      int64_t last, const tsr_spmm_args *args) {
  float *x = args->workspace;
  float *sums = x + lanes->chunks * TSR__CHUNK_COLS * PANEL_TOKENS;
  int vecs = (int)((args->n + TSR__LANES - 1) / TSR__LANES);
  transpose_tokens(args->b, args->ldb, args->n, lanes->cols, x);
  for (int64_t block = first; block < last; block++) {
    int64_t row = lanes->first_rows[block], padded = lanes->first_rows[block + 1] - row;
    int64_t rows = at_most(padded, lanes->rows - row);
    init_sums(args->bias ? args->bias + row : NULL, rows, padded, vecs, sums);
    for (int64_t chunk = 0; chunk < lanes->chunks; chunk++)
      multiply_chunk(tiles, lanes, block * lanes->chunks + chunk,
                     x + chunk * TSR__CHUNK_COLS * PANEL_TOKENS, vecs, sums);
    for (int64_t r = 0; r < rows; r += TSR__LANES)
      write_rows(sums + r * PANEL_TOKENS, row + r, at_most(rows - r, TSR__LANES), args->n, args);
  }
}

static void run_lanes(const lanes_tiles *tiles, const tsr__lanes *lanes, int64_t first,
                      int64_t last, const tsr_spmm_args *args) {
  int64_t panels = (args->n + PANEL_TOKENS - 1) / PANEL_TOKENS;
  for (int64_t p = 0; p < panels; p++) {
    tsr__span span = {args->n * p / panels, args->n * (p + 1) / panels};
    tsr_spmm_args panel = tsr__args_of_tokens(args, span);
    run_panel(tiles, lanes, first, last, &panel);
  }
}

#endif
