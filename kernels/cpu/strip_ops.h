/* What the kernels made of strips have in common: how their work is shared, counted and limited.
 * A kernel binds these to its format, ISA and strip height. */
#ifndef TESSERA_KERNELS_CPU_STRIP_OPS_H
#define TESSERA_KERNELS_CPU_STRIP_OPS_H

#include "kernels/cpu/conv.h"
#include "kernels/cpu/parts.h"
#include "kernels/cpu/strip.h"

typedef void tsr__strips_run(const tsr__strips *strips, int64_t first, int64_t last,
                             const tsr_spmm_args *args);

static inline void tsr__strips_part(tsr__strips_run *run, const tsr__strips *strips,
                                    const tsr_spmm_args *args, int part, int parts) {
  if (tsr__parts_share_tokens(args->n, parts)) {
    tsr_spmm_args mine = tsr__args_of_tokens(args, tsr__part_of(args->n, 1, part, parts));
    run(strips, 0, strips->strip_count, &mine);
  } else if (args->n > 0) {
    tsr__span span = tsr__part_of(strips->strip_count, 1, part, parts);
    run(strips, span.begin, span.end, args);
  }
}

/* elements: stored, padding to whole strips included. */
static inline void tsr__strips_cost(const tsr_spmm_problem *problem, double elements,
                                    int strip_rows, int lanes, int tile_tokens, double *cost) {
  double share = 1.0 / problem->threads;
  int by_token = tsr__parts_share_tokens(problem->n, problem->threads);
  double tokens = (double)problem->n * (by_token ? share : 1.0);
  double panels = (double)(((int64_t)tokens + tile_tokens - 1) / tile_tokens);
  double mine = elements * (by_token ? 1.0 : share);
  cost[TSR_COST_FMA] = mine * tokens / lanes;
  cost[TSR_COST_STEP] = mine / strip_rows * panels;
  cost[TSR_COST_WEIGHT_BYTES] = 4.0 * mine;
  cost[TSR_COST_ACTIVATION_BYTES] = 4.0 * (double)(problem->k + problem->m) * tokens;
}

/* The functions of one kernel. strip_count(w), pieces(w, ...) and elements(problem) are the
 * format's. side: columns that lie side by side; cost_of: tsr__strips_cost, or what adds to it. */
#define TSR__STRIP_KERNEL(name, isa, strip_height, side, lanes, tile_tokens, cost_of, refusal_of) \
  static const tsr__strip_shape name##_shape = {strip_height, side};                              \
  static size_t name##_prepacked_bytes(const tsr_packed *w) {                                     \
    return tsr__strips_bytes(w, strip_count(w, strip_height), name##_shape, pieces);              \
  }                                                                                               \
  static void name##_prepack(const tsr_packed *w, void *out) {                                    \
    tsr__strips_build(w, w->rows, w->cols, strip_count(w, strip_height), name##_shape, pieces,    \
                      out);                                                                       \
  }                                                                                               \
  static size_t name##_workspace_bytes(const tsr_spmm_problem *problem) {                         \
    return tsr__strips_workspace_##isa(problem->k, tsr__conv_of(problem), name##_shape);          \
  }                                                                                               \
  static void name##_run(const tsr_spmm_args *args, int part, int parts) {                        \
    tsr__strips_part(tsr__strips_run_##isa, args->weights, args, part, parts);                    \
  }                                                                                               \
  static void name##_cost(const tsr_spmm_problem *problem, double *cost) {                        \
    cost_of(problem, elements(problem, strip_height), strip_height, lanes, tile_tokens, cost);    \
  }                                                                                               \
  const tsr_spmm_ops name##_ops = {refusal_of,     name##_prepacked_bytes,                        \
                                   name##_prepack, name##_workspace_bytes,                        \
                                   name##_run,     name##_cost};

#endif
