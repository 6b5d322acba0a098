/* What the kernels made of bundles have in common: how their work is shared and counted. */
#ifndef TESSERA_KERNELS_CPU_LANES_OPS_H
#define TESSERA_KERNELS_CPU_LANES_OPS_H

#include "kernels/cpu/conv.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/parts.h"

typedef void tsr__lanes_function(const tsr__lanes *lanes, int64_t first, int64_t last,
                                 const tsr_spmm_args *args);

static inline void tsr__lanes_part(tsr__lanes_function *run, const tsr_spmm_args *args, int part,
                                   int parts) {
  const tsr__lanes *lanes = args->weights;
  if (tsr__parts_share_tokens(args->n, parts)) {
    tsr_spmm_args mine = tsr__args_of_tokens(args, tsr__part_of(args->n, 1, part, parts));
    run(lanes, 0, lanes->units, &mine);
  } else {
    tsr__span span = tsr__part_of(lanes->units, 1, part, parts);
    run(lanes, span.begin, span.end, args);
  }
}

/* max_height: of the format's bundles. */
static inline void tsr__lanes_cost(const tsr_spmm_problem *problem, tsr__lanes_shape shape,
                                   int max_height, int lanes, double *cost) {
  int height = max_height == 1 ? 1 : tsr__bundle_height(problem->pattern.block_rows);
  int by_token = tsr__parts_share_tokens(problem->n, problem->threads);
  int64_t tokens = by_token ? (problem->n + problem->threads - 1) / problem->threads : problem->n;
  double vecs = (double)((tokens + lanes - 1) / lanes),
         panels = (double)((tokens + shape.panel_tokens - 1) / shape.panel_tokens);
  int64_t units = tsr__lanes_units(problem->m);
  /* Of the busiest part, which has whole units. */
  double share = by_token || !units
                     ? 1.0
                     : (double)((units + problem->threads - 1) / problem->threads) / (double)units;
  double elements = (double)problem->stored * share, rows = (double)problem->m * share;
  cost[TSR_COST_FMA] = elements * vecs;
  cost[TSR_COST_STEP] =
      (elements + rows * (double)tsr__lanes_chunks(problem->k, shape)) / height * panels;
  cost[TSR_COST_WEIGHT_BYTES] = elements * (4.0 + 2.0 / height);
  cost[TSR_COST_ACTIVATION_BYTES] = 4.0 * ((double)problem->k + rows) * vecs * lanes;
}

/* The functions of one kernel; `source` is the format's, refusal_of the kernel's. panel_vecs:
 * vectors of tokens in a panel; chunk: columns of one, an expression of a group's width M. */
#define TSR__LANES_KERNEL(name, isa, lanes, panel_vecs, chunk, max_height, refusal_of)   \
  static tsr__lanes_shape name##_shape(int64_t M) {                                      \
    (void)M;                                                                             \
    return (tsr__lanes_shape){panel_vecs * lanes, chunk};                                \
  }                                                                                      \
  static void name##_prepack(const tsr_packed *w, void *out) {                           \
    tsr__lanes_build(w, &source, name##_shape(w->m), out);                               \
  }                                                                                      \
  static size_t name##_prepacked_bytes(const tsr_packed *w) {                            \
    return tsr__lanes_bytes(w, &source, name##_shape(w->m));                             \
  }                                                                                      \
  static size_t name##_workspace_bytes(const tsr_spmm_problem *problem) {                \
    return tsr__lanes_workspace_bytes(problem->m, tsr__conv_of(problem) != NULL,         \
                                      name##_shape(problem->pattern.m));                 \
  }                                                                                      \
  static void name##_run(const tsr_spmm_args *args, int part, int parts) {               \
    tsr__lanes_part(tsr__lanes_run_##isa, args, part, parts);                            \
  }                                                                                      \
  static void name##_cost(const tsr_spmm_problem *problem, double *cost) {               \
    tsr__lanes_cost(problem, name##_shape(problem->pattern.m), max_height, lanes, cost); \
  }                                                                                      \
  const tsr_spmm_ops name##_ops = {refusal_of,     name##_prepacked_bytes,               \
                                   name##_prepack, name##_workspace_bytes,               \
                                   name##_run,     name##_cost};

#endif
