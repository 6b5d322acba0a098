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

/* Every special pair, or triple of the most special, and `hard` that hurt. */
std::vector<Values> real_pairs(const RealFormat &format, unsigned hard);
std::vector<Values> real_triples(const RealFormat &format, unsigned hard);

/* Formats of a result and of its sources, which the text calls %d, %a, %b, %c. */
struct RealCase {
  std::string text;
  const RealFormat &target;
  std::vector<const RealFormat *> sources;
  unsigned sm = 80;
};

/* Every row's result; for f64 any NaN will do. */
void expect_reals(const RealCase &test, const std::vector<Values> &inputs,
                  const std::function<uint64_t(const Values &in)> &formula);

/* The same for a text with .f16x2 or .bf16x2 registers throughout: the rows are dealt out to low
 * and high halves. */
void expect_pairs(const RealCase &test, const std::vector<Values> &inputs,
                  const std::function<uint64_t(const Values &in)> &formula);

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
