/* What the scalar kernels share. They work from a plain copy of the packed arrays and compute one
 * output at a time; they run everywhere and are easy to check, not fast. */
#ifndef TESSERA_KERNELS_CPU_SCALAR_H
#define TESSERA_KERNELS_CPU_SCALAR_H

#include "kernels/cpu/conv.h"
#include "kernels/cpu/epilogue_scalar.h"
#include "kernels/cpu/parts.h"
#include "kernels/kernel.h"

/* The prepacked weights begin with a tsr_packed whose pointers lead into the same buffer, each
 * array 64-byte aligned. */
size_t tsr__scalar_prepacked_bytes(const tsr_packed *w);
void tsr__scalar_prepack(const tsr_packed *w, void *out);
size_t tsr__scalar_workspace_bytes(const tsr_spmm_problem *problem);
void tsr__scalar_cost(const tsr_spmm_problem *problem, double *cost);

/* The sum over the stored elements of one row; x: one token, [k]. */
typedef float tsr__scalar_dot(const tsr_packed *w, int64_t row, const float *x);

/* The k activations of one token; the workspace holds those of a convolution. */
static inline const float *tsr__scalar_token(const tsr_spmm_args *args, int64_t token) {
  if (!args->conv) return args->b + token * args->ldb;
  tsr__conv_walk walk = tsr__conv_begin(args, token);
  tsr__conv_window window = tsr__conv_window_at(args, &walk);
  tsr__conv_gather(args, &window, 0, args->k, args->workspace);
  return args->workspace;
}

/* Parts share the tokens, or the rows where there are fewer tokens than parts. */
static inline void tsr__scalar_run(const tsr_spmm_args *args, int part, int parts,
                                   tsr__scalar_dot *dot) {
  const tsr_packed *w = args->weights;
  int by_token = args->n >= parts;
  tsr__span tokens = tsr__part_of(args->n, 1, by_token ? part : 0, by_token ? parts : 1);
  tsr__span rows = tsr__part_of(args->m, 1, by_token ? 0 : part, by_token ? 1 : parts);
  for (int64_t t = tokens.begin; t < tokens.end; t++) {
    const float *x = tsr__scalar_token(args, t);
    for (int64_t r = rows.begin; r < rows.end; r++) tsr__epilogue_scalar(args, r, t, dot(w, r, x));
  }
}

/* The row of functions of a scalar kernel; only run differs. */
#define TSR__SCALAR_OPS(run_function)                                               \
  {                                                                                 \
    .refusal = tsr__no_refusal, .prepacked_bytes = tsr__scalar_prepacked_bytes,     \
    .prepack = tsr__scalar_prepack, .workspace_bytes = tsr__scalar_workspace_bytes, \
    .run = run_function, .cost = tsr__scalar_cost                                   \
  }

#endif
