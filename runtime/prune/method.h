/* Methods: which weights go, and how the others make up for them. */
#ifndef TESSERA_PRUNE_METHOD_H
#define TESSERA_PRUNE_METHOD_H

#include "runtime/prune/statistics.h"

/* One matrix that is to be pruned; everything is checked. */
typedef struct tsr__prune_task {
  const tsr_pattern *pattern;
  double sparsity;
  const tsr_statistics *statistics; /* as much as the method needs */
  float *weights;                   /* [rows, cols] */
  int64_t rows, cols;
  tsr_mask *mask; /* [rows, cols] */
  int32_t threads;
  double damping; /* 0 = the method's own */
  int centred;    /* the bias makes up for means, so that only deviations from them count */
  tsr_prune_result *result;
} tsr__prune_task;

/* The mean of x_c^2, or of its deviation from the mean, that counts; 0 for a feature that is always
 * the same, up to rounding, when only deviations count. */
double tsr__task_power(const tsr__prune_task *task, int64_t c);
/* The mean of x_c that the bias takes over; 0 if it does not. */
double tsr__task_mean(const tsr__prune_task *task, int64_t c);

typedef struct tsr__method_ops {
  tsr_statistics_kind needs;
  int by_row; /* single elements compete within their row only */
  /* What every weight is worth; the mask is their projection. */
  void (*score)(const tsr__prune_task *task, float *scores);
  /* Where there are no scores: chooses the mask and changes the weights. What it leaves in pruned
   * ones does not matter. The task's threads are BLAS's. NULL in a build without BLAS. */
  tsr_status (*prune)(const tsr__prune_task *task);
} tsr__method_ops;

#define TSR__METHOD(enumerator, text, name) extern const tsr__method_ops tsr__method_##name;
#include "runtime/prune/methods.inc"
#undef TSR__METHOD

#endif
