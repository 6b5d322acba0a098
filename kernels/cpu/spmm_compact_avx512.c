#include "kernels/cpu/vec_avx512.h"
/* vec_avx512.h comes first: the bodies are written in its operations. */
#include "kernels/cpu/compact_run.h"

enum { STRIP_ROWS = 32, TILE_TOKENS = 14 };

static const tsr__strip_shape shape = {STRIP_ROWS, 1};

static size_t prepacked_bytes(const tsr_packed *w) { return tsr__compact_bytes(w, shape); }

static void prepack(const tsr_packed *w, void *out) { tsr__compact_prepack(w, shape, out); }

static size_t workspace_bytes(const tsr_spmm_problem *problem) {
  return tsr__strips_workspace_avx512(problem->k, tsr__conv_of(problem), shape) +
         compact_floats(problem->m, problem->k, NULL, NULL) * sizeof(float);
}

static void run(const tsr_spmm_args *args, int part, int parts) {
  const tsr__compact *w = args->weights;
  size_t strips_bytes = tsr__strips_workspace_avx512(w->cols, args->conv, shape);
  compact_run(tsr__strips_run_avx512, strips_bytes, args, part, parts);
}

static void cost(const tsr_spmm_problem *problem, double *terms) {
  tsr__strips_cost(problem, (double)problem->stored, STRIP_ROWS, TSR__LANES, TILE_TOKENS, terms);
}

const tsr_spmm_ops tsr_f32_compact_spmm_32x14__avx512_ops = {
    tsr__no_refusal, prepacked_bytes, prepack, workspace_bytes, run, cost};
