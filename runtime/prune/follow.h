/* Weights that make up for what is pruned before them. */
#ifndef TESSERA_PRUNE_FOLLOW_H
#define TESSERA_PRUNE_FOLLOW_H

#include "runtime/prune/method.h"

/* Where the statistics have a reference R of the input X, the task's weights become the least
 * squares of what they make of R, made of X: W (R^T X + d) (X^T X + d)^-1. A method that then
 * imitates these imitates the unpruned model's layer, since what the least squares leave is
 * orthogonal to X. */
tsr_status tsr__follow_reference(const tsr__prune_task *task);

#endif
