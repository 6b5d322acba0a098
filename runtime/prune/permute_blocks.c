/* Channels into groups that keep the same features: the features that each group keeps are chosen
 * for the present order, then pairs of channels change places wherever both groups together keep
 * more, and so on until neither helps. It starts from the given order, from the channels sorted by
 * their sum, and from a shuffled one, since a regular order may be a standstill; the best result
 * counts. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/permute.h"

enum { ROUNDS_MAX = 30, PASSES_MAX = 4 };

typedef struct search {
  const float *features;
  int64_t channels, width;
  const tsr__feature_rule *rules;
  size_t rule_count;
  int64_t group, segment, groups, groups_in_segment;
  int32_t *order;   /* [channels] */
  float *sums;      /* [groups, width] */
  uint8_t *kept;    /* [groups, width] */
  int32_t *columns; /* [width]: the features that a group keeps */
  float *gains;     /* [channels, groups_in_segment]: what a channel adds to a group */
  float *ranked;    /* [groups * width], for choosing */
} search;

static const float *row_of(const search *s, int32_t channel) {
  return s->features + channel * s->width;
}

static void add_up(search *s) {
#pragma omp parallel for schedule(static) if (s->groups * s->group * s->width > TSR__PERMUTE_SERIAL)
  for (int64_t g = 0; g < s->groups; g++) {
    float *sums = s->sums + g * s->width;
    memset(sums, 0, (size_t)s->width * sizeof *sums);
    for (int64_t i = g * s->group; i < (g + 1) * s->group; i++) {
      const float *row = row_of(s, s->order[i]);
#pragma omp simd
      for (int64_t j = 0; j < s->width; j++) sums[j] += row[j];
    }
  }
}

static int descending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x < y) - (x > y);
}

/* The `keep` greatest of all groups' sums. */
static double keep_greatest(search *s, const tsr__feature_rule *rule) {
  int64_t count = 0, left = rule->keep;
  double kept = 0;
  for (int64_t g = 0; g < s->groups; g++)
    for (int64_t j = rule->first; j < rule->end; j++)
      s->ranked[count++] = s->sums[g * s->width + j];
  if (left > count) left = count;
  qsort(s->ranked, (size_t)count, sizeof *s->ranked, descending);
  float least = left > 0 ? s->ranked[left - 1] : 0;
  for (int64_t i = 0; i < left; i++) kept += (double)s->ranked[i];
  for (int64_t g = 0; g < s->groups; g++)
    for (int64_t j = rule->first; j < rule->end; j++) {
      int64_t at = g * s->width + j;
      s->kept[at] = left > 0 && s->sums[at] >= least;
    }
  return kept;
}

/* In each group n of every m features. */
static double keep_n_of_m(search *s, const tsr__feature_rule *rule) {
  double kept = 0;
  for (int64_t g = 0; g < s->groups; g++) {
    const float *sums = s->sums + g * s->width;
    uint8_t *flags = s->kept + g * s->width;
    for (int64_t first = rule->first; first < rule->end; first += rule->m) {
      int64_t end = first + rule->m < rule->end ? first + rule->m : rule->end;
      memset(flags + first, 0, (size_t)(end - first));
      for (int32_t i = 0; i < rule->n && i < end - first; i++) {
        int64_t best = -1;
        for (int64_t j = first; j < end; j++)
          if (!flags[j] && (best < 0 || sums[j] > sums[best])) best = j;
        flags[best] = 1;
        kept += (double)sums[best];
      }
    }
  }
  return kept;
}

static double choose(search *s) {
  double kept = 0;
  add_up(s);
  for (size_t r = 0; r < s->rule_count; r++)
    kept += s->rules[r].keep < 0 ? keep_n_of_m(s, &s->rules[r]) : keep_greatest(s, &s->rules[r]);
  return kept;
}

/* Groups of the segment that begins at place `first`. */
static void find_gains(search *s, int64_t first) {
  for (int64_t g = 0; g < s->groups_in_segment; g++) {
    const uint8_t *flags = s->kept + (first / s->group + g) * s->width;
    int64_t count = 0;
    for (int64_t j = 0; j < s->width; j++)
      if (flags[j]) s->columns[count++] = (int32_t)j;
#pragma omp parallel for schedule(static) if (s->segment * count > TSR__PERMUTE_SERIAL)
    for (int64_t i = first; i < first + s->segment; i++) {
      const float *row = row_of(s, s->order[i]);
      float sum = 0;
      for (int64_t j = 0; j < count; j++) sum += row[s->columns[j]];
      s->gains[s->order[i] * s->groups_in_segment + g] = sum;
    }
  }
}

/* The partner with which place i changes at the greatest profit; -1 if with none. */
static int64_t best_partner(const search *s, int64_t first, int64_t i) {
  const float *own = s->gains + s->order[i] * s->groups_in_segment;
  int64_t group = (i - first) / s->group, best = -1;
  float most = 1e-6f * (own[group] > 0 ? own[group] : 1);
  for (int64_t j = first; j < first + s->segment; j++) {
    int64_t there = (j - first) / s->group;
    const float *other = s->gains + s->order[j] * s->groups_in_segment;
    float profit = own[there] - own[group] + other[group] - other[there];
    if (profit <= most) continue;
    most = profit;
    best = j;
  }
  return best;
}

static int change_places(search *s, int64_t first) {
  int changed = 0;
  for (int64_t i = first; i < first + s->segment; i++) {
    int64_t partner = best_partner(s, first, i);
    if (partner < 0) continue;
    int32_t own = s->order[i];
    s->order[i] = s->order[partner];
    s->order[partner] = own;
    changed = 1;
  }
  return changed;
}

static double improve(search *s) {
  double kept = choose(s);
  for (int round = 0; round < ROUNDS_MAX; round++) {
    for (int64_t first = 0; first < s->channels; first += s->segment) {
      find_gains(s, first);
      for (int pass = 0; pass < PASSES_MAX && change_places(s, first); pass++) {
      }
    }
    double next = choose(s);
    if (next <= kept * (1 + 1e-6)) break;
    kept = next;
  }
  return choose(s);
}

/* ---- the second start ---- */

typedef struct weighed {
  double sum;
  int32_t channel;
} weighed;

static int heaviest_first(const void *a, const void *b) {
  const weighed *x = a, *y = b;
  if (x->sum < y->sum || x->sum > y->sum) return x->sum < y->sum ? 1 : -1;
  return x->channel - y->channel;
}

static void sort_by_sum(search *s, weighed *list) {
  for (int64_t i = 0; i < s->channels; i++) {
    const float *row = row_of(s, s->order[i]);
    list[i] = (weighed){0, s->order[i]};
    for (int64_t j = 0; j < s->width; j++) list[i].sum += (double)row[j];
  }
  for (int64_t first = 0; first < s->channels; first += s->segment)
    qsort(list + first, (size_t)s->segment, sizeof *list, heaviest_first);
  for (int64_t i = 0; i < s->channels; i++) s->order[i] = list[i].channel;
}

static void shuffle(search *s) {
  uint64_t draw = 1;
  for (int64_t first = 0; first < s->channels; first += s->segment)
    for (int64_t i = s->segment - 1; i > 0; i--) {
      draw = draw * 6364136223846793005u + 1442695040888963407u;
      int64_t other = (int64_t)((draw >> 33) % (uint64_t)(i + 1));
      int32_t own = s->order[first + i];
      s->order[first + i] = s->order[first + other];
      s->order[first + other] = own;
    }
}

/* Improves the present order; it becomes the best one if it keeps more. */
static void attempt(search *s, int32_t *best, double *most) {
  double found = improve(s);
  if (found <= *most) return;
  *most = found;
  memcpy(best, s->order, (size_t)s->channels * sizeof *best);
}

static tsr_status run(search *s) {
  size_t bytes = (size_t)s->channels * sizeof *s->order;
  int32_t *best = NULL;
  weighed *list = NULL;
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__calloc((size_t)s->channels, sizeof *best, "a permutation", &best),
               done);
  TSR_TRY_GOTO(status, tsr__calloc((size_t)s->channels, sizeof *list, "a permutation", &list),
               done);
  memcpy(best, s->order, bytes);
  double most = choose(s);
  attempt(s, best, &most);
  sort_by_sum(s, list);
  attempt(s, best, &most);
  shuffle(s);
  attempt(s, best, &most);
  memcpy(s->order, best, bytes);
done:
  free(best);
  free(list);
  return status;
}

static tsr_status allocate(search *s) {
  size_t cells = (size_t)(s->groups * s->width);
  TSR_TRY(tsr__calloc(cells, sizeof *s->sums, "a permutation", &s->sums));
  TSR_TRY(tsr__calloc(cells, sizeof *s->kept, "a permutation", &s->kept));
  TSR_TRY(tsr__calloc(cells, sizeof *s->ranked, "a permutation", &s->ranked));
  TSR_TRY(tsr__calloc((size_t)s->width, sizeof *s->columns, "a permutation", &s->columns));
  return tsr__calloc((size_t)(s->channels * s->groups_in_segment), sizeof *s->gains,
                     "a permutation", &s->gains);
}

tsr_status tsr__permute_blocks(const float *features, int64_t channels, int64_t width,
                               const tsr__feature_rule *rules, size_t rule_count, int64_t group,
                               int64_t segment, int32_t *order) {
  if (segment < 2 * group || segment % group || group < 2) return TSR_OK;
  search s = {.features = features,
              .channels = channels,
              .width = width,
              .rules = rules,
              .rule_count = rule_count,
              .group = group,
              .segment = segment,
              .groups = channels / group,
              .groups_in_segment = segment / group,
              .order = order};
  tsr_status status = allocate(&s);
  if (status == TSR_OK) status = run(&s);
  free(s.sums);
  free(s.kept);
  free(s.columns);
  free(s.gains);
  free(s.ranked);
  return status;
}
