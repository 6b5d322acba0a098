/* y = activation(sums) + residual, or activation(sums + residual), while the sums of a tile are in
 * L1. Include a vec_*.h first. */
#ifndef TESSERA_KERNELS_CPU_EPILOGUE_VEC_H
#define TESSERA_KERNELS_CPU_EPILOGUE_VEC_H

#include "kernels/kernel.h"

typedef tsr__vec epilogue_function(tsr__vec x);

TSR__INLINE void epilogue_apply(epilogue_function *function, const tsr_spmm_args *args,
                                const float *sums, int64_t lds, int64_t row, int64_t rows,
                                int64_t token, int64_t tokens) {
  for (int64_t t = 0; t < tokens; t++) {
    float *y = args->c + (token + t) * args->ldc + row;
    const float *residual = args->residual ? args->residual + (token + t) * args->ldr + row : NULL;
    for (int64_t r = 0; r < rows; r += TSR__LANES) {
      tsr__vec_mask mask = vec_mask_first((int)(rows - r < TSR__LANES ? rows - r : TSR__LANES));
      tsr__vec v = vec_load_masked(mask, sums + t * lds + r);
      if (residual && args->residual_first) v = vec_add(v, vec_load_masked(mask, residual + r));
      v = function(v);
      if (residual && !args->residual_first) v = vec_add(v, vec_load_masked(mask, residual + r));
      vec_store_masked(mask, y + r, v);
    }
  }
}

TSR__INLINE tsr__vec keep(tsr__vec x) { return x; }

/* For rows row .. row + rows - 1 of tokens token .. token + tokens - 1. sums: [tokens, lds], bias
 * included; may be the outputs themselves unless there is a residual, which may be, too. */
static void epilogue(const tsr_spmm_args *args, const float *sums, int64_t lds, int64_t row,
                     int64_t rows, int64_t token, int64_t tokens) {
  switch (args->activation) {
    case TSR_ACTIVATION_GELU:
      epilogue_apply(vec_gelu, args, sums, lds, row, rows, token, tokens);
      break;
    case TSR_ACTIVATION_TANH:
      epilogue_apply(vec_tanh, args, sums, lds, row, rows, token, tokens);
      break;
    case TSR_ACTIVATION_RELU:
      epilogue_apply(vec_relu, args, sums, lds, row, rows, token, tokens);
      break;
    default:
      epilogue_apply(keep, args, sums, lds, row, rows, token, tokens);
  }
}

#endif
