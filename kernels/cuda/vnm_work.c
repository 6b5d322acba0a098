/* What the V:N:M kernels do: from the weights themselves, or expected of random columns. */
#include <math.h>

#include "kernels/cuda/fragments.h"
#include "kernels/cuda/vnm_host.h"
#include "kernels/cuda/vnm_step.h"

enum { SLOTS_MAX = TSR__VNM_SETS_MAX * TSR_CUDA_VNM_DEPTH };

/* Warp instructions in the PTX that nvcc makes of tile/vnm.cuh, beside products, fitted to the
 * simulator's counts: of a step; of an operand of ldmatrix; of 512 bytes of a slot. */
static const double step_instructions = 90.0, operand_instructions = 1.3, slot_instructions = 9.4;

static double ceil_div(double a, double b) { return ceil(a / b); }

/* Slots of all CTAs that share tokens. */
static double count_slots(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w,
                          const tsr__vnm_shape *s) {
  double slots = 0.0;
  int32_t rows[SLOTS_MAX];
  uint16_t lists[SLOTS_MAX];
  int64_t steps = tsr__vnm_steps(w->cols, w->m);
  for (int64_t row = 0; row < w->rows; row += kernel->tile_m)
    for (int64_t step = 0; step < steps; step++)
      slots += tsr__vnm_route(s, w, row, step, rows, lists);
  return slots;
}

/* A column is in each panel with probability 4 / M. Panels beyond the second add what the first two
 * leave, and about as much again where keys collide. */
static double expect_slots(const tsr_spmm_problem *p, const tsr__vnm_shape *s, double all_steps) {
  double panels = fmax(1.0, (double)s->set_rows * s->sets / fmax(1, p->pattern.v));
  double kept = 4.0 / fmax(4, p->pattern.m), columns = TSR_CUDA_VNM_DEPTH / kept;
  double pair = columns * (1.0 - pow(1.0 - kept, fmin(panels, 2.0)));
  double all = columns * (1.0 - pow(1.0 - kept, panels));
  return all_steps *
         fmin(pair * fmax(1.0, panels / 2.0), all + (panels > 2.0 ? (all - pair) / 2 : 0));
}

/* The share of B's rows that any panel keeps. */
static double touched(const tsr_spmm_problem *p) {
  double panels = ceil_div((double)p->m, fmax(1, p->pattern.v));
  return 1.0 - pow(1.0 - 4.0 / fmax(4, p->pattern.m), panels);
}

void tsr__vnm_work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                   int32_t splits, tsr_cuda_work *work) {
  tsr__vnm_shape s = tsr__vnm_shape_of(kernel);
  double n = (double)problem->n, columns_n = ceil_div(n, kernel->tile_n);
  if (problem->m < 1 || problem->k < 1 || problem->n < 1 || problem->pattern.m < 1) return;
  double tiles = ceil_div((double)problem->m, kernel->tile_m), line = TSR__CUDA_WAVEFRONT_BYTES;
  double steps = tiles * (double)tsr__vnm_steps(problem->k, problem->pattern.m);
  double slots =
      problem->weight ? count_slots(kernel, problem->weight, &s) : expect_slots(problem, &s, steps);
  double warps = kernel->threads / 32.0, fragments = kernel->tile_m / 16.0;
  double warp_tiles = fragments * kernel->tile_n / 8.0 / warps, of_set = s.set_rows / 16.0;
  double operands = warp_tiles / of_set; /* of ldmatrix, for each warp and step */
  double read = operands * 4.0 + of_set * 4.5 + 1.0;
  double record = (double)s.record_bytes, words = 4.0 * s.slots * (s.passes > 4 ? 2 : 1);

  work->wavefronts =
      columns_n * (slots * s.slot_bytes / line + steps * (record / line + warps * read));
  work->tensor_clocks = columns_n * steps * warps * warp_tiles * TSR__CUDA_MMA_CLOCKS;
  work->instructions =
      columns_n *
      (steps * warps * (step_instructions + warp_tiles + operands * operand_instructions) +
       slots * s.slot_bytes / 512.0 * slot_instructions);
  work->l2_bytes = slots * 2.0 * n + columns_n * steps * (record + words);
  work->dram_bytes =
      steps * (record + 4.0 * s.slots) + 2.0 * n * (double)problem->k * touched(problem);
  work->ctas = tiles * columns_n * splits;
  work->moves = 1;
  work->moved_bytes = 4.0 * n * (double)problem->k; /* the transposition reads and writes */
  tsr__cuda_add_epilogue(kernel, problem, splits, work);
}
