/* Columns into groups of m: pairs of groups are re-dealt, the pairs drawn at random, as long as
 * that keeps more; then a few columns are exchanged blindly, and what came of it stays if it is
 * better in the end (bounded regressions, as in Pool and Yu, NeurIPS 2021). */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/permute.h"

enum {
  M_MAX = 32,
  PATIENCE = 4,     /* sweeps that gain nothing before the blind exchanges */
  BLIND = 3,        /* exchanges at a time */
  FRUITLESS = 64,   /* blind exchanges for each group, in a row, that end the search */
  SWEEPS_LEAST = 40 /* whatever the size */
};

/* Rows that are looked at, all sweeps together, 70 sets of four columns each time. */
static const double budget = 6e6;

typedef struct search {
  const float *columns;
  int64_t rows;
  int32_t n, m;
  int64_t first, groups; /* the segment: its first place, its groups */
  int32_t *order;        /* of all channels */
  double *kept;          /* [groups] */
  int32_t *deck;         /* [groups]: the groups in the order in which they are paired */
  int32_t *best;         /* [groups * m]: the best order of the segment so far */
  float *low, *high;     /* [6 + 6 + 16 pairs of 8 columns, rows] */
  uint64_t state;
} search;

static uint64_t draw(search *s, int64_t below) {
  s->state = s->state * 6364136223846793005u + 1442695040888963407u;
  return (s->state >> 33) % (uint64_t)below;
}

static int32_t *group_at(const search *s, int64_t g) { return s->order + s->first + g * s->m; }

/* ---- one group: what its rows keep ---- */

/* Scores are not negative, so that 0 is below all of them. */
static double kept_of_row(const float *values, int32_t n, int32_t m) {
  float top[M_MAX] = {0};
  for (int32_t i = 0; i < m; i++) {
    float rest = values[i];
    for (int32_t k = 0; k < n; k++) {
      float greater = top[k] < rest ? rest : top[k];
      rest = top[k] < rest ? top[k] : rest;
      top[k] = greater;
    }
  }
  double sum = 0;
  for (int32_t k = 0; k < n; k++) sum += (double)top[k];
  return sum;
}

static double kept_of(const search *s, const int32_t *group) {
  float values[M_MAX];
  double sum = 0;
  for (int64_t r = 0; r < s->rows; r++) {
    for (int32_t i = 0; i < s->m; i++) values[i] = s->columns[group[i] * s->rows + r];
    sum += kept_of_row(values, s->n, s->m);
  }
  return sum;
}

/* ---- two groups of 2:4: every way to deal eight columns ---- */

/* Where the pair (a, b), a < b, of eight columns has its smaller and greater values. */
static int pair_index(int a, int b) { return a * (15 - a) / 2 + b - a - 1; }

static void fill_pairs(search *s, const int32_t eight[8]) {
  for (int a = 0; a < 8; a++)
    for (int b = a + 1; b < 8; b++) {
      const float *x = s->columns + eight[a] * s->rows, *y = s->columns + eight[b] * s->rows;
      float *low = s->low + pair_index(a, b) * s->rows,
            *high = s->high + pair_index(a, b) * s->rows;
#pragma omp simd
      for (int64_t r = 0; r < s->rows; r++) {
        low[r] = x[r] < y[r] ? x[r] : y[r];
        high[r] = x[r] < y[r] ? y[r] : x[r];
      }
    }
}

/* The two greatest of four: the greatest, and of the losers the greatest. */
static float kept_of_four(const search *s, const int four[4]) {
  const float *low_a = s->low + pair_index(four[0], four[1]) * s->rows;
  const float *low_b = s->low + pair_index(four[2], four[3]) * s->rows;
  const float *high_a = s->high + pair_index(four[0], four[1]) * s->rows;
  const float *high_b = s->high + pair_index(four[2], four[3]) * s->rows;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t r = 0; r < s->rows; r++) {
    float first = high_a[r] < high_b[r] ? high_b[r] : high_a[r];
    float lost = high_a[r] < high_b[r] ? high_a[r] : high_b[r];
    float low = low_a[r] < low_b[r] ? low_b[r] : low_a[r];
    sum += first + (lost < low ? low : lost);
  }
  return sum;
}

/* The columns of a set of four among eight, and of the rest; column 0 is in the set. */
static void deal(int set, int own[4], int other[4]) {
  int owns = 0, others = 0;
  for (int i = 0; i < 8; i++) {
    if (set >> i & 1)
      own[owns++] = i;
    else
      other[others++] = i;
  }
}

static int is_four(int set) {
  int bits = 0;
  for (int i = 0; i < 8; i++) bits += set >> i & 1;
  return bits == 4;
}

static int deal_eight(search *s, int64_t a, int64_t b) {
  int32_t *x = group_at(s, a), *y = group_at(s, b), eight[8];
  memcpy(eight, x, 4 * sizeof *x);
  memcpy(eight + 4, y, 4 * sizeof *y);
  fill_pairs(s, eight);
  double best = (s->kept[a] + s->kept[b]) * (1 + 1e-6); /* beyond the rounding of floats */
  int chosen = 0, own[4], other[4];
  for (int set = 1; set < 256; set += 2) {
    if (!is_four(set)) continue;
    deal(set, own, other);
    double kept = (double)kept_of_four(s, own) + (double)kept_of_four(s, other);
    if (kept <= best) continue;
    best = kept;
    chosen = set;
  }
  if (!chosen) return 0;
  deal(chosen, own, other);
  for (int i = 0; i < 4; i++) {
    x[i] = eight[own[i]];
    y[i] = eight[other[i]];
  }
  s->kept[a] = kept_of(s, x);
  s->kept[b] = kept_of(s, y);
  return 1;
}

/* ---- two groups of any n:m: the best exchange of two columns ---- */

static int exchange(search *s, int64_t a, int64_t b) {
  int32_t *x = group_at(s, a), *y = group_at(s, b);
  double best = (s->kept[a] + s->kept[b]) * (1 + 1e-9), kept[2] = {0, 0};
  int32_t from = -1, to = -1;
  for (int32_t i = 0; i < s->m; i++)
    for (int32_t j = 0; j < s->m; j++) {
      int32_t own = x[i];
      x[i] = y[j];
      y[j] = own;
      double in_x = kept_of(s, x), in_y = kept_of(s, y);
      y[j] = x[i];
      x[i] = own;
      if (in_x + in_y <= best) continue;
      best = in_x + in_y;
      kept[0] = in_x;
      kept[1] = in_y;
      from = i;
      to = j;
    }
  if (from < 0) return 0;
  int32_t own = x[from];
  x[from] = y[to];
  y[to] = own;
  s->kept[a] = kept[0];
  s->kept[b] = kept[1];
  return 1;
}

/* ---- sweeps ---- */

/* Pairs the groups at random and improves each pair. */
static int sweep(search *s) {
  int gained = 0;
  for (int64_t g = s->groups - 1; g > 0; g--) {
    int64_t other = (int64_t)draw(s, g + 1);
    int32_t own = s->deck[g];
    s->deck[g] = s->deck[other];
    s->deck[other] = own;
  }
  for (int64_t g = 0; g + 1 < s->groups; g += 2)
    gained |= s->n == 2 && s->m == 4 ? deal_eight(s, s->deck[g], s->deck[g + 1])
                                     : exchange(s, s->deck[g], s->deck[g + 1]);
  return gained;
}

static double total(const search *s) {
  double sum = 0;
  for (int64_t g = 0; g < s->groups; g++) sum += s->kept[g];
  return sum;
}

static void disturb(search *s) {
  for (int i = 0; i < BLIND; i++) {
    int64_t a = (int64_t)draw(s, s->groups), b = (int64_t)draw(s, s->groups);
    int32_t *x = group_at(s, a) + draw(s, s->m), *y = group_at(s, b) + draw(s, s->m), own = *x;
    *x = *y;
    *y = own;
    s->kept[a] = kept_of(s, group_at(s, a));
    s->kept[b] = kept_of(s, group_at(s, b));
  }
}

static void measure(search *s) {
  for (int64_t g = 0; g < s->groups; g++) s->kept[g] = kept_of(s, group_at(s, g));
}

static void run(search *s) {
  size_t bytes = (size_t)(s->groups * s->m) * sizeof *s->best;
  /* An exchange looks at m^2 pairs of groups, m columns each, without vectors. */
  double weight = s->n == 2 && s->m == 4 ? 1 : s->m * s->m * s->m * 0.75;
  double cost = (double)(s->groups / 2 * s->rows) * weight;
  double sweeps = budget / (cost > 1 ? cost : 1);
  if (sweeps < SWEEPS_LEAST) sweeps = SWEEPS_LEAST;
  for (int64_t g = 0; g < s->groups; g++) s->deck[g] = (int32_t)g;
  measure(s);
  double best = total(s);
  memcpy(s->best, group_at(s, 0), bytes);
  int64_t patience = PATIENCE * (s->groups < 16 ? s->groups : 16);
  int64_t idle = 0, fruitless = 0;
  for (int64_t i = 0; i < (int64_t)sweeps && fruitless < FRUITLESS * s->groups; i++) {
    idle = sweep(s) ? 0 : idle + 1;
    if (idle < patience && i + 1 < (int64_t)sweeps) continue;
    idle = 0;
    if (total(s) > best) {
      best = total(s);
      fruitless = 0;
      memcpy(s->best, group_at(s, 0), bytes);
    } else {
      fruitless++;
      memcpy(group_at(s, 0), s->best, bytes);
      measure(s);
    }
    disturb(s);
  }
  memcpy(group_at(s, 0), s->best, bytes);
}

static tsr_status allocate(search *s, int64_t groups) {
  TSR_TRY(tsr__calloc((size_t)groups, sizeof *s->kept, "a permutation", &s->kept));
  TSR_TRY(tsr__calloc((size_t)groups, sizeof *s->deck, "a permutation", &s->deck));
  TSR_TRY(tsr__calloc((size_t)(groups * s->m), sizeof *s->best, "a permutation", &s->best));
  TSR_TRY(tsr__aligned((size_t)(28 * s->rows), sizeof *s->low, "a permutation", &s->low));
  return tsr__aligned((size_t)(28 * s->rows), sizeof *s->high, "a permutation", &s->high);
}

tsr_status tsr__permute_groups(const float *columns, int64_t channels, int64_t rows, int32_t n,
                               int32_t m, int64_t segment, int32_t *order) {
  if (m > M_MAX || segment < 2 * m || n >= m) return TSR_OK;
  search s = {.columns = columns,
              .rows = rows,
              .n = n,
              .m = m,
              .groups = segment / m,
              .order = order,
              .state = 1};
  tsr_status status = allocate(&s, s.groups);
  for (; status == TSR_OK && s.first < channels; s.first += segment) run(&s);
  free(s.kept);
  free(s.deck);
  free(s.best);
  free(s.low);
  free(s.high);
  return status;
}
