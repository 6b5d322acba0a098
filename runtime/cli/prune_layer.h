/* Pruning the weights of a checkpoint, several at a time. */
#ifndef TESSERA_CLI_PRUNE_LAYER_H
#define TESSERA_CLI_PRUNE_LAYER_H

#include "tessera/tessera.h"

/* A time that the pruned model is to take, and what it takes with the choice that was made. */
typedef struct tsr__prune_target {
  double speedup, ms; /* one of them; the other is NaN */
  int64_t tokens;     /* of the one sequence that is timed */
  int32_t threads;
  double got_ms, got_speedup;
} tsr__prune_target;

typedef struct tsr__prune_rule {
  tsr_pattern pattern;
  tsr_prune_method method;
  double sparsity;           /* < 0: the pattern's own */
  tsr_dtype dtype;           /* of the results; TSR_DTYPE_COUNT = as they were */
  int global;                /* the sparsity is that of all layers together */
  tsr__prune_target *target; /* NULL, or what stands in sparsity's place for the measured budget */
} tsr__prune_rule;

typedef struct tsr__prune_layer {
  const tsr_tensor *tensor; /* a matrix, or filters */
  float *factors; /* [rows]: what the model multiplies the rows with (BatchNorm); NULL = nothing */
  tsr_dtype dtype;
  void *data;      /* the result, of the tensor's shape, of dtype */
  int64_t pruned;  /* elements */
  double sparsity; /* that is to be reached; < 0: the pattern's own. Not used if
                      global and without calibration */
  tsr_prune_result result;
  double score, kept_score; /* sums over all and over the kept elements */
  float *values, *scores;   /* while it is being pruned */
  tsr_mask *mask;
  double *scale; /* [rows]: what the model multiplies the result's rows with; NULL = nothing */
  double *shift; /* [rows]: to be added to the bias of what the model computes; NULL = nothing */
  float *sensitivities; /* [rows]: how much the rows' outputs matter; NULL = alike */
  uint8_t *silent;      /* [rows], 1: a row that is to give 0, so that its bias goes; NULL = none */
  uint8_t *unread;      /* [cols], 1: a column of a row that is gone elsewhere; NULL = none */
} tsr__prune_layer;

/* layers: [count], zeroed but for their tensors and sparsities; to be released even after a
 * failure. Each mask is checked by tsr_mask_verify. Shows progress. For methods that need no
 * statistics. */
tsr_status tsr__prune_layers(const tsr__prune_rule *rule, int threads, tsr__prune_layer *layers,
                             size_t count);
/* One layer, with the statistics of its input; its score is the magnitude of what the model
 * computes with. The same in three steps: values and shift are there; they are pruned; the mask,
 * being there, is checked and what came out is made the result. */
tsr_status tsr__prune_layer_calibrated(const tsr__prune_rule *rule, int threads,
                                       const tsr_statistics *statistics, tsr__prune_layer *layer);
tsr_status tsr__prune_layer_begin(tsr__prune_layer *layer);
tsr_status tsr__prune_layer_choose(const tsr__prune_rule *rule, int threads,
                                   const tsr_statistics *statistics, tsr__prune_layer *layer);
tsr_status tsr__prune_layer_finish(const tsr__prune_rule *rule, tsr__prune_layer *layer);
/* out: [rows, cols] of the matrix that the model computes with: filters in the order of their
 * columns, times the factors. The same of the result. */
tsr_status tsr__prune_layer_matrix(const tsr__prune_layer *layer, float *out);
tsr_status tsr__prune_layer_result(const tsr__prune_layer *layer, float *out);
void tsr__prune_layer_release(tsr__prune_layer *layer);

#endif
