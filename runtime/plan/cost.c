#include "runtime/plan/cost.h"

#include <string.h>

#include "runtime/plan/registry.h"
#include "runtime/plan/tuning.h"

/* Rounded from measurements on a 2.3 GHz Sapphire Rapids; `tessera tune` replaces them. */
static const double builtin[TSR_ISA_COUNT][TSR_COST_TERMS] = {
    [TSR_ISA_SCALAR] = {[TSR_COST_CALL] = 0.1,
                        [TSR_COST_FMA] = 1.2e-3,
                        [TSR_COST_STEP] = 3e-3,
                        [TSR_COST_WEIGHT_BYTES] = 5e-5,
                        [TSR_COST_ACTIVATION_BYTES] = 1e-4},
    [TSR_ISA_AVX2] = {[TSR_COST_CALL] = 0.2,
                      [TSR_COST_FMA] = 1.8e-4,
                      [TSR_COST_STEP] = 1.5e-3,
                      [TSR_COST_WEIGHT_BYTES] = 2e-5,
                      [TSR_COST_ACTIVATION_BYTES] = 5e-5},
    [TSR_ISA_AVX512] = {[TSR_COST_CALL] = 0.2,
                        [TSR_COST_FMA] = 1.8e-4,
                        [TSR_COST_STEP] = 1.5e-3,
                        [TSR_COST_WEIGHT_BYTES] = 2e-5,
                        [TSR_COST_ACTIVATION_BYTES] = 5e-5},
};

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
}

double tsr_predicted_us(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                        const tsr_tuning *tuning) {
  if (!kernel || !problem || problem->threads < 1) return 0.0;
  const double *coefficients = tsr__tuning_find(tuning, kernel);
  if (!coefficients) coefficients = tsr__cost_builtin(kernel);
  double terms[TSR_COST_TERMS], us = fork_us * (problem->threads - 1);
  tsr__cost_terms(kernel, problem, terms);
  for (int i = 0; i < TSR_COST_TERMS; i++) us += coefficients[i] * terms[i];
  return us;
}
