/* The results of a grid of pruned models: quality against latency and size. */
#ifndef TESSERA_REPORT_SWEEP_H
#define TESSERA_REPORT_SWEEP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tessera/plan.h"

enum { TSR__SWEEP_METRICS_MAX = 16 };

/* The patterns' names of the two rows of a model that no grid asks for. */
#define TSR__SWEEP_DENSE "dense" /* the model as it was */
#define TSR__SWEEP_NULL "null"   /* every pruned matrix zero */

/* One model of the grid. All texts are borrowed. */
typedef struct tsr__sweep_cell {
  const char *model, *pattern, *method, *command;
  const char *error; /* NULL = it was measured */
  double sparsity;
  double latency_ms, speedup; /* of the whole model; speedup against dense, raced with it; 0 = not
                                 measured */
  int64_t packed_bytes;       /* of the linear layers' weights */
  double metrics[TSR__SWEEP_METRICS_MAX]; /* NaN = not measured */
  /* Written by tsr__sweep_judge: */
  int destroyed;            /* no better than the null row */
  int front_ms, front_size; /* on the Pareto front of quality against latency, against size */
} tsr__sweep_cell;

typedef struct tsr__sweep {
  const char *title;
  const tsr_hardware *machine;
  const char *metric_names[TSR__SWEEP_METRICS_MAX];
  size_t metric_count;
  tsr__sweep_cell *cells;
  size_t count;
} tsr__sweep;

/* The metric that a model's charts show: of those that its cells have, "cosine" if it is among
 * them, else the first; metric_count if there is none. */
size_t tsr__sweep_quality(const tsr__sweep *sweep, const char *model);

/* Within each model: a cell is destroyed if most of its values of cosine, rank, frozen and accuracy
 * (those that both it and the null row have) are at or below the null row's. It is on a front if it
 * is not destroyed and no other cell of the model that is not is better in one and as good in the
 * other.
 */
void tsr__sweep_judge(tsr__sweep *sweep);

/* After tsr__sweep_judge; the stream is the caller's. CSV as in RFC 4180, no value = empty; one
 * self-contained page. Texts must be printable UTF-8. */
tsr_status tsr__sweep_write_csv(const tsr__sweep *sweep, FILE *stream);
tsr_status tsr__sweep_write_html(const tsr__sweep *sweep, FILE *stream);

/* sweep_chart.c: two charts of the model that cell `first` belongs to. */
void tsr__sweep_chart_put(const tsr__sweep *sweep, size_t first, FILE *stream);

#endif
