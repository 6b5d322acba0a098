/* Inputs for tests of floating-point instructions. */
#ifndef GPUSIM_CASES_REALS_H
#define GPUSIM_CASES_REALS_H

#include "tests/gpusim/cases/exact.h"
#include "tests/gpusim/cases/instruction_case.h"

namespace gpusim::cases {

/* Zeros, ones, limits of the normal and subnormal range with their neighbours, infinities, NaNs of
 * several payloads, of both signs; and `random` bit patterns. */
Values special_reals(const RealFormat &format, unsigned random = 4);

/* Pairs or triples that hurt: nearly cancelling sums, products that fall just beside the middle of
 * two numbers, results at the limits of the range. */
std::vector<Values> hard_sums(const RealFormat &format, unsigned count);
std::vector<Values> hard_triples(const RealFormat &format, unsigned count);

/* bits of host numbers */
uint64_t bits_of(float value);
uint64_t bits_of(double value);
float single_of(uint64_t bits);
double double_of(uint64_t bits);

/* [0, 1] with NaN to 0; negative numbers to 0 with NaN kept. */
uint64_t saturated(const RealFormat &format, uint64_t value);
uint64_t rectified(const RealFormat &format, uint64_t value);

}  // namespace gpusim::cases

#endif
