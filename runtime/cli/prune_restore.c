#include "runtime/cli/prune_restore.h"

#include <math.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/weights.h"

/* Pruning takes from a filter's variance, and what reads it has less to lose: in a few layers the
 * signal is gone (Jordan et al., 2023: REPAIR). A filter that hardly varies any more has nothing
 * that could be scaled up. */
static const double SCALE_MAX = 4;

static double scale_of(double now, double wanted) {
  double scale = now > 0 ? sqrt(wanted / now) : 1;
  return scale > 0 && scale <= SCALE_MAX ? scale : 1;
}

tsr_status tsr__restore_moments(const tsr__calibrated_place *place, const tsr_moments *now,
                                const tsr_moments *wanted) {
  tsr__prune_layer *layer = place->layer;
  int64_t rows = tsr__matrix_rows(layer->tensor);
  const float *bias = tsr_model_linear(place->reference, place->index)->bias;
  if (!tsr__is_conv(layer->tensor) || !bias) return TSR_OK;
  if (!layer->shift)
    TSR_TRY(tsr__calloc((size_t)rows, sizeof *layer->shift, layer->tensor->name, &layer->shift));
  if (!layer->scale)
    TSR_TRY(tsr__calloc((size_t)rows, sizeof *layer->scale, layer->tensor->name, &layer->scale));
  for (int64_t r = 0; r < rows; r++) {
    layer->scale[r] = 1;
    if (layer->silent && layer->silent[r]) continue;
    layer->scale[r] = scale_of(now->variances[r], wanted->variances[r]);
    /* Without its bias the row has this mean, scaled by then. */
    double mean = now->means[r] - ((double)bias[r] + layer->shift[r]);
    layer->shift[r] = wanted->means[r] - layer->scale[r] * mean - (double)bias[r];
  }
  return TSR_OK;
}
