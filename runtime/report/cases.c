#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/report/chart.h"

static int same_case(const tsr_record *a, const tsr_record *b) {
  return a->kind == b->kind && a->m == b->m && a->k == b->k && a->n == b->n &&
         a->threads == b->threads && a->batch == b->batch && a->seq == b->seq &&
         a->cache == b->cache && !strcmp(a->name, b->name) && !strcmp(a->backend, b->backend) &&
         !strcmp(a->dtype, b->dtype);
}

static int same_series(const tsr_record *a, const tsr_record *b) {
  return !strcmp(a->pattern, b->pattern);
}

/* group_of[r] = the group of record r, groups numbered as they first occur. */
static size_t group(const tsr_report *report, int (*same)(const tsr_record *, const tsr_record *),
                    size_t *group_of, size_t *first) {
  size_t groups = 0;
  for (size_t r = 0; r < report->count; r++) {
    size_t g = 0;
    while (g < groups && !same(&report->records[first[g]], &report->records[r])) g++;
    if (g == groups) first[groups++] = r;
    group_of[r] = g;
  }
  return groups;
}

tsr_status tsr__cases_find(const tsr_report *report, tsr__cases *out) {
  *out = (tsr__cases){.report = report};
  size_t **arrays[] = {&out->case_of, &out->series_of, &out->first_of_case, &out->first_of_series};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
    TSR_TRY(tsr__calloc(report->count, sizeof **arrays[i], "the report's charts", arrays[i]));
  out->cases = group(report, same_case, out->case_of, out->first_of_case);
  out->series = group(report, same_series, out->series_of, out->first_of_series);
  return TSR_OK;
}

void tsr__cases_free(tsr__cases *cases) {
  free(cases->case_of);
  free(cases->series_of);
  free(cases->first_of_case);
  free(cases->first_of_series);
}
