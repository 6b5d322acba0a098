/* What the kernels made of bundles have in common: how their work is shared and counted. */
#ifndef TESSERA_KERNELS_CPU_LANES_OPS_H
#define TESSERA_KERNELS_CPU_LANES_OPS_H

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/parts.h"

typedef void tsr__lanes_function(const tsr__lanes *lanes, int64_t first, int64_t last,
                                 const tsr_spmm_args *args);

static inline void tsr__lanes_part(tsr__lanes_function *run, const tsr_spmm_args *args, int part,
                                   int parts) {
  const tsr__lanes *lanes = args->weights;
  if (tsr__parts_share_tokens(args->n, parts)) {
    tsr_spmm_args mine = tsr__args_of_tokens(args, tsr__part_of(args->n, 1, part, parts));
    run(lanes, 0, lanes->row_blocks, &mine);
  } else {
    tsr__span span = tsr__part_of(lanes->row_blocks, 1, part, parts);
    run(lanes, span.begin, span.end, args);
  }
}

/* max_height: of the format's bundles. */
static inline void tsr__lanes_cost(const tsr_spmm_problem *problem, int max_height, int lanes,
                                   double *cost) {
  int height = max_height == 1 ? 1 : tsr__bundle_height(problem->pattern.block_rows);
  double share = 1.0 / problem->threads;
  int by_token = tsr__parts_share_tokens(problem->n, problem->threads);
  int64_t tokens = by_token ? (problem->n + problem->threads - 1) / problem->threads : problem->n;
  double vecs = (double)((tokens + lanes - 1) / lanes),
         panels = (double)(((int64_t)vecs + TSR__PANEL_VECS - 1) / TSR__PANEL_VECS);
  double elements = (double)problem->stored * (by_token ? 1.0 : share);
  double rows = (double)problem->m * (by_token ? 1.0 : share);
  cost[TSR_COST_FMA] = elements * vecs;
  cost[TSR_COST_STEP] = (elements + rows * (double)tsr__lanes_chunks(problem->k)) / height * panels;
  cost[TSR_COST_WEIGHT_BYTES] = 4.0 * (elements + elements / height);
  cost[TSR_COST_ACTIVATION_BYTES] = 4.0 * ((double)problem->k + rows) * vecs * lanes;
}

/* The functions of one kernel; `source` is the format's, refusal_of the kernel's. */
#define TSR__LANES_KERNEL(name, isa, lanes, max_height, refusal_of)         \
  static void name##_prepack(const tsr_packed *w, void *out) {              \
    tsr__lanes_build(w, &source, TSR__PANEL_VECS *lanes, out);              \
  }                                                                         \
  static size_t name##_prepacked_bytes(const tsr_packed *w) {               \
    return tsr__lanes_bytes(w, &source);                                    \
  }                                                                         \
  static size_t name##_workspace_bytes(const tsr_spmm_problem *problem) {   \
    return tsr__lanes_workspace_bytes(problem->k, TSR__PANEL_VECS * lanes); \
  }                                                                         \
  static void name##_run(const tsr_spmm_args *args, int part, int parts) {  \
    tsr__lanes_part(tsr__lanes_run_##isa, args, part, parts);               \
  }                                                                         \
  static void name##_cost(const tsr_spmm_problem *problem, double *cost) {  \
    tsr__lanes_cost(problem, max_height, lanes, cost);                      \
  }                                                                         \
  const tsr_spmm_ops name##_ops = {refusal_of,     name##_prepacked_bytes,  \
                                   name##_prepack, name##_workspace_bytes,  \
                                   name##_run,     name##_cost};

#endif
