/* What the scalar kernels share. They work from a plain copy of the packed arrays and compute one
 * output at a time; they run everywhere and are easy to check, not fast. */
#ifndef TESSERA_KERNELS_CPU_SCALAR_H
#define TESSERA_KERNELS_CPU_SCALAR_H

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

/* Parts share the tokens, or the rows where there are fewer tokens than parts. */
static inline void tsr__scalar_run(const tsr_spmm_args *args, int part, int parts,
                                   tsr__scalar_dot *dot) {
  const tsr_packed *w = args->weights;
  int by_token = args->n >= parts;
  tsr__span tokens = tsr__part_of(args->n, 1, by_token ? part : 0, by_token ? parts : 1);
  tsr__span rows = tsr__part_of(args->m, 1, by_token ? 0 : part, by_token ? 1 : parts);
  for (int64_t t = tokens.begin; t < tokens.end; t++)
    for (int64_t r = rows.begin; r < rows.end; r++)
      tsr__epilogue_scalar(args, r, t, dot(w, r, args->b + t * args->ldb));
}

/* The row of functions of a scalar kernel; only run differs. */
#define TSR__SCALAR_OPS(run_function)                                               \
  {                                                                                 \
    .refusal = tsr__no_refusal, .prepacked_bytes = tsr__scalar_prepacked_bytes,     \
    .prepack = tsr__scalar_prepack, .workspace_bytes = tsr__scalar_workspace_bytes, \
    .run = run_function, .cost = tsr__scalar_cost                                   \
  }

#endif
