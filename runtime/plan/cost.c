#include "runtime/plan/cost.h"

#include <math.h>
#include <string.h>

#include "runtime/plan/registry.h"
#include "runtime/plan/tuning.h"

/* Rounded from measurements on a 2.3 GHz Sapphire Rapids; `tessera tune` replaces them. */
static const double builtin[TSR_ISA_CPU_COUNT][TSR_COST_TERMS] = {
    [TSR_ISA_SCALAR] = {[TSR_COST_CALL] = 0.1,
                        [TSR_COST_FMA] = 8e-4,
                        [TSR_COST_STEP] = 2e-3,
                        [TSR_COST_WEIGHT_BYTES] = 1e-5,
                        [TSR_COST_FAR_BYTES] = 3e-5,
                        [TSR_COST_ACTIVATION_BYTES] = 1e-4},
    [TSR_ISA_AVX2] = {[TSR_COST_CALL] = 0.1,
                      [TSR_COST_FMA] = 1.5e-4,
                      [TSR_COST_STEP] = 5e-4,
                      [TSR_COST_WEIGHT_BYTES] = 2e-6,
                      [TSR_COST_FAR_BYTES] = 3e-5,
                      [TSR_COST_ACTIVATION_BYTES] = 1.5e-5},
    [TSR_ISA_AVX512] = {[TSR_COST_CALL] = 0.1,
                        [TSR_COST_FMA] = 1.7e-4,
                        [TSR_COST_STEP] = 6e-4,
                        [TSR_COST_WEIGHT_BYTES] = 2e-6,
                        [TSR_COST_FAR_BYTES] = 3e-5,
                        [TSR_COST_ACTIVATION_BYTES] = 1.5e-5},
};

/* Weights up to this size are served from a core's own cache, larger ones from a shared cache or
 * from memory: the L2 of common x86 cores has 1 to 2 MB, some of which activations take. */
static const double near_bytes = 1 << 20;

/* Waking and joining one more thread. It is the same for every kernel, so it is no term to fit: on
 * a busy machine, where threads wait for a core, each kernel would get another price for it. */
static const double fork_us = 2.0;

const double *tsr__cost_builtin(const tsr_spmm_kernel *kernel) { return builtin[kernel->isa]; }

void tsr__cost_terms(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                     double *terms) {
  memset(terms, 0, TSR_COST_TERMS * sizeof *terms);
  tsr_spmm_problem seen = tsr__problem_for(kernel, problem);
  kernel->ops->cost(&seen, terms);
  terms[TSR_COST_CALL] = 1.0;
  terms[TSR_COST_FAR_BYTES] = fmax(0.0, terms[TSR_COST_WEIGHT_BYTES] - near_bytes);
}

double tsr_predicted_us(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                        const tsr_tuning *tuning) {
  if (!kernel || !problem || problem->threads < 1) return 0.0;
  if (kernel->backend == TSR_BACKEND_CUDA) {
    tsr_spmm_problem seen = tsr__problem_for(kernel, problem);
    return tsr__cuda_spmm_bound_us(tsr__spmm_kernel_cuda(kernel), &seen);
  }
  const double *coefficients = tsr__tuning_find(tuning, kernel);
  if (!coefficients) coefficients = tsr__cost_builtin(kernel);
  double terms[TSR_COST_TERMS], us = fork_us * (problem->threads - 1);
  tsr__cost_terms(kernel, problem, terms);
  for (int i = 0; i < TSR_COST_TERMS; i++) us += coefficients[i] * terms[i];
  return us;
}
