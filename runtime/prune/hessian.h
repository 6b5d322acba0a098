/* The Gram matrix of a layer's input, made fit to be factorised. */
#ifndef TESSERA_PRUNE_HESSIAN_H
#define TESSERA_PRUNE_HESSIAN_H

#include "runtime/prune/method.h"

/* *out: [cols, cols] doubles, to be freed: the task's Gram matrix divided by its rows, or if it
 * is centred the covariances, with both triangles, 1 on the diagonal of features of no power. */
tsr_status tsr__hessian(const tsr__prune_task *task, double **out);

/* The damping that is used: `share` of the mean diagonal, or what the caller asked for. */
double tsr__damping(const tsr__prune_task *task, double share);

/* Works on a[n, n], both triangles, in place; 0 = it could not. */
typedef int tsr__factorisation(double *a, int64_t n);

/* *out: [cols, cols] doubles, to be freed: what the factorisation makes of h + damping x (mean
 * diagonal) x I. As long as it fails the damping is raised tenfold; task->result tells.
 * TSR_UNSUPPORTED when that does not help. */
tsr_status tsr__factorise(const tsr__prune_task *task, const double *h, double damping,
                          tsr__factorisation *factorise, double **out);

#endif
