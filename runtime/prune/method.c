#include "runtime/prune/method.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/features.h"
#include "runtime/prune/follow.h"
#include "runtime/prune/linalg.h"

static const struct {
  const char *name;
  const tsr__method_ops *ops;
} table[TSR_METHOD_COUNT] = {
#define TSR__METHOD(enumerator, text, name) [TSR_METHOD_##enumerator] = {text, &tsr__method_##name},
#include "runtime/prune/methods.inc"
#undef TSR__METHOD
};

/* Ranks are floats, which are exact up to here. */
enum { RANKS_MAX = 1 << 24 };

static int exists(tsr_prune_method method) { return (unsigned)method < TSR_METHOD_COUNT; }

const char *tsr_prune_method_name(tsr_prune_method method) {
  return exists(method) ? table[method].name : "unknown";
}

tsr_status tsr_prune_method_parse(const char *name, tsr_prune_method *out) {
  TSR_CHECK(name && out, TSR_INVALID_ARGUMENT, "tsr_prune_method_parse: an argument is NULL");
  for (int i = 0; i < TSR_METHOD_COUNT; i++)
    if (!strcmp(name, table[i].name)) {
      *out = (tsr_prune_method)i;
      return TSR_OK;
    }
  return tsr__error(TSR_INVALID_ARGUMENT, "unknown pruning method '%s'", name);
}

int tsr_prune_method_available(tsr_prune_method method) {
  return exists(method) && (table[method].ops->score || tsr__linalg_available());
}

tsr_statistics_kind tsr_prune_method_needs(tsr_prune_method method) {
  return exists(method) ? table[method].ops->needs : TSR_STATISTICS_NONE;
}

tsr_status tsr_prune_scores(tsr_prune_method method, const float *weights, int64_t rows,
                            int64_t cols, float *scores) {
  int64_t size;
  TSR_CHECK(exists(method), TSR_INVALID_ARGUMENT, "tsr_prune_scores: method %d does not exist",
            (int)method);
  TSR_CHECK(!table[method].ops->needs, TSR_INVALID_ARGUMENT,
            "tsr_prune_scores: method %s needs statistics", table[method].name);
  TSR_CHECK(tsr__mul_i64(rows, cols, &size), TSR_INVALID_ARGUMENT,
            "tsr_prune_scores: the weights are %lld x %lld", (long long)rows, (long long)cols);
  TSR_CHECK((weights && scores) || !size, TSR_INVALID_ARGUMENT,
            "tsr_prune_scores: weights or scores is NULL");
  for (int64_t i = 0; i < size; i++)
    TSR_CHECK(!isnan(weights[i]), TSR_INVALID_ARGUMENT,
              "tsr_prune_scores: the weight of row %lld, column %lld is NaN", (long long)(i / cols),
              (long long)(i % cols));
  /* A task may change its weights, but scoring does not. */
  float *borrowed;
  memcpy(&borrowed, &weights, sizeof borrowed);
  tsr__prune_task task = {
      .weights = borrowed, .rows = rows, .cols = cols, .threads = omp_get_max_threads()};
  if (size) table[method].ops->score(&task, scores);
  return TSR_OK;
}

void tsr_mask_apply(const tsr_mask *mask, float *weights, int64_t rows, int64_t cols) {
  int64_t size;
  if (!mask || !weights || !tsr__mul_i64(rows, cols, &size)) return;
  for (int64_t i = 0; i < size; i++)
    if (!mask[i]) weights[i] = 0.0f;
}

static tsr_status check(const tsr_prune_options *o, const tsr_statistics *statistics,
                        const float *weights, int64_t rows, int64_t cols, const void *mask) {
  int64_t size;
  TSR_CHECK(exists(o->method), TSR_INVALID_ARGUMENT, "tsr_prune_matrix: method %d does not exist",
            (int)o->method);
  TSR_CHECK(tsr_prune_method_available(o->method), TSR_UNSUPPORTED,
            "the method %s needs BLAS and LAPACK, which this build of Tessera lacks",
            table[o->method].name);
  TSR_CHECK(o->threads >= 1, TSR_INVALID_ARGUMENT, "tsr_prune_matrix: %d threads", (int)o->threads);
  TSR_CHECK(o->damping >= 0 && isfinite(o->damping), TSR_INVALID_ARGUMENT,
            "tsr_prune_matrix: damping %g", o->damping);
  TSR_CHECK(tsr__mul_i64(rows, cols, &size), TSR_INVALID_ARGUMENT,
            "tsr_prune_matrix: the weights are %lld x %lld", (long long)rows, (long long)cols);
  TSR_CHECK((weights && mask) || !size, TSR_INVALID_ARGUMENT,
            "tsr_prune_matrix: weights or mask is NULL");
  for (int64_t i = 0; i < size; i++)
    TSR_CHECK(isfinite(weights[i]), TSR_INVALID_ARGUMENT,
              "tsr_prune_matrix: the weight of row %lld, column %lld is %g", (long long)(i / cols),
              (long long)(i % cols), (double)weights[i]);
  tsr_statistics_kind needs = table[o->method].ops->needs;
  if (!needs || !size) return TSR_OK;
  const char *name = table[o->method].name;
  TSR_CHECK(statistics && statistics->kind >= needs, TSR_INVALID_ARGUMENT,
            "tsr_prune_matrix: method %s needs %s", name,
            needs == TSR_STATISTICS_GRAM ? "the Gram matrix of the layer's input"
                                         : "the norms of the layer's input");
  TSR_CHECK(statistics->features == cols, TSR_INVALID_ARGUMENT,
            "tsr_prune_matrix: statistics of %lld features for %lld columns",
            (long long)statistics->features, (long long)cols);
  TSR_CHECK(statistics->rows >= 1, TSR_INVALID_ARGUMENT,
            "tsr_prune_matrix: the statistics are of no rows");
  return TSR_OK;
}

static int by_key(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* keys: [cols]. Scores of at least 0 order like their bits; of equal ones the first ranks higher.
 */
static void rank_row(float *scores, int64_t cols, uint64_t *keys) {
  for (int64_t c = 0; c < cols; c++) {
    uint32_t bits;
    float score = scores[c] + 0.0f;
    memcpy(&bits, &score, sizeof bits);
    keys[c] = (uint64_t)bits << 32 | (UINT32_MAX - (uint32_t)c);
  }
  qsort(keys, (size_t)cols, sizeof *keys, by_key);
  for (int64_t c = 0; c < cols; c++) scores[UINT32_MAX - (uint32_t)keys[c]] = (float)c;
}

/* Replaces scores by their rank within the row: projected, every row then loses the same share. */
static tsr_status rank_by_row(const tsr__prune_task *task, float *scores) {
  uint64_t *keys;
  TSR_CHECK(task->cols <= RANKS_MAX, TSR_UNSUPPORTED_SHAPE, "%lld columns, more than %d",
            (long long)task->cols, RANKS_MAX);
  TSR_TRY(tsr__aligned((size_t)(task->threads * task->cols), sizeof *keys, "ranks", &keys));
#pragma omp parallel num_threads(task->threads)
  {
    uint64_t *own = keys + omp_get_thread_num() * task->cols;
#pragma omp for schedule(static)
    for (int64_t r = 0; r < task->rows; r++) rank_row(scores + r * task->cols, task->cols, own);
  }
  free(keys);
  return TSR_OK;
}

double tsr__task_mean(const tsr__prune_task *task, int64_t c) {
  return task->centred ? task->statistics->sums[c] / (double)task->statistics->rows : 0;
}

double tsr__task_power(const tsr__prune_task *task, int64_t c) {
  static const double ROUNDING = 1e-6;
  double power = task->statistics->norms[c] / (double)task->statistics->rows;
  double mean = tsr__task_mean(task, c), centred = power - mean * mean;
  if (!task->centred) return power;
  return centred > ROUNDING * power ? centred : 0;
}

/* shift[r] += sign x what row r makes of the means: sums / rows. */
static void add_means(const tsr__prune_task *task, double sign, const double *sums, double *shift) {
  double factor = sign / (double)task->statistics->rows;
  for (int64_t r = 0; r < task->rows; r++) {
    double sum = 0;
    for (int64_t c = 0; c < task->cols; c++)
      sum += (double)task->weights[r * task->cols + c] * sums[c];
    shift[r] += factor * sum;
  }
}

/* What the output's mean is to be: the unpruned layer's own, or, if the weights are to follow the
 * unpruned model, what it takes there. */
static void want_means(const tsr__prune_task *task, int follows, double *shift) {
  const tsr_statistics *s = task->statistics;
  if (!follows || s->cross) {
    add_means(task, 1, follows ? s->reference_sums : s->sums, shift);
    return;
  }
  for (int64_t r = 0; r < task->rows; r++) shift[r] += s->goal_sums[r] / (double)s->rows;
}

/* ---- rows that matter more ---- */

/* What rows are multiplied with while they compete, so that a square counts as often as the output
 * feature matters; none counts less than 2 % of the mean. *out: [rows], to be freed; NULL: they all
 * matter alike. */
static tsr_status find_factors(const float *sensitivities, int64_t rows, float **out) {
  static const double LEAST = 0.02;
  double mean = 0;
  *out = NULL;
  if (!sensitivities) return TSR_OK;
  for (int64_t r = 0; r < rows; r++) {
    TSR_CHECK(sensitivities[r] >= 0 && isfinite(sensitivities[r]), TSR_INVALID_ARGUMENT,
              "tsr_prune_matrix: the sensitivity of row %lld is %g", (long long)r,
              (double)sensitivities[r]);
    mean += (double)sensitivities[r] / (double)rows;
  }
  if (!(mean > 0)) return TSR_OK;
  TSR_TRY(tsr__aligned((size_t)rows, sizeof **out, "sensitivities", out));
  for (int64_t r = 0; r < rows; r++)
    (*out)[r] = (float)sqrt((double)sensitivities[r] / mean + LEAST);
  return TSR_OK;
}

static void scale_rows(const tsr__prune_task *task, const float *factors, int back) {
  for (int64_t r = 0; factors && r < task->rows; r++)
    for (int64_t c = 0; c < task->cols; c++)
      task->weights[r * task->cols + c] *= back ? 1 / factors[r] : factors[r];
}

static void score_rows(const tsr__method_ops *ops, const tsr__prune_task *task,
                       const float *factors, float *scores) {
  ops->score(task, scores);
  for (int64_t i = 0; factors && ops->needs && i < task->rows * task->cols; i++)
    scores[i] *= factors[i / task->cols] * factors[i / task->cols];
}

static tsr_status score_and_project(const tsr__method_ops *ops, const tsr__prune_task *task,
                                    const float *factors, float *scores) {
  score_rows(ops, task, factors, scores);
  if (ops->by_row && task->pattern->kind == TSR_PATTERN_IRREGULAR)
    TSR_TRY(rank_by_row(task, scores));
  return tsr_project(task->pattern, task->sparsity, scores, task->rows, task->cols, task->mask);
}

static tsr_status project_scores(const tsr__method_ops *ops, const tsr__prune_task *task,
                                 const float *factors) {
  float *scores;
  TSR_TRY(tsr__aligned((size_t)(task->rows * task->cols), sizeof *scores, "scores", &scores));
  tsr_status status = score_and_project(ops, task, factors, scores);
  free(scores);
  return status;
}

/* shift: as in the options. */
static tsr_status prune(const tsr__method_ops *ops, const tsr__prune_task *task,
                        const float *factors, double *shift) {
  /* Rows that go as a whole leave nothing to correct. */
  int follows = !ops->score && tsr__statistics_follow(task->statistics) &&
                task->pattern->kind != TSR_PATTERN_ROW;
  if (task->centred) want_means(task, follows, shift);
  if (ops->score) return project_scores(ops, task, factors);
  tsr__linalg_threads(task->threads);
  if (follows) TSR_TRY(tsr__follow_reference(task));
  scale_rows(task, factors, 0);
  TSR_TRY(ops->prune(task));
  scale_rows(task, factors, 1);
  return TSR_OK;
}

tsr_status tsr_prune_matrix(const tsr_prune_options *options, const tsr_statistics *statistics,
                            float *weights, int64_t rows, int64_t cols, tsr_mask *mask,
                            tsr_prune_result *result) {
  tsr_prune_result unseen;
  if (!result) result = &unseen;
  *result = (tsr_prune_result){0};
  TSR_CHECK(options, TSR_INVALID_ARGUMENT, "tsr_prune_matrix: options is NULL");
  TSR_TRY(check(options, statistics, weights, rows, cols, mask));
  tsr__prune_task task = {.pattern = &options->pattern,
                          .sparsity = options->sparsity,
                          .statistics = statistics,
                          .weights = weights,
                          .rows = rows,
                          .cols = cols,
                          .mask = mask,
                          .threads = options->threads,
                          .damping = options->damping,
                          .centred = options->shift && table[options->method].ops->needs,
                          .result = result};
  const tsr__method_ops *ops = table[options->method].ops;
  if (!rows || !cols) return tsr_project(task.pattern, task.sparsity, weights, rows, cols, mask);
  float *factors;
  TSR_TRY(find_factors(options->sensitivities, rows, &factors));
  tsr_status status = prune(ops, &task, factors, options->shift);
  free(factors);
  if (status != TSR_OK) return status;
  tsr_mask_apply(mask, weights, rows, cols);
  if (task.centred) add_means(&task, -1, statistics->sums, options->shift);
  return TSR_OK;
}

static tsr_status prune_features(const tsr__method_ops *ops, const tsr__prune_task *task,
                                 const float *factors, int64_t features, int64_t going,
                                 uint8_t *kept) {
  if (!ops->score) {
    tsr__linalg_threads(task->threads);
    if (tsr__statistics_follow(task->statistics)) TSR_TRY(tsr__follow_reference(task));
    scale_rows(task, factors, 0);
    TSR_TRY(tsr__eliminate_features(task, features, going, kept));
    scale_rows(task, factors, 1);
    return TSR_OK;
  }
  float *scores;
  TSR_TRY(tsr__aligned((size_t)(task->rows * task->cols), sizeof *scores, "scores", &scores));
  score_rows(ops, task, factors, scores);
  tsr_status status = tsr__drop_features(task, scores, features, going, kept);
  free(scores);
  return status;
}

tsr_status tsr_prune_features(const tsr_prune_options *options, const tsr_statistics *statistics,
                              float *weights, int64_t rows, int64_t cols, int64_t features,
                              uint8_t *kept, tsr_prune_result *result) {
  tsr_prune_result unseen;
  if (!result) result = &unseen;
  *result = (tsr_prune_result){0};
  TSR_CHECK(options, TSR_INVALID_ARGUMENT, "tsr_prune_features: options is NULL");
  TSR_TRY(check(options, statistics, weights, rows, cols, kept));
  TSR_CHECK(table[options->method].ops->needs, TSR_INVALID_ARGUMENT,
            "tsr_prune_features: the method %s looks at weights only", table[options->method].name);
  TSR_CHECK(features >= 1 && cols >= features && cols % features == 0, TSR_INVALID_ARGUMENT,
            "tsr_prune_features: %lld features in %lld columns", (long long)features,
            (long long)cols);
  TSR_CHECK(options->sparsity >= 0 && options->sparsity <= 1, TSR_INVALID_ARGUMENT,
            "tsr_prune_features: sparsity %g", options->sparsity);
  tsr__prune_task task = {.pattern = &options->pattern,
                          .sparsity = options->sparsity,
                          .statistics = statistics,
                          .weights = weights,
                          .rows = rows,
                          .cols = cols,
                          .threads = options->threads,
                          .damping = options->damping,
                          .centred = options->shift != NULL,
                          .result = result};
  memset(kept, 1, (size_t)features);
  if (!rows) return TSR_OK;
  int follows = !table[options->method].ops->score && tsr__statistics_follow(statistics);
  if (task.centred) want_means(&task, follows, options->shift);
  float *factors;
  TSR_TRY(find_factors(options->sensitivities, rows, &factors));
  tsr_status status = prune_features(table[options->method].ops, &task, factors, features,
                                     llround(options->sparsity * (double)features), kept);
  free(factors);
  if (status != TSR_OK) return status;
  if (task.centred) add_means(&task, -1, statistics->sums, options->shift);
  return TSR_OK;
}
