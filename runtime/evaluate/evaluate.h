/* Quality of a model on real tasks. A task is one row of tasks.inc and one file. */
#ifndef TESSERA_EVALUATE_EVALUATE_H
#define TESSERA_EVALUATE_EVALUATE_H

#include "runtime/evaluate/data.h"
#include "runtime/evaluate/subject.h"

typedef enum tsr__unit_of_metric {
  TSR__METRIC_SHARE, /* 0..1, printed in % */
  TSR__METRIC_NUMBER
} tsr__unit_of_metric;

typedef struct tsr__metric {
  const char *name, *meaning; /* static */
  tsr__unit_of_metric unit;
  double value;
  double low, high; /* the 95 % interval; NaN = not known */
} tsr__metric;

enum { TSR__METRICS_MAX = 8 };

typedef struct tsr__evaluation {
  const char *task; /* static */
  int64_t count;    /* what the figures are means over: lines, queries, images */
  size_t metric_count;
  tsr__metric metrics[TSR__METRICS_MAX];
} tsr__evaluation;

typedef struct tsr__task_ops {
  int needs_reference; /* says nothing without the unpruned model */
  /* reference: the unpruned model, or NULL. */
  tsr_status (*run)(tsr__task_data *data, tsr__subject *subject, tsr__subject *reference,
                    tsr__evaluation *out);
} tsr__task_ops;

typedef struct tsr__task {
  const char *name, *summary;
  const tsr__task_ops *ops;
} tsr__task;

#define TSR__TASK(name, summary) extern const tsr__task_ops tsr__task_##name;
#include "runtime/evaluate/tasks.inc"
#undef TSR__TASK

/* In the order of tasks.inc; NULL past the end. */
const tsr__task *tsr__task_at(size_t index);
/* TSR_INVALID_ARGUMENT lists the tasks that there are. */
tsr_status tsr__task_find(const char *name, const tsr__task **out);

/* Runs a task. data and both subjects keep what they read and computed, so that later tasks (and
 * later subjects, as to the data and the reference) need not do it again. Deterministic: neither
 * the order of tasks nor the number of threads matters beyond the model's own rounding. */
tsr_status tsr__evaluate(const tsr__task *task, tsr__task_data *data, tsr__subject *subject,
                         tsr__subject *reference, tsr__evaluation *out);

/* For tasks. */
void tsr__metric_add(tsr__evaluation *out, const char *name, tsr__unit_of_metric unit, double value,
                     const char *meaning);
/* A share with its Wilson interval. */
void tsr__metric_add_share(tsr__evaluation *out, const char *name, int64_t hits, int64_t of,
                           const char *meaning);

#endif
