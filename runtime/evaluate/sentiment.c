/* Linear probes on the embeddings of film reviews: is the rating above 0, and how high is it? */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/evaluate/evaluate.h"
#include "runtime/evaluate/probe.h"
#include "runtime/evaluate/statistics.h"

/* The weight of the data against the penalty, of both regressions: C = 1, alpha = 1. */
static const double strength = 1;

static tsr_status fit_probes(const tsr__rated *training, const float *x, int64_t width,
                             double *probes) {
  size_t rows = training->texts.count;
  double *signs;
  TSR_TRY(tsr__calloc(rows, sizeof *signs, "the labels", &signs));
  for (size_t i = 0; i < rows; i++) signs[i] = training->ratings[i] > 0;
  tsr__probe_rows data = {.x = x, .t = signs, .rows = (int64_t)rows, .cols = width};
  tsr_status status = tsr__probe_fit(TSR__LOSS_LOGISTIC, &data, strength, probes);
  data.t = training->ratings;
  if (status == TSR_OK)
    status = tsr__probe_fit(TSR__LOSS_SQUARED, &data, strength, probes + width + 1);
  free(signs);
  return status;
}

/* The model's probes, fitted on its embeddings of the training lines: *out [2, width + 1], of the
 * sign and of the rating; the subject's, which is asked again in every cell of a sweep. */
static tsr_status fit(tsr__subject *subject, const tsr__rated *training, const char *what,
                      const double **out) {
  int64_t width = tsr__subject_width(subject);
  const float *x;
  double *probes;
  *out = tsr__subject_kept(subject, training);
  if (*out) return TSR_OK;
  TSR_TRY(tsr__subject_embed(subject, &training->texts, what, &x));
  TSR_TRY(tsr__calloc(2 * ((size_t)width + 1), sizeof *probes, "probes", &probes));
  tsr_status status = fit_probes(training, x, width, probes);
  if (status != TSR_OK) {
    free(probes);
    return status;
  }
  *out = probes;
  return tsr__subject_keep(subject, training, probes);
}

/* The figures of one pair of probes. */
typedef struct score {
  const char *accuracy, *accuracy_meaning, *correlation, *correlation_meaning;
} score;

static const score refit = {"refit", "accuracy of a probe fitted on this model's embeddings",
                            "ratings",
                            "Spearman of a ridge regression so fitted with people's ratings"};
static const score frozen = {"frozen",
                             "accuracy of the reference's probe on this model's embeddings",
                             "ratings_frozen", "Spearman of the reference's ridge regression"};

static tsr_status apply(const double *probes, const float *x, int64_t width, const tsr__rated *test,
                        const score *s, tsr__evaluation *out) {
  size_t count = test->texts.count;
  double *predicted, correlation;
  int64_t hits = 0;
  TSR_TRY(tsr__calloc(count, sizeof *predicted, "the predictions", &predicted));
  for (size_t i = 0; i < count; i++) {
    const float *row = x + (int64_t)i * width;
    predicted[i] = tsr__probe_apply(probes + width + 1, row, width);
    hits += (tsr__probe_apply(probes, row, width) > 0) == (test->ratings[i] > 0);
  }
  tsr_status status = tsr__spearman(predicted, test->ratings, count, &correlation);
  free(predicted);
  TSR_TRY(status);
  tsr__metric_add_share(out, s->accuracy, hits, (int64_t)count, s->accuracy_meaning);
  tsr__metric_add(out, s->correlation, TSR__METRIC_NUMBER, correlation, s->correlation_meaning);
  return TSR_OK;
}

static tsr_status judge(tsr__subject *subject, tsr__subject *fitted, const tsr__sentences *data,
                        const char *what, const score *s, tsr__evaluation *out) {
  const float *x;
  const double *probes;
  TSR_TRY(tsr__subject_embed(subject, &data->test.texts, "test sentences", &x));
  TSR_TRY(fit(fitted, &data->training, what, &probes));
  return apply(probes, x, tsr__subject_width(subject), &data->test, s, out);
}

static tsr_status run(tsr__task_data *data, tsr__subject *subject, tsr__subject *reference,
                      tsr__evaluation *out) {
  const tsr__sentences *sentences;
  TSR_TRY(tsr__task_sentences(data, &sentences));
  out->count = (int64_t)sentences->test.texts.count;
  if (reference)
    TSR_TRY(judge(subject, reference, sentences, "training sentences, reference", &frozen, out));
  return judge(subject, subject, sentences, "training sentences", &refit, out);
}

const tsr__task_ops tsr__task_sentiment = {.run = run};
