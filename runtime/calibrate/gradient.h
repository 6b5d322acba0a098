/* How gradients pass back through the layers of a model of text. */
#ifndef TESSERA_CALIBRATE_GRADIENT_H
#define TESSERA_CALIBRATE_GRADIENT_H

#include "runtime/calibrate/run.h"

/* Rows lie without gaps. */
typedef struct tsr__gradient_io {
  const tsr_batch *batch;
  int64_t rows;    /* of x */
  const float *x;  /* what the layer read, [rows, width of the input] */
  const float *gy; /* of the output, [its rows, its width] */
  float *gx;       /* of the input, like x; added to */
  int64_t x_width;
  int32_t threads;
} tsr__gradient_io;

tsr_status tsr__gradient_layernorm(const tsr__layer *layer, const tsr__gradient_io *io);
tsr_status tsr__gradient_attention(const tsr__layer *layer, const tsr__gradient_io *io);
tsr_status tsr__gradient_pool(const tsr__layer *layer, const tsr__gradient_io *io);

/* values: of an activation's argument, [count]; replaced by the derivative there. */
void tsr__activation_slopes(tsr_activation activation, float *values, int64_t count,
                            int32_t threads);

/* Called for every linear layer, from the last to the first: the gradient of its output before
 * residual and activation. gradient: [rows, width], valid during the call. */
typedef void tsr__gradient_visit(void *user, size_t layer, const float *gradient, int64_t rows,
                                 int64_t width);

/* Of the sum over the sequences s and features f of directions[s, f] x embedding[s, f], these being
 * L2-normalised. directions: [sequences, hidden]. calibration: of text. Memory: every layer's input
 * for all tokens. TSR_UNSUPPORTED for models that are not of text. */
tsr_status tsr__backward(tsr_model *model, const tsr_calibration *calibration,
                         const float *directions, int32_t threads, tsr__gradient_visit *visit,
                         void *user);

#endif
