/* The cost model: predicted time = sum of coefficient x term, the terms of kernels/kernel.h. */
#ifndef TESSERA_PLAN_COST_H
#define TESSERA_PLAN_COST_H

#include "kernels/kernel.h"

/* terms: [TSR_COST_TERMS], of the problem as the kernel sees it. */
void tsr__cost_terms(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem, double *terms);

/* Microseconds per unit of each term, [TSR_COST_TERMS], for a kernel that was never measured. */
const double *tsr__cost_builtin(const tsr_spmm_kernel *kernel);

#endif
