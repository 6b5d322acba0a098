/* Definitions of WordNet search for another definition, or the synonyms, of the same word. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/evaluate/evaluate.h"
#include "runtime/evaluate/statistics.h"

enum { FOUND_WITHIN = 10 };

/* The place of document `own` in the order of similarity; ties count against it, so that a model
 * that tells nothing apart does not win. */
static int64_t place_of(const float *query, const float *documents, size_t count, int64_t width,
                        size_t own) {
  double similarity = tsr__dot(query, documents + (int64_t)own * width, width);
  int64_t place = 1;
  for (size_t i = 0; i < count; i++)
    if (i != own) place += !(tsr__dot(query, documents + (int64_t)i * width, width) < similarity);
  return place;
}

static tsr_status run(tsr__task_data *data, tsr__subject *subject, tsr__subject *reference,
                      tsr__evaluation *out) {
  (void)reference;
  const tsr__wordnet *wordnet;
  const float *queries, *documents;
  TSR_TRY(tsr__task_wordnet(data, &wordnet));
  TSR_TRY(tsr__subject_embed(subject, &wordnet->queries, "definitions", &queries));
  TSR_TRY(tsr__subject_embed(subject, &wordnet->documents, "what they search for", &documents));
  int64_t width = tsr__subject_width(subject);
  size_t count = wordnet->queries.count;
  int64_t *places;
  TSR_TRY(tsr__calloc(count, sizeof *places, "the places", &places));
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < count; i++)
    places[i] = place_of(queries + (int64_t)i * width, documents, count, width, i);
  double reciprocals = 0;
  int64_t found = 0;
  for (size_t i = 0; i < count; i++) {
    reciprocals += 1 / (double)places[i];
    found += places[i] <= FOUND_WITHIN;
  }
  free(places);
  out->count = (int64_t)count;
  tsr__metric_add(out, "mrr", TSR__METRIC_NUMBER, reciprocals / (double)count,
                  "mean reciprocal rank of what is searched for");
  tsr__metric_add_share(out, "recall@10", found, (int64_t)count, "found among the first ten");
  return TSR_OK;
}

const tsr__task_ops tsr__task_retrieval = {.run = run};
