/* How much the embeddings depend on what each row of each linear layer makes. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/gradient.h"

typedef struct sums {
  float *const *out; /* [layers], [rows of the weight] each; NULL: not asked for */
  int32_t threads;
} sums;

static void add_squares(void *user, size_t layer, const float *gradient, int64_t rows,
                        int64_t width) {
  const sums *s = user;
  float *out = s->out[layer];
  if (!out) return;
#pragma omp parallel for schedule(static) num_threads(s->threads)
  for (int64_t c = 0; c < width; c++) {
    double squares = 0;
    for (int64_t r = 0; r < rows; r++)
      squares += (double)gradient[r * width + c] * (double)gradient[r * width + c];
    out[c] = (float)(squares / (double)rows);
  }
}

/* Random signs: the expectation of a gradient's square is then the sum of the squares of the
 * gradients of all features of the embedding. */
static tsr_status draw(int64_t count, float **out) {
  TSR_TRY(tsr__aligned((size_t)count, sizeof **out, "directions", out));
  uint64_t state = 1;
  for (int64_t i = 0; i < count; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    (*out)[i] = state >> 63 ? 1 : -1;
  }
  return TSR_OK;
}

tsr_status tsr_sensitivities(tsr_model *model, const tsr_calibration *calibration,
                             int64_t sequences, int32_t threads, float *const *out) {
  TSR_CHECK(model && calibration && out && sequences >= 1 && threads >= 1, TSR_INVALID_ARGUMENT,
            "tsr_sensitivities: NULL argument, %lld sequences or %d threads", (long long)sequences,
            (int)threads);
  TSR_CHECK(tsr_calibration_batch(calibration) && !tsr_calibration_states(calibration, NULL),
            TSR_UNSUPPORTED, "tsr_sensitivities: a calibration of text is needed");
  tsr_calibration *sample;
  float *directions = NULL;
  sums s = {out, threads};
  TSR_TRY(tsr__calibration_take(calibration, sequences, &sample));
  tsr_status status = draw(
      tsr_calibration_batch(sample)->sequences * tsr_model_get_info(model)->hidden, &directions);
  if (status == TSR_OK) status = tsr__backward(model, sample, directions, threads, add_squares, &s);
  free(directions);
  tsr_calibration_destroy(sample);
  return status;
}
