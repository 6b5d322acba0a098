/* The charts of a report: one case = one layer shape or model, batch, threads and cache state. */
#ifndef TESSERA_REPORT_CHART_H
#define TESSERA_REPORT_CHART_H

#include "runtime/report/report.h"

typedef struct tsr__cases {
  const tsr_report *report;
  size_t *case_of, *series_of; /* [records] */
  size_t *first_of_case;       /* [cases]: the case's first record */
  size_t *first_of_series;     /* [series]: the first record with that pattern */
  size_t cases, series;
} tsr__cases;

/* Groups the records. Free with tsr__cases_free, also after a failure. */
tsr_status tsr__cases_find(const tsr_report *report, tsr__cases *out);
void tsr__cases_free(tsr__cases *cases);

/* A <figure> with the case's speedup and latency by sparsity, one series a pattern. */
void tsr__chart_put(const tsr__cases *cases, size_t index, FILE *stream);

#endif
