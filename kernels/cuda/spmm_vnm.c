/* The host's part of the V:N:M kernels. vnm_step.h draws what a step is.
 *
 *   | records of all steps | rows of B of all steps | step_offsets |
 */
#include <string.h>

#include "kernels/cuda/fragments.h"
#include "kernels/cuda/vnm_host.h"
#include "kernels/cuda/vnm_step.h"

enum { MAX_COLUMN = INT32_MAX / TSR_CUDA_VNM_KEYS };

static int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

tsr__vnm_shape tsr__vnm_shape_of(const tsr_cuda_spmm_kernel *kernel) {
  tsr__vnm_shape s = {.set_rows =
                          TSR_CUDA_VNM_SET_ROWS(kernel->tile_m, kernel->tile_n, kernel->threads)};
  int fragments = kernel->tile_m / TSR__FRAGMENT_ROWS;
  s.sets = kernel->tile_m / s.set_rows;
  s.slots = s.sets * TSR_CUDA_VNM_DEPTH;
  s.slot_bytes = kernel->tile_n * 2;
  s.stride = kernel->threads / (kernel->tile_n / 8);
  s.passes = s.slots / s.stride;
  s.meta_at = (size_t)fragments * TSR__FRAGMENT_ELEMENTS * sizeof(uint16_t);
  s.lists_at = s.meta_at + (size_t)fragments * TSR__FRAGMENT_META * sizeof(uint32_t);
  s.record_bytes = TSR_CUDA_VNM_RECORD_BYTES(s.lists_at + (size_t)s.sets * TSR_CUDA_VNM_LIST_BYTES);
  return s;
}

typedef struct layout {
  int64_t tiles, steps; /* steps of a tile */
  size_t rows_at, offsets_at, bytes;
} layout;

static layout measure(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  tsr__vnm_shape s = tsr__vnm_shape_of(kernel);
  layout at = {.tiles = ceil_div(w->rows, kernel->tile_m), .steps = tsr__vnm_steps(w->cols, w->m)};
  size_t steps = (size_t)(at.tiles * at.steps);
  at.rows_at = steps * s.record_bytes;
  at.offsets_at = at.rows_at + steps * (size_t)s.slots * sizeof(int32_t);
  at.bytes = at.offsets_at + ((size_t)at.tiles + 1) * sizeof(int32_t);
  return at;
}

/* ---- the weights ---- */

/* Two fragments share the lanes' words: lane 4g + 2f + h has word 2g + h of fragment f. */
static void write_meta(const tsr__vnm_shape *s, const uint32_t *words, int fragment,
                       uint32_t *meta) {
  int of_set = s->set_rows / TSR__FRAGMENT_ROWS, set = fragment / of_set, r = fragment % of_set;
  for (int i = 0; i < TSR__FRAGMENT_META; i++) {
    int lane = i / 2 * 4 + r % 2 * 2 + i % 2;
    meta[(set * 32 + lane) * (of_set / 2) + r / 2] = words[i];
  }
}

static void write_fragments(const tsr__vnm_shape *s, const tsr_packed *w, int64_t row, int64_t step,
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

void tsr__vnm_prepack(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, void *out) {
  tsr__vnm_shape s = tsr__vnm_shape_of(kernel);
  layout at = measure(kernel, w);
  char *image = out;
  int32_t *offsets = (int32_t *)(image + at.offsets_at);
  for (int64_t tile = 0; tile <= at.tiles; tile++) offsets[tile] = (int32_t)(tile * at.steps);
  for (int64_t i = 0; i < at.tiles * at.steps; i++) {
    int64_t row = i / at.steps * kernel->tile_m, step = i % at.steps;
    char *record = image + (size_t)i * s.record_bytes;
    memset(record + s.lists_at, 0, s.record_bytes - s.lists_at);
    tsr__vnm_route(&s, w, row, step, (int32_t *)(image + at.rows_at) + i * s.slots,
                   (uint16_t *)(record + s.lists_at));
    write_fragments(&s, w, row, step, record);
  }
}

/* ---- the rest ---- */

const char *tsr__vnm_refusal(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  int set_rows = tsr__vnm_shape_of(kernel).set_rows;
  if (problem->m > INT32_MAX || problem->n > INT32_MAX || problem->stored > INT32_MAX)
    return "counts rows, tokens and elements in 31 bits";
  if (problem->k > MAX_COLUMN) return "counts columns in 28 bits";
  if (problem->pattern.v % set_rows != 0)
    return set_rows == 64 ? "needs panels of a multiple of 64 rows"
                          : "needs panels of a multiple of 32 rows";
  return NULL;
}

size_t tsr__vnm_prepacked_bytes(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  return measure(kernel, w).bytes;
}

void tsr__vnm_bind(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, const void *image,
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
uint32_t tsr__vnm_shared_bytes(const tsr_cuda_spmm_kernel *kernel) {
  tsr__vnm_shape s = tsr__vnm_shape_of(kernel);
  return (uint32_t)kernel->stages * (uint32_t)(s.slots * s.slot_bytes + (int)s.record_bytes);
}

const tsr_cuda_spmm_ops tsr__cuda_vnm_ops = {.refusal = tsr__vnm_refusal,
                                             .prepacked_bytes = tsr__vnm_prepacked_bytes,
                                             .prepack = tsr__vnm_prepack,
                                             .bind = tsr__vnm_bind,
                                             .shared_bytes = tsr__vnm_shared_bytes,
                                             .work = tsr__vnm_work,
                                             .feature_major = 1};
