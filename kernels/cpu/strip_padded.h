/* Strips of a convolution whose runs of columns reach over several taps, on rows of the image.
 * Include strip_run.h first.
 *
 * A band of rows is copied together with the padding. Column c of every window then lies offsets[c]
 * behind its first pixel, so that windows are read where they are; to gather them copies each pixel
 * once for every window that it lies under. */
#ifndef TESSERA_KERNELS_CPU_STRIP_PADDED_H
#define TESSERA_KERNELS_CPU_STRIP_PADDED_H

#include "kernels/cpu/strip_gathered.h"

enum { BAND_BYTES = 64 << 10 };

/* Input rows or columns under `outputs` output ones. */
static inline int64_t padded_extent(const tsr_conv_shape *s, int axis, int64_t outputs) {
  return (outputs - 1) * s->stride[axis] + (int64_t)(s->kernel[axis] - 1) * s->dilation[axis] + 1;
}

static inline int64_t padded_row_floats(const tsr_conv_shape *s) {
  return padded_extent(s, 1, tsr__conv_extent(s, 1)) * s->channels;
}

/* Output rows whose input rows are copied together. */
static inline int64_t band_rows(const tsr_conv_shape *s) {
  int64_t inputs = BAND_BYTES / (int64_t)sizeof(float) / padded_row_floats(s);
  int64_t one = padded_extent(s, 0, 1);
  return inputs < one ? 0 : (inputs - one) / s->stride[0] + 1;
}

/* Columns side by side may belong to pixels that are not. */
static inline int is_padded(const tsr__strips *strips, const tsr_conv_shape *conv) {
  return strips->shape.side_cols == 1 && band_rows(conv) > 0;
}

/* What a convolution needs beside a kernel's own workspace: `panels` tables of pixels, a band and
 * offsets, or gathered tokens. */
static inline size_t conv_bytes(const tsr_conv_shape *conv, int64_t k, int64_t panel_count,
                                int64_t tile_tokens) {
  if (!conv) return 0;
  if (!crosses_taps(conv)) return tsr__conv_taps_bytes(conv, panel_count, tile_tokens);
  size_t padded = BAND_BYTES + (size_t)k * sizeof(int32_t), gathered = gathered_bytes(k);
  return padded > gathered ? padded : gathered;
}

static void copy_padded_row(const tsr_spmm_args *args, const float *image, int64_t y, float *out) {
  const tsr_conv_shape *s = args->conv;
  int64_t columns = padded_extent(s, 1, tsr__conv_extent(s, 1)), before = s->padding[1];
  int64_t inside = columns - before < s->width ? columns - before : s->width;
  memset(out, 0, (size_t)padded_row_floats(s) * sizeof *out);
  if (y < 0 || y >= s->height || inside <= 0) return;
  const float *pixel = image + y * s->width * args->ldb;
  out += before * s->channels;
  for (int64_t x = 0; x < inside; x++, pixel += args->ldb, out += s->channels)
    for (int64_t c = 0; c < s->channels; c++) out[c] = pixel[c];
}

static void fill_band(const tsr_spmm_args *args, const tsr__conv_walk *walk, int64_t rows,
                      float *band) {
  const tsr_conv_shape *s = args->conv;
  tsr__conv_window window = tsr__conv_window_at(args, walk);
  int64_t inputs = padded_extent(s, 0, rows);
  for (int64_t r = 0; r < inputs; r++, band += padded_row_floats(s))
    copy_padded_row(args, window.image, window.y + r, band);
}

static void fill_offsets(const tsr_conv_shape *s, int32_t *offsets) {
  int64_t row_floats = padded_row_floats(s);
  for (int64_t ky = 0; ky < s->kernel[0]; ky++)
    for (int64_t kx = 0; kx < s->kernel[1]; kx++)
      for (int64_t c = 0; c < s->channels; c++)
        *offsets++ =
            (int32_t)(ky * s->dilation[0] * row_floats + kx * s->dilation[1] * s->channels + c);
}

typedef struct padded_job {
  strip_job strip;                   /* taps and tables are not used */
  const float *x[TSR__ACCUMULATORS]; /* each token's first pixel */
  const int32_t *offsets;            /* [k] */
} padded_job;

typedef void padded_function(const padded_job *job);

TSR__INLINE void padded_tile(const int H, const int T, const padded_job *job) {
  const strip_job *strip = &job->strip;
  tsr__vec acc[TSR__ACCUMULATORS];
  const float *x[TSR__ACCUMULATORS];
  for (int t = 0; t < T; t++) x[t] = job->x[t];
  begin_sums(H, 1, T, 1, strip->bias, strip->rows, acc);
  const float *values = strip->values;
  const tsr__run *run = strip->runs, *end = run + strip->run_count;
  for (; run < end; run++)
    for (int c = run->col; c < run->col + run->count; c++, values += H * TSR__LANES)
      multiply_at(H, 1, T, values, x, job->offsets[c], acc);
  store_tile(H, T, acc, strip);
}

/* The first pixels under T windows, from the band's output pixel `pixel` on. */
static void locate_windows(const tsr_conv_shape *s, const float *band, int64_t pixel, int T,
                           const float *x[]) {
  int64_t width = tsr__conv_extent(s, 1), row_floats = padded_row_floats(s);
  for (int t = 0; t < T; t++, pixel++)
    x[t] = band + pixel / width * s->stride[0] * row_floats +
           pixel % width * s->stride[1] * s->channels;
}

/* T tokens from `token` on, which job locates. */
static void run_padded_panel(padded_function *tile, int T, int64_t token, const tsr__strips *strips,
                             int64_t first, int64_t last, const tsr_spmm_args *args,
                             padded_job *job) {
  for (int64_t s = first; s < last; s++) {
    int64_t row = s * strips->shape.rows;
    if (!begin_strip(strips, s, args, &job->strip)) break;
    begin_tile(row, token, args, args->workspace, &job->strip);
    fetch_outputs(0, T, &job->strip);
    tile(job);
    finish_tile(row, token, T, args, &job->strip);
  }
}

/* The output rows of a band that begins at `walk` and has at most `tokens` tokens. */
static int64_t next_rows(const tsr_conv_shape *s, const tsr__conv_walk *walk, int64_t tokens) {
  int64_t rows = band_rows(s), left = walk->out_height - walk->y;
  int64_t wanted = (walk->x + tokens + walk->out_width - 1) / walk->out_width;
  if (rows > left) rows = left;
  return rows < wanted ? rows : wanted;
}

/* memory: conv_bytes. */
static void run_padded(padded_function *const *tiles, int64_t tile_tokens, float *memory,
                       const tsr__strips *strips, int64_t first, int64_t last,
                       const tsr_spmm_args *args) {
  float *band = memory;
  int32_t *offsets = (int32_t *)(void *)(memory + BAND_BYTES / sizeof(float));
  padded_job job = {.offsets = offsets};
  fill_offsets(args->conv, offsets);
  for (int64_t token = 0, count; token < args->n; token += count) {
    tsr__conv_walk walk = tsr__conv_begin(args, token);
    int64_t rows = next_rows(args->conv, &walk, args->n - token);
    fill_band(args, &walk, rows, band);
    count = rows * walk.out_width - walk.x;
    if (count > args->n - token) count = args->n - token;
    panels p = {count, (count + tile_tokens - 1) / tile_tokens};
    for (int64_t i = 0; i < p.count; i++) {
      int T = panel_tokens(p, i);
      locate_windows(args->conv, band, walk.x + panel_begin(p, i), T, job.x);
      run_padded_panel(tiles[T], T, token + panel_begin(p, i), strips, first, last, args, &job);
    }
  }
}

#endif
