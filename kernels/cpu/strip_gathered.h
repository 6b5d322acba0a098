/* Strips of a convolution whose runs of columns reach over several taps, on gathered tokens.
 * Include strip_run.h first. */
#ifndef TESSERA_KERNELS_CPU_STRIP_GATHERED_H
#define TESSERA_KERNELS_CPU_STRIP_GATHERED_H

#include "kernels/cpu/strip_run.h"

enum { GATHERED_TOKENS = 48 }; /* gathered and multiplied together */

/* Not a power of two apart. */
static inline int64_t gathered_ld(int64_t k) { return (k + 15) / 16 * 16 + 16; }

static inline size_t gathered_bytes(int64_t k) {
  return (size_t)(GATHERED_TOKENS * gathered_ld(k)) * sizeof(float);
}

typedef void run_function(const tsr__strips *strips, int64_t first, int64_t last,
                          const tsr_spmm_args *args);

/* x: gathered_bytes, behind the workspace of `run`. */
static void run_gathered(run_function *run, float *x, const tsr__strips *strips, int64_t first,
                         int64_t last, const tsr_spmm_args *args) {
  int64_t groups = (args->n + GATHERED_TOKENS - 1) / GATHERED_TOKENS;
  for (int64_t g = 0; g < groups; g++) {
    tsr__span span = {args->n * g / groups, args->n * (g + 1) / groups};
    tsr_spmm_args group = tsr__args_of_tokens(args, span);
    int64_t ld = gathered_ld(strips->cols);
    tsr__conv_gather_tokens(&group, 0, strips->cols, x, ld);
    group.b = x;
    group.ldb = ld;
    group.conv = NULL;
    run(strips, first, last, &group);
  }
}

#endif
