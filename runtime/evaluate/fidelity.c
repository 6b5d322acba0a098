/* How much of the unpruned model's embeddings is left. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/evaluate/evaluate.h"
#include "runtime/evaluate/statistics.h"

enum { PAIRS = 2000 };

static double mean_cosine(const float *a, const float *b, size_t count, int64_t width) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += tsr__dot(a + (int64_t)i * width, b + (int64_t)i * width, width);
  return sum / (double)count;
}

/* The similarities of pairs of different texts, the same pairs for every model. */
static void similarities(const float *x, size_t count, int64_t width, double *out) {
  uint64_t state = 1;
  for (int i = 0; i < PAIRS; i++) {
    size_t first = (size_t)(tsr__split_mix(&state) % count);
    size_t other = (first + 1 + (size_t)(tsr__split_mix(&state) % (count - 1))) % count;
    out[i] = tsr__dot(x + (int64_t)first * width, x + (int64_t)other * width, width);
  }
}

static tsr_status run(tsr__task_data *data, tsr__subject *subject, tsr__subject *reference,
                      tsr__evaluation *out) {
  const tsr__sentences *sentences;
  const float *own, *dense;
  TSR_TRY(tsr__task_sentences(data, &sentences));
  const tsr__texts *texts = &sentences->test.texts;
  TSR_TRY(tsr__subject_embed(reference, texts, "test sentences, reference", &dense));
  TSR_TRY(tsr__subject_embed(subject, texts, "test sentences", &own));
  int64_t width = tsr__subject_width(subject);
  double *pairs;
  TSR_TRY(tsr__calloc((size_t)2 * PAIRS, sizeof *pairs, "the pairs", &pairs));
  similarities(own, texts->count, width, pairs);
  similarities(dense, texts->count, width, pairs + PAIRS);
  double rank = 0;
  tsr_status status = tsr__spearman(pairs, pairs + PAIRS, PAIRS, &rank);
  free(pairs);
  TSR_TRY(status);
  out->count = (int64_t)texts->count;
  tsr__metric_add(out, "cosine", TSR__METRIC_NUMBER, mean_cosine(own, dense, texts->count, width),
                  "mean cosine with the reference's embeddings");
  tsr__metric_add(out, "rank", TSR__METRIC_NUMBER, rank,
                  "Spearman, similarities of 2000 pairs against the reference's");
  return TSR_OK;
}

const tsr__task_ops tsr__task_fidelity = {.needs_reference = 1, .run = run};
