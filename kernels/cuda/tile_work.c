/* What the kernels in fragments do: from the weights themselves, or expected of random blocks. */
#include <math.h>

#include "kernels/cuda/fragments.h"
#include "kernels/cuda/tile_host.h"

/* Warp instructions in the PTX that nvcc makes of spmm_tile.cuh, beside products and ldmatrix,
 * fitted to the simulator's counts: of a step; of a warp's column of fragments, where there are
 * masks; of a fragment. */
static const double step_instructions = 90.0, column_instructions = 24.0,
                    fragment_instructions = 1.0;
/* Of a convolution, for each pixel that a thread copies a chunk of. */
static const double pixel_instructions = 19.0;

enum { WARPS_N = 2, STEP_BYTES = sizeof(tsr_cuda_step) };

static double ceil_div(double a, double b) { return ceil(a / b); }

/* Sizes that follow from a kernel's row, as tile/shape.cuh computes them. */
typedef struct shape {
  int rows, warp_rows, warps, warps_m, columns, depth, tiles; /* tiles: of 8 tokens, of a warp */
  int fragments;                                              /* of a step, at most */
} shape;

static shape shape_of(const tsr_cuda_spmm_kernel *kernel, tsr_format format) {
  shape s = {.rows = kernel->tile_m / TSR__FRAGMENT_ROWS,
             .warps = kernel->threads / 32,
             .depth = tsr__fragment_depth(format),
             .tiles = kernel->tile_n / WARPS_N / 8,
             .fragments = tsr__cuda_step_fragments(kernel)};
  s.warps_m = s.warps / WARPS_N;
  s.warp_rows = s.rows / s.warps_m;
  s.columns = kernel->tile_k / s.depth;
  return s;
}

/* Of all CTAs that share tokens. */
typedef struct counts {
  double tiles, steps;
  double columns;      /* united, of fragments */
  double warp_columns; /* that a warp's rows hold something in, for each group of rows */
  double fragments;
  double fullest; /* fragments of the fuller half of the sub-partitions, over all steps */
} counts;

static int is_full(tsr_format format) {
  return format == TSR_FORMAT_DENSE || format == TSR_FORMAT_NM;
}

static counts count_full(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p,
                         const shape *s) {
  counts c = {.tiles = ceil_div((double)p->m, kernel->tile_m)};
  c.columns = c.tiles * ceil_div((double)p->k, s->depth);
  c.steps = c.tiles * ceil_div(c.columns / c.tiles, s->columns);
  c.warp_columns = c.columns * s->warps_m;
  c.fragments = c.columns * s->rows;
  c.fullest = c.fragments / 2.0;
  return c;
}

/* ---- expected ---- */

/* That one of the blocks beside `rows` rows is stored. */
static double any(double density, double rows, double block_rows) {
  return 1.0 - pow(1.0 - density, fmax(1.0, rows / block_rows));
}

/* The share of fragments that are stored. */
static double density(const tsr_spmm_problem *p) {
  double elements = (double)p->m * (double)p->k;
  double kept = tsr__fragment_sparse(p->format) ? 2.0 * (double)p->stored : (double)p->stored;
  return is_full(p->format) ? 1.0 : fmin(1.0, kept / elements);
}

static double block_height(const tsr_spmm_problem *p) {
  return fmax(p->pattern.block_rows, TSR__FRAGMENT_ROWS);
}

static counts expect(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p,
                     const shape *s) {
  static const double pi = 3.14159265358979324;
  double depth = s->depth, d = density(p), block_rows = block_height(p);
  double width = ceil_div((double)p->k, depth);
  counts c = {.tiles = ceil_div((double)p->m, kernel->tile_m)};
  c.columns = c.tiles * width * any(d, fmin(kernel->tile_m, (double)p->m), block_rows);
  c.steps = c.tiles * ceil_div(c.columns / c.tiles, s->columns);
  double group = s->warp_rows * (double)TSR__FRAGMENT_ROWS;
  c.warp_columns = ceil_div((double)p->m, group) * width * any(d, group, block_rows);
  c.fragments = ceil_div((double)p->m, TSR__FRAGMENT_ROWS) * width * d;
  c.steps = fmax(c.steps, ceil_div(c.fragments, s->fragments));
  if (c.steps <= 0.0) return c;
  /* The larger of two binomials: mean + deviation / sqrt(pi). What comes together counts once. */
  double together =
      block_rows / TSR__FRAGMENT_ROWS * fmin(s->columns, fmax(1.0, p->pattern.block_cols / depth));
  double mean = c.fragments / c.steps / 2.0;
  c.fullest = c.steps * (mean + sqrt(mean * (1.0 - d) * together / pi));
  return c;
}

/* ---- counted ---- */

/* The step that is being filled: fragments of the two halves. */
typedef struct filling {
  int columns, fragments;
  double halves[2];
} filling;

static void finish_step(counts *c, filling *f) {
  if (!f->columns) return;
  c->steps++;
  c->fullest += fmax(f->halves[0], f->halves[1]);
  *f = (filling){0};
}

/* Fragments of the column in each group of rows; their sum. */
static int held_by_groups(const tsr_packed *w, const shape *s, int64_t tile, int64_t col,
                          int held[TSR__FRAGMENT_ROWS]) {
  int total = 0;
  for (int group = 0; group < s->warps_m; group++) {
    held[group] = 0;
    for (int r = 0; r < s->warp_rows; r++) {
      int64_t row = tile * s->rows + group * s->warp_rows + r;
      tsr__fragment fragment;
      held[group] +=
          row * TSR__FRAGMENT_ROWS < w->rows && tsr__fragment_find(w, row, col, &fragment);
    }
    total += held[group];
  }
  return total;
}

static void count_column(const tsr_packed *w, const shape *s, int64_t tile, int64_t col, counts *c,
                         filling *f) {
  int held[TSR__FRAGMENT_ROWS], total = held_by_groups(w, s, tile, col, held);
  if (!total) return;
  if (f->fragments + total > s->fragments) finish_step(c, f);
  for (int group = 0; group < s->warps_m; group++) {
    c->warp_columns += held[group] > 0;
    f->halves[group % 2] += held[group];
  }
  f->fragments += total;
  c->columns++;
  c->fragments += total;
  if (++f->columns == s->columns) finish_step(c, f);
}

static counts count(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, const shape *s) {
  counts c = {.tiles = ceil_div((double)w->rows, kernel->tile_m)};
  int64_t cols = (w->cols + s->depth - 1) / s->depth;
  for (int64_t tile = 0; tile < (int64_t)c.tiles; tile++) {
    filling f = {0};
    for (int64_t col = 0; col < cols; col++) count_column(w, s, tile, col, &c, &f);
    finish_step(&c, &f);
  }
  return c;
}

/* ---- work ---- */

static void add_shared(const tsr_cuda_spmm_kernel *kernel, const shape *s, const counts *c,
                       int sparse, tsr_cuda_work *work) {
  double line = TSR__CUDA_WAVEFRONT_BYTES, column = s->depth * 2.0 * kernel->tile_n / line;
  double fragment = TSR__FRAGMENT_ELEMENTS * 2 / line;
  /* What a line of B lacks of columns saves no wavefront. */
  double written =
      c->steps * s->columns * column + c->fragments * (fragment + (sparse ? 0.5 : 0.0)) + c->steps;
  double read = c->warp_columns * column + c->fragments * WARPS_N * (fragment + (sparse ? 1 : 0)) +
                c->steps * s->warps;
  work->wavefronts = written + read;
}

static void add_instructions(const shape *s, const counts *c, int masked, double pixels,
                             tsr_cuda_work *work) {
  double loads = s->tiles / 2.0 * s->depth / 16.0;
  work->instructions = c->steps * s->warps * (step_instructions + pixels * pixel_instructions) +
                       c->warp_columns * WARPS_N * (loads + (masked ? column_instructions : 0.0)) +
                       c->fragments * WARPS_N * (s->tiles + fragment_instructions);
}

void tsr__cuda_tile_work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                         int32_t splits, tsr_cuda_work *work) {
  shape s = shape_of(kernel, problem->format);
  int sparse = tsr__fragment_sparse(problem->format);
  double columns_n = ceil_div((double)problem->n, kernel->tile_n);
  if (problem->m < 1 || problem->k < 1 || problem->n < 1) return;
  counts c = is_full(problem->format) ? count_full(kernel, problem, &s)
             : problem->weight        ? count(kernel, problem->weight, &s)
                                      : expect(kernel, problem, &s);
  double fragment = TSR__FRAGMENT_ELEMENTS * 2.0 + (sparse ? TSR__FRAGMENT_META * 4.0 : 0.0);
  double weights = c.fragments * fragment + c.steps * STEP_BYTES;
  double tickets = c.steps * s.warps * 2 * 32.0; /* two sectors for each warp */
  add_shared(kernel, &s, &c, sparse, work);
  double pixels = kernel->ops->convolution ? kernel->tile_n * 8.0 / kernel->threads : 0.0;
  add_instructions(&s, &c, !is_full(problem->format), pixels, work);
  work->tensor_clocks = c.fragments * kernel->tile_n / 8.0 * TSR__CUDA_MMA_CLOCKS;
  work->step_clocks = c.fullest * s.tiles * 4.0 * TSR__CUDA_MMA_CLOCKS;
  work->l2_bytes =
      c.columns * s.depth * 2.0 * kernel->tile_n * tsr__cuda_inside(problem) + weights + tickets;
  work->wavefronts *= columns_n;
  work->instructions *= columns_n;
  work->tensor_clocks *= columns_n;
  work->step_clocks *= columns_n;
  work->l2_bytes *= columns_n;
  double touched = any(density(problem), (double)problem->m, block_height(problem));
  if (problem->conv.channels) /* a channel is left out if it is under all taps */
    touched = 1.0 - pow(1.0 - touched, problem->conv.kernel[0] * problem->conv.kernel[1]);
  work->dram_bytes = weights + 2.0 * tsr__cuda_activations(problem) * touched;
  work->ctas = c.tiles * columns_n * splits;
  tsr__cuda_add_epilogue(kernel, problem, splits, work);
}
