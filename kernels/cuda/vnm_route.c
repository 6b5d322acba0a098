/* Which row of B goes into which slot of a step of V:N:M, and under which key. */
#include "kernels/cuda/vnm_host.h"
#include "kernels/cuda/vnm_step.h"

enum {
  COLUMNS = 4, /* that a panel keeps of a group */
  MATRICES = TSR_CUDA_VNM_DEPTH / TSR_CUDA_VNM_KEYS,
  WISHES_MAX = TSR__VNM_SETS_MAX * TSR_CUDA_VNM_KEYS
};

static int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

int64_t tsr__vnm_steps(int64_t cols, int64_t m) {
  return ceil_div(ceil_div(cols, m) * COLUMNS, TSR_CUDA_VNM_DEPTH);
}

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
  int entry[TSR__VNM_SETS_MAX];
} wish;

static int count_bits(unsigned bits) {
  int count = 0;
  for (; bits; bits &= bits - 1) count++;
  return count;
}

/* The wishes of one matrix of ldmatrix: equal columns are one wish, zeros are one each. */
static int collect(const tsr_packed *w, const tsr__vnm_shape *s, int64_t row, int64_t step,
                   int matrix, wish *wishes) {
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
  const tsr__vnm_shape *shape;
  int32_t *rows;   /* [slots] */
  uint16_t *lists; /* [sets][32] */
  int used;        /* slots */
} routes;

static void take_slot(routes *to, const wish *wanted, unsigned sets, int key) {
  const tsr__vnm_shape *s = to->shape;
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

int tsr__vnm_route(const tsr__vnm_shape *shape, const tsr_packed *w, int64_t row, int64_t step,
                   int32_t *rows, uint16_t *lists) {
  routes to = {.shape = shape, .rows = rows, .lists = lists};
  for (int slot = 0; slot < shape->slots; slot++) rows[slot] = TSR_CUDA_VNM_NONE;
  for (int matrix = 0; matrix < MATRICES; matrix++) {
    wish wishes[WISHES_MAX];
    route_matrix(&to, wishes, collect(w, shape, row, step, matrix, wishes));
  }
  return to.used;
}
