/* Statistics of results. */
#ifndef TESSERA_EVALUATE_STATISTICS_H
#define TESSERA_EVALUATE_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/status.h"

/* The 95 % interval of Wilson (1927) around hits / of, 0 <= hits <= of; 0..1 if of is 0. */
void tsr__wilson(int64_t hits, int64_t of, double *low, double *high);

/* Spearman's rank correlation: Pearson's of the ranks, equal values sharing their mean rank. 0
 * where one side is constant. TSR_INVALID_ARGUMENT if a value is NaN. */
tsr_status tsr__spearman(const double *a, const double *b, size_t count, double *out);

/* The scalar product of two vectors, in double. */
double tsr__dot(const float *a, const float *b, int64_t width);

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t tsr__split_mix(uint64_t *state);

#endif
