/* The end of every output element, in plain C: y = activation(sum + bias) + residual,
 * or activation(sum + bias + residual). */
#ifndef TESSERA_KERNELS_CPU_EPILOGUE_SCALAR_H
#define TESSERA_KERNELS_CPU_EPILOGUE_SCALAR_H

#include <math.h>

#include "kernels/kernel.h"

static inline float tsr__activate_scalar(tsr_activation activation, float x) {
  switch (activation) {
    case TSR_ACTIVATION_GELU:
      return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    case TSR_ACTIVATION_RELU:
      return x <= 0.0f ? 0.0f : x; /* the comparison fails on NaN, which is therefore kept */
    case TSR_ACTIVATION_TANH:
      return tanhf(x);
    default:
      return x;
  }
}

/* row < m, token < n; sum = W[row, :] x[token, :]. */
static inline void tsr__epilogue_scalar(const tsr_spmm_args *args, int64_t row, int64_t token,
                                        float sum) {
  float residual = args->residual ? args->residual[token * args->ldr + row] : 0.0f;
  if (args->bias) sum += args->bias[row];
  if (args->residual && args->residual_first) sum += residual;
  float y = tsr__activate_scalar(args->activation, sum);
  if (args->residual && !args->residual_first) y += residual;
  args->c[token * args->ldc + row] = y;
}

#endif
