/* Sparsities of layers by rule: densities that follow a profile, moved until the whole has the
 * density that was asked for. */
#include <math.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/pattern.h"
#include "runtime/base/status.h"
#include "runtime/prune/statistics.h"

enum { BISECTIONS = 200 };
static const double SPARSITY_TOLERANCE = 1e-9;

tsr_status tsr_prune_outliers(const tsr_statistics *statistics, const float *weights, int64_t rows,
                              int64_t cols, double factor, double *share) {
  int64_t size;
  TSR_CHECK(statistics && weights && share, TSR_INVALID_ARGUMENT,
            "tsr_prune_outliers: NULL argument");
  TSR_CHECK(tsr__mul_i64(rows, cols, &size) && size && statistics->features == cols,
            TSR_INVALID_ARGUMENT, "tsr_prune_outliers: %lld x %lld weights, %lld features",
            (long long)rows, (long long)cols, (long long)statistics->features);
  TSR_CHECK(isfinite(factor) && factor >= 0, TSR_INVALID_ARGUMENT, "tsr_prune_outliers: factor %g",
            factor);
  double sum = 0;
  int64_t count = 0;
  for (int64_t i = 0; i < size; i++)
    sum += fabs((double)weights[i]) * sqrt(statistics->norms[i % cols]);
  double limit = factor * sum / (double)size;
  for (int64_t i = 0; i < size; i++)
    count += fabs((double)weights[i]) * sqrt(statistics->norms[i % cols]) > limit;
  *share = (double)count / (double)size;
  return TSR_OK;
}

/* The density of layer i at the position of a knob that runs from 0 to 1. */
typedef struct profile {
  double (*density)(const struct profile *p, size_t i, double knob);
  const tsr_budget_layer *layers;
  size_t count;
  double greatest;           /* density that the pattern allows */
  double band, least, range; /* OWL: of the outliers */
} profile;

static double clamp(double x, double greatest) { return x < 0 ? 0 : x > greatest ? greatest : x; }

static double elements(const tsr_budget_layer *layer) {
  return (double)layer->rows * (double)layer->cols;
}

/* At the knob's end every layer has its greatest density. */
static double erk(const profile *p, size_t i, double knob) {
  const tsr_budget_layer *layer = &p->layers[i];
  double share = (double)(layer->rows + layer->cols) / elements(layer);
  return clamp(knob / (1 - knob) * share, p->greatest);
}

static double owl(const profile *p, size_t i, double knob) {
  double place = p->range > 0 ? (p->layers[i].outliers - p->least) / p->range : 0.5;
  return clamp(knob * (1 + 2 * p->band) - 2 * p->band + 2 * p->band * place, p->greatest);
}

static double kept(const profile *p, double knob) {
  double sum = 0;
  for (size_t i = 0; i < p->count; i++) sum += p->density(p, i, knob) * elements(&p->layers[i]);
  return sum;
}

static void solve(const profile *p, double sparsity, double *out) {
  double low = 0, high = 1, all = 0;
  for (size_t i = 0; i < p->count; i++) all += elements(&p->layers[i]);
  for (int i = 0; i < BISECTIONS; i++) {
    double middle = (low + high) / 2;
    if (kept(p, middle) < (1 - sparsity) * all)
      low = middle;
    else
      high = middle;
  }
  for (size_t i = 0; i < p->count; i++) out[i] = 1 - p->density(p, i, low);
}

static tsr_status check(const tsr_pattern *pattern, double sparsity, const tsr_budget_layer *layers,
                        size_t count, const double *out) {
  TSR_CHECK(pattern && layers && count && out, TSR_INVALID_ARGUMENT, "budget: NULL argument");
  TSR_TRY(tsr__pattern_check(pattern));
  char text[TSR_PATTERN_TEXT_MAX];
  tsr_pattern_text(pattern, text);
  TSR_CHECK(pattern->kind != TSR_PATTERN_NM && pattern->kind != TSR_PATTERN_VNM &&
                pattern->kind != TSR_PATTERN_DENSE,
            TSR_INVALID_ARGUMENT, "budget: the pattern %s has one sparsity only", text);
  double least = tsr_pattern_fixed_sparsity(pattern);
  TSR_CHECK(sparsity >= least - SPARSITY_TOLERANCE && sparsity <= 1, TSR_INVALID_ARGUMENT,
            "budget: sparsity %g is not in %g..1 for pattern %s", sparsity, least, text);
  for (size_t i = 0; i < count; i++)
    TSR_CHECK(layers[i].rows >= 1 && layers[i].cols >= 1 && isfinite(layers[i].outliers),
              TSR_INVALID_ARGUMENT, "budget: layer %zu is %lld x %lld with %g outliers", i,
              (long long)layers[i].rows, (long long)layers[i].cols, layers[i].outliers);
  return TSR_OK;
}

tsr_status tsr_budget_erk(const tsr_pattern *pattern, double sparsity,
                          const tsr_budget_layer *layers, size_t count, double *out) {
  TSR_TRY(check(pattern, sparsity, layers, count, out));
  solve(&(profile){.density = erk,
                   .layers = layers,
                   .count = count,
                   .greatest = 1 - tsr_pattern_fixed_sparsity(pattern)},
        sparsity, out);
  return TSR_OK;
}

tsr_status tsr_budget_owl(const tsr_pattern *pattern, double sparsity, double band,
                          const tsr_budget_layer *layers, size_t count, double *out) {
  TSR_TRY(check(pattern, sparsity, layers, count, out));
  TSR_CHECK(band >= 0 && band <= 0.5, TSR_INVALID_ARGUMENT, "tsr_budget_owl: band %g", band);
  profile p = {.density = owl,
               .layers = layers,
               .count = count,
               .greatest = 1 - tsr_pattern_fixed_sparsity(pattern),
               .band = band,
               .least = layers[0].outliers};
  double most = p.least;
  for (size_t i = 1; i < count; i++) {
    p.least = fmin(p.least, layers[i].outliers);
    most = fmax(most, layers[i].outliers);
  }
  p.range = most - p.least;
  solve(&p, sparsity, out);
  return TSR_OK;
}
