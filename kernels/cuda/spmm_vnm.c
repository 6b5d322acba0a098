/* The host's part of the V:N:M kernels. vnm_step.h draws what a step is.
 *
 *   | records of all steps | rows of B of all steps | step_offsets |
 */
#include <string.h>

#include "kernels/cuda/fragments.h"
#include "kernels/cuda/kernel.h"
#include "kernels/cuda/vnm_step.h"

enum {
  COLUMNS = 4, /* that a panel keeps of a group */
  MATRICES = TSR_CUDA_VNM_DEPTH / TSR_CUDA_VNM_KEYS,
  SETS_MAX = 4,
  WISHES_MAX = SETS_MAX * TSR_CUDA_VNM_KEYS,
  MAX_COLUMN = INT32_MAX / TSR_CUDA_VNM_KEYS
};

static int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

/* Sizes that follow from a kernel's row, as tile/vnm.cuh computes them. */
typedef struct shape {
  int set_rows, sets, slots, slot_bytes, stride, passes;
  size_t meta_at, lists_at, record_bytes; /* in a record */
} shape;

static shape shape_of(const tsr_cuda_spmm_kernel *kernel) {
  shape s = {.set_rows = TSR_CUDA_VNM_SET_ROWS(kernel->tile_m, kernel->tile_n, kernel->threads)};
  int fragments = kernel->tile_m / TSR__FRAGMENT_ROWS;
  s.sets = kernel->tile_m / s.set_rows;
  s.slots = s.sets * TSR_CUDA_VNM_DEPTH;
  s.slot_bytes = kernel->tile_n * 2;
  s.stride = kernel->threads / (kernel->tile_n / 8);
  s.passes = s.slots / s.stride;
  s.meta_at = (size_t)fragments * TSR__FRAGMENT_ELEMENTS * sizeof(uint16_t);
  s.lists_at = s.meta_at + (size_t)fragments * TSR__FRAGMENT_META * sizeof(uint32_t);
  s.record_bytes = s.lists_at + (size_t)s.sets * TSR_CUDA_VNM_LIST_BYTES;
  return s;
}

typedef struct layout {
  int64_t tiles, steps; /* steps of a tile */
  size_t rows_at, offsets_at, bytes;
} layout;

static layout measure(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  shape s = shape_of(kernel);
  layout at = {.tiles = ceil_div(w->rows, kernel->tile_m),
               .steps = ceil_div(ceil_div(w->cols, w->m) * COLUMNS, TSR_CUDA_VNM_DEPTH)};
  size_t steps = (size_t)(at.tiles * at.steps);
  at.rows_at = steps * s.record_bytes;
  at.offsets_at = at.rows_at + steps * (size_t)s.slots * sizeof(int32_t);
  at.bytes = at.offsets_at + ((size_t)at.tiles + 1) * sizeof(int32_t);
  return at;
}

/* ---- which row of B goes into which slot ---- */

/* The column behind entry `i` of a step's list of the panel that has `row`, or -1: there is none,
 * or it repeats the one before it to fill up a short group. */
static int64_t column_at(const tsr_packed *w, int64_t row, int64_t step, int i) {
  int64_t groups = ceil_div(w->cols, w->m);
  int64_t group = step * (TSR_CUDA_VNM_DEPTH / COLUMNS) + i / COLUMNS;
  if (row >= w->rows || group >= groups) return -1;
  const uint8_t *columns = w->columns + (row / w->v * groups + group) * COLUMNS;
  int at = i % COLUMNS;
  return at && columns[at] == columns[at - 1] ? -1 : group * w->m + columns[at];
}

/* A column that some sets want beside seven others each: bit s of `sets`, entry[s] of its list. */
typedef struct wish {
  int64_t column;
  unsigned sets;
  int entry[SETS_MAX];
} wish;

static int count_bits(unsigned bits) {
  int count = 0;
  for (; bits; bits &= bits - 1) count++;
  return count;
}

/* The wishes of one matrix of ldmatrix: equal columns are one wish, zeros are one each. */
static int collect(const tsr_packed *w, const shape *s, int64_t row, int64_t step, int matrix,
                   wish *wishes) {
  int count = 0;
  for (int set = 0; set < s->sets; set++)
    for (int i = matrix * TSR_CUDA_VNM_KEYS; i < (matrix + 1) * TSR_CUDA_VNM_KEYS; i++) {
      int64_t column = column_at(w, row + set * s->set_rows, step, i);
      int found = 0;
      while (found < count && (column < 0 || wishes[found].column != column)) found++;
      if (found == count) wishes[count++] = (wish){.column = column};
      wishes[found].sets |= 1u << set;
      wishes[found].entry[set] = i;
    }
  return count;
}

/* Where the rows of B of one step go. */
typedef struct routes {
  const shape *shape;
  int32_t *rows;   /* [slots] */
  uint16_t *lists; /* [sets][32] */
  int used;        /* slots */
} routes;

static void take_slot(routes *to, const wish *wanted, unsigned sets, int key) {
  const shape *s = to->shape;
  int slot = to->used++, at = slot % s->stride * s->passes + slot / s->stride;
  to->rows[at] = (int32_t)wanted->column * TSR_CUDA_VNM_KEYS + key;
  for (int set = 0; set < s->sets; set++)
    if (sets >> set & 1)
      to->lists[set * TSR_CUDA_VNM_DEPTH + wanted->entry[set]] =
          (uint16_t)(slot * s->slot_bytes + key * 16);
}

/* Gives a wish the key that is free in most of its sets, and the others of them another slot. */
static void grant(routes *to, const wish *wanted, unsigned *taken) {
  for (unsigned left = wanted->sets; left;) {
    int best = 0;
    for (int key = 1; key < TSR_CUDA_VNM_KEYS; key++)
      if (count_bits(left & ~taken[key]) > count_bits(left & ~taken[best])) best = key;
    unsigned sets = left & ~taken[best];
    take_slot(to, wanted, sets, best);
    taken[best] |= sets;
    left &= ~sets;
  }
}

/* The most wanted first: with two sets no column then needs two slots. */
static void route_matrix(routes *to, const wish *wishes, int count) {
  unsigned taken[TSR_CUDA_VNM_KEYS] = {0}; /* sets that have used the key */
  for (int sets = to->shape->sets; sets > 0; sets--)
    for (int i = 0; i < count; i++)
      if (count_bits(wishes[i].sets) == sets) grant(to, &wishes[i], taken);
}

static void route_step(routes *to, const tsr_packed *w, int64_t row, int64_t step) {
  for (int slot = 0; slot < to->shape->slots; slot++) to->rows[slot] = TSR_CUDA_VNM_NONE;
  for (int matrix = 0; matrix < MATRICES; matrix++) {
    wish wishes[WISHES_MAX];
    route_matrix(to, wishes, collect(w, to->shape, row, step, matrix, wishes));
  }
}

/* ---- the weights ---- */

/* Two fragments share the lanes' words: lane 4g + 2f + h has word 2g + h of fragment f. */
static void write_meta(const shape *s, const uint32_t *words, int fragment, uint32_t *meta) {
  int of_set = s->set_rows / TSR__FRAGMENT_ROWS, set = fragment / of_set, r = fragment % of_set;
  for (int i = 0; i < TSR__FRAGMENT_META; i++) {
    int lane = i / 2 * 4 + r % 2 * 2 + i % 2;
    meta[(set * 32 + lane) * (of_set / 2) + r / 2] = words[i];
  }
}

static void write_fragments(const shape *s, const tsr_packed *w, int64_t row, int64_t step,
                            char *record) {
  for (int f = 0; f < s->sets * s->set_rows / TSR__FRAGMENT_ROWS; f++) {
    tsr__fragment fragment = {0};
    uint32_t words[TSR__FRAGMENT_META];
    int64_t first = row + f * TSR__FRAGMENT_ROWS;
    if (first < w->rows) tsr__fragment_find(w, first / TSR__FRAGMENT_ROWS, step, &fragment);
    tsr__fragment_values(w, &fragment, (uint16_t *)record + f * TSR__FRAGMENT_ELEMENTS);
    tsr__fragment_meta(w, &fragment, words);
    write_meta(s, words, f, (uint32_t *)(record + s->meta_at));
  }
}

static void prepack(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, void *out) {
  shape s = shape_of(kernel);
  layout at = measure(kernel, w);
  char *image = out;
  int32_t *offsets = (int32_t *)(image + at.offsets_at);
  for (int64_t tile = 0; tile <= at.tiles; tile++) offsets[tile] = (int32_t)(tile * at.steps);
  for (int64_t i = 0; i < at.tiles * at.steps; i++) {
    int64_t row = i / at.steps * kernel->tile_m, step = i % at.steps;
    char *record = image + (size_t)i * s.record_bytes;
    routes to = {.shape = &s,
                 .rows = (int32_t *)(image + at.rows_at) + i * s.slots,
                 .lists = (uint16_t *)(record + s.lists_at)};
    route_step(&to, w, row, step);
    write_fragments(&s, w, row, step, record);
  }
}

/* ---- the rest ---- */

static const char *refusal(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  int set_rows = shape_of(kernel).set_rows;
  if (problem->m > INT32_MAX || problem->n > INT32_MAX || problem->stored > INT32_MAX)
    return "counts rows, tokens and elements in 31 bits";
  if (problem->k > MAX_COLUMN) return "counts columns in 28 bits";
  if (problem->pattern.v % set_rows != 0)
    return set_rows == 64 ? "needs panels of a multiple of 64 rows"
                          : "needs panels of a multiple of 32 rows";
  return NULL;
}

static size_t prepacked_bytes(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  return measure(kernel, w).bytes;
}

static void bind(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, const void *image,
                 tsr_cuda_spmm_args *args) {
  layout at = measure(kernel, w);
  const char *base = image;
  args->m = (int32_t)w->rows;
  args->k = (int32_t)w->cols;
  args->values = base;
  args->meta = base + at.rows_at;
  args->step_offsets = (const int32_t *)(base + at.offsets_at);
}

/* The sums of the epilogue are less. */
static uint32_t shared_bytes(const tsr_cuda_spmm_kernel *kernel) {
  shape s = shape_of(kernel);
  return (uint32_t)kernel->stages * (uint32_t)(s.slots * s.slot_bytes + (int)s.record_bytes);
}

const tsr_cuda_spmm_ops tsr__cuda_vnm_ops = {.refusal = refusal,
                                             .prepacked_bytes = prepacked_bytes,
                                             .prepack = prepack,
                                             .bind = bind,
                                             .shared_bytes = shared_bytes,
                                             .feature_major = 1};
