/* A run of a model over a calibration, and of the unpruned one beside it. */
#ifndef TESSERA_CALIBRATE_RUN_H
#define TESSERA_CALIBRATE_RUN_H

#include "runtime/calibrate/calibration.h"
#include "runtime/plan/model_plan.h"

/* A model, and what it has computed so far. */
typedef struct tsr__calibrate_side {
  tsr_model *model; /* NULL: there is no such side */
  char *memory;     /* its slots */
} tsr__calibrate_side;

typedef struct tsr__calibrate_run {
  tsr__calibrate_side own, reference;
  const tsr_calibration *calibration;
  const tsr_batch *batch; /* of a model of images: NULL */
  int64_t tokens, sequences;
  const tsr_calibrate_options *options;
  size_t first; /* layer that is run: states are what the first linear one reads */
  tsr_hardware hardware;
  tsr__layer_limits limits;
  size_t slots[TSR__SLOTS_MAX]; /* offsets in memory, of both sides */
  void *scratch;
  size_t scratch_bytes;
  tsr_statistics *statistics; /* of slot `known`, or NULL */
  int32_t known;
} tsr__calibrate_run;

/* run: models, calibration, batch, options and known are set. Close it after a failure, too. */
tsr_status tsr__calibrate_open(tsr__calibrate_run *run);
void tsr__calibrate_close(tsr__calibrate_run *run);

float *tsr__calibrate_slot(const tsr__calibrate_run *run, const tsr__calibrate_side *side,
                           int32_t slot);
/* Rows of what the layer computes: tokens, or output pixels. */
tsr_status tsr__calibrate_rows(const tsr__calibrate_run *run, const tsr__layer *layer,
                               int64_t *rows);
tsr_status tsr__calibrate_layer(tsr__calibrate_run *run, const tsr__calibrate_side *side,
                                size_t index);
/* A linear layer by itself; the run has the workspace. */
tsr_status tsr__calibrate_execute(tsr__calibrate_run *run, const tsr_linear *linear,
                                  const tsr_linear_io *io);
/* What a planned layer makes before residual and activation, with the bias. y: [*rows, rows of the
 * weight], to be freed. */
tsr_status tsr__calibrate_plain(tsr__calibrate_run *run, const tsr__calibrate_side *side,
                                size_t index, int64_t *rows, float **y);
/* Of a layer's output as it is before residual and activation, with the bias. means, variances:
 * [rows of the weight], written. */
tsr_status tsr__calibrate_moments(tsr__calibrate_run *run, const tsr__calibrate_side *side,
                                  size_t index, double *means, double *variances);

#endif
