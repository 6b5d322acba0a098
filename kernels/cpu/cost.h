/* The cost terms that kernels of one shape have in common. */
#ifndef TESSERA_KERNELS_CPU_COST_H
#define TESSERA_KERNELS_CPU_COST_H

#include "kernels/kernel.h"

/* What a kernel does with one problem, before it is shared among threads. */
typedef struct tsr__work {
  double elements;     /* stored elements, padding to the kernel's layout included */
  double steps;        /* blocks, groups, elements: what the loop around the FMAs counts */
  double weight_bytes; /* as laid out by prepack */
  int lanes;           /* floats in a vector */
  int tile_n;          /* tokens that are padded to */
} tsr__work;

static inline void tsr__work_cost(const tsr_spmm_problem *problem, const tsr__work *work,
                                  double *cost) {
  int64_t tiles = (problem->n + work->tile_n - 1) / work->tile_n;
  int64_t parts = problem->threads;
  /* With fewer tokens than parts the rows are shared out instead, see tsr__part_of. */
  double share = 1.0 / (double)parts;
  double tile_share =
      problem->n >= parts ? (double)((tiles + parts - 1) / parts) : (double)tiles * share;
  cost[TSR_COST_FMA] = work->elements * tile_share * work->tile_n / work->lanes;
  cost[TSR_COST_STEP] = work->steps * tile_share;
  cost[TSR_COST_WEIGHT_BYTES] = work->weight_bytes * (problem->n >= parts ? 1.0 : share);
  cost[TSR_COST_ACTIVATION_BYTES] =
      4.0 * (double)(problem->k + problem->m) * (double)problem->n * share;
}

#endif
