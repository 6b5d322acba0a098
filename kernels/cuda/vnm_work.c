/* What the V:N:M kernels do: from the weights themselves, or expected of random columns. */
#include <math.h>

#include "kernels/cuda/fragments.h"
#include "kernels/cuda/vnm_host.h"
#include "kernels/cuda/vnm_step.h"

enum { SLOTS_MAX = TSR__VNM_SETS_MAX * TSR_CUDA_VNM_DEPTH };

/* Warp instructions in the PTX that nvcc makes of tile/vnm.cuh, beside products, fitted to the
 * simulator's counts: of a step; of an operand of ldmatrix; of 512 bytes of a slot, and of that to
 * find its row in tile/fold.cuh. */
static const double step_instructions = 90.0, operand_instructions = 1.3, slot_instructions = 9.4,
                    fold_instructions = 16.4;

static double ceil_div(double a, double b) { return ceil(a / b); }

/* Slots of all CTAs that share tokens; read: those that hold a row of B, and not zeros. */
typedef struct slot_count {
  double used, read;
} slot_count;

static slot_count count_slots(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w,
                              const tsr__vnm_shape *s) {
  slot_count slots = {0.0, 0.0};
  int32_t rows[SLOTS_MAX];
  uint16_t lists[SLOTS_MAX];
  int64_t steps = tsr__vnm_steps(w->cols, w->m);
  for (int64_t row = 0; row < w->rows; row += kernel->tile_m)
    for (int64_t step = 0; step < steps; step++) {
      slots.used += tsr__vnm_route(s, w, row, step, rows, lists);
      for (int slot = 0; slot < s->slots; slot++) slots.read += rows[slot] >= 0;
    }
  return slots;
}

/* A column is in each panel with probability 4 / M. Panels beyond the second add what the first two
 * leave, and about as much again where keys collide. The last step may be full of zeros. */
static slot_count expect_slots(const tsr_spmm_problem *p, const tsr__vnm_shape *s, double tiles) {
  double panels = fmax(1.0, (double)s->set_rows * s->sets / fmax(1, p->pattern.v));
  double kept = 4.0 / fmax(4, p->pattern.m), columns = TSR_CUDA_VNM_DEPTH / kept;
  double pair = columns * (1.0 - pow(1.0 - kept, fmin(panels, 2.0)));
  double all = columns * (1.0 - pow(1.0 - kept, panels));
  double of_step =
      fmin(pair * fmax(1.0, panels / 2.0), all + (panels > 2.0 ? (all - pair) / 2 : 0));
  double filled = ceil_div((double)p->k, p->pattern.m) * 4.0 / TSR_CUDA_VNM_DEPTH;
  double steps = (double)tsr__vnm_steps(p->k, p->pattern.m);
  return (slot_count){tiles * steps * of_step, tiles * filled * of_step};
}

/* The share of B's rows that any panel keeps, under any tap. Where there is a stride, the taps that
 * meet a row of an image are those that are as far from a multiple of it. */
static double touched(const tsr_spmm_problem *p) {
  double panels = ceil_div((double)p->m, fmax(1, p->pattern.v));
  double missed = 1.0 - 4.0 / fmax(4, p->pattern.m), sum = 0.0;
  const tsr_conv_shape *c = &p->conv;
  if (!c->channels) return 1.0 - pow(missed, panels);
  for (int32_t rest = 0; rest < c->stride[0]; rest++) {
    double taps = 0.0;
    for (int32_t row = 0; row < c->kernel[0]; row++)
      taps += row * c->dilation[0] % c->stride[0] == rest ? c->kernel[1] : 0;
    sum += 1.0 - pow(missed, panels * taps);
  }
  return sum / c->stride[0];
}

/* B as the kernel finds it: transposed, or folded. */
typedef struct activations {
  double tokens, moved;     /* moved: elements */
  double slot_instructions; /* that it takes to find a row, of 512 bytes */
  double surplus_bytes;     /* of sectors that a slot's tokens use in part */
} activations;

/* What sectors of 32 bytes are read for nothing on each run of a line's chunks of 16: one where a
 * run of even length begins in the middle of one, as taps do that are shifted by an odd number;
 * half of one where lengths are odd; and beside each chunk half of one where there is a stride. */
static double surplus_of_run(const tsr_conv_shape *s) {
  int64_t width = tsr_conv_output_size(s, 1), odd = 0;
  if (s->stride[1] > 1) return 16.0 * (double)width;
  if (width % 2) return 16.0;
  for (int32_t tap = 0; tap < s->kernel[1]; tap++) odd += tap * s->dilation[1] % 2;
  return 32.0 * (double)odd / s->kernel[1];
}

static activations activations_of(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *p) {
  activations b = {.tokens = (double)p->n, .moved = (double)p->n * (double)p->k};
  if (!p->conv.channels) return b;
  b.tokens = (double)tsr__cuda_problem_tokens(kernel, p);
  b.moved = tsr__cuda_folded(p);
  b.slot_instructions = fold_instructions;
  double lines = b.tokens / 8.0 / (double)tsr_conv_output_size(&p->conv, 1);
  double cuts = p->conv.stride[1] > 1 ? 0.0 : ceil_div(b.tokens, kernel->tile_n);
  b.surplus_bytes = surplus_of_run(&p->conv) * (lines + cuts);
  return b;
}

void tsr__vnm_work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                   int32_t splits, tsr_cuda_work *work) {
  tsr__vnm_shape s = tsr__vnm_shape_of(kernel);
  if (problem->m < 1 || problem->k < 1 || problem->n < 1 || problem->pattern.m < 1) return;
  activations b = activations_of(kernel, problem);
  double n = b.tokens, columns_n = ceil_div(n, kernel->tile_n);
  double tiles = ceil_div((double)problem->m, kernel->tile_m), line = TSR__CUDA_WAVEFRONT_BYTES;
  double steps = tiles * (double)tsr__vnm_steps(problem->k, problem->pattern.m);
  slot_count slots =
      problem->weight ? count_slots(kernel, problem->weight, &s) : expect_slots(problem, &s, tiles);
  double warps = kernel->threads / 32.0, fragments = kernel->tile_m / 16.0;
  double warp_tiles = fragments * kernel->tile_n / 8.0 / warps, of_set = s.set_rows / 16.0;
  double operands = warp_tiles / of_set; /* of ldmatrix, for each warp and step */
  double read = operands * 4.0 + of_set * 4.5 + 1.0;
  double record = (double)s.record_bytes, words = 4.0 * s.slots * (s.passes > 4 ? 2 : 1);

  work->wavefronts =
      columns_n * (slots.used * s.slot_bytes / line + steps * (record / line + warps * read));
  work->tensor_clocks = columns_n * steps * warps * warp_tiles * TSR__CUDA_MMA_CLOCKS;
  work->instructions =
      columns_n *
      (steps * warps * (step_instructions + warp_tiles + operands * operand_instructions) +
       slots.used * s.slot_bytes / 512.0 * (slot_instructions + b.slot_instructions));
  work->l2_bytes = slots.read * (2.0 * n + b.surplus_bytes) + columns_n * steps * (record + words);
  work->dram_bytes = steps * (record + 4.0 * s.slots) + 2.0 * b.moved * touched(problem);
  work->ctas = tiles * columns_n * splits;
  work->moves = 1;
  work->moved_bytes = 2.0 * (tsr__cuda_activations(problem) + b.moved); /* read and written */
  tsr__cuda_add_epilogue(kernel, problem, splits, work);
  /* Places of tokens are looked up by warps, for 32 sums of a part or 256 of C. */
  if (problem->conv.channels)
    work->wavefronts +=
        (double)problem->m * (double)problem->n * splits / (splits > 1 ? 32.0 : 256.0);
}
