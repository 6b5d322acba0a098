/* Elementary functions in double, better than f32 needs, as plain code that vectorises. Series are
 * Taylor's: their remainders are below 2^-48 of the result. */
#ifndef GPUSIM_EXEC_ELEMENTARY_H
#define GPUSIM_EXEC_ELEMENTARY_H

#include <cmath>
#include <cstdint>

#include "tests/gpusim/exec/half.h"

namespace gpusim {

constexpr double kLn2 = 0.69314718055994530942;
constexpr double kLog2E = 1.4426950408889634074;
/* pi/2 in two doubles. */
constexpr double kHalfPi = 1.57079632679489655800;
constexpr double kHalfPiRest = 6.12323399573676603587e-17;
/* Beyond it the reduction by pi/2 would need more bits. */
constexpr double kLargestAngle = 0x1p20;

/* 2^x. */
inline double exp2_of(double x) {
  double clamped = x > -1000.0 ? x : -1000.0; /* NaN too; put back below */
  clamped = clamped < 1000.0 ? clamped : 1000.0;
  const double whole = std::nearbyint(clamped);
  const double t = (clamped - whole) * kLn2;
  double sum = 1.0 / 479001600.0;
  constexpr double kInverseFactorials[] = {
      1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0,
      1.0 / 120.0,      1.0 / 24.0,      1.0 / 6.0,      1.0 / 2.0,     1.0,          1.0};
  for (const double coefficient : kInverseFactorials) sum = sum * t + coefficient;
  const uint64_t exponent = static_cast<uint64_t>(1023 + static_cast<int32_t>(whole));
  const double result = sum * bit_cast<double>(exponent << 52);
  return x != x ? x : result;
}

/* log2(x) of an x that is zero, infinite, NaN, or a double in f32's range. */
inline double log2_of(double x) {
  const uint64_t bits = bit_cast<uint64_t>(x);
  const uint64_t fraction = bits & (F64::kSmallestNormal - 1);
  const double mantissa = bit_cast<double>(fraction | bit_cast<uint64_t>(1.0));
  const bool high = mantissa > 1.41421356237309504880;
  const double m = high ? mantissa * 0.5 : mantissa;
  const int32_t exponent = static_cast<int32_t>((bits & F64::kMagnitude) >> 52) - 1023;
  const double whole = static_cast<double>(exponent + (high ? 1 : 0));
  const double s = (m - 1.0) / (m + 1.0);
  const double square = s * s;
  double sum = 1.0 / 19.0;
  constexpr double kOdds[] = {17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0};
  for (const double odd : kOdds) sum = sum * square + 1.0 / odd;
  double result = whole + 2.0 * kLog2E * s * sum;
  result = x == HUGE_VAL ? x : result;
  result = x == 0.0 ? -HUGE_VAL : result;
  return x >= 0.0 ? result : std::nan("");
}

/* sin(x) for quarter 0, cos(x) for quarter 1; |x| <= kLargestAngle. */
inline double sin_of(double x, int32_t quarter) {
  const double turns = std::nearbyint(x * (1.0 / kHalfPi));
  const double reduced = std::fma(-turns, kHalfPiRest, std::fma(-turns, kHalfPi, x));
  const double r = turns == 0.0 ? x : reduced; /* keeps -0 */
  const double square = r * r;
  double sine = -1.0 / 1307674368000.0;
  constexpr double kSine[] = {1.0 / 6227020800.0, -1.0 / 39916800.0, 1.0 / 362880.0,
                              -1.0 / 5040.0,      1.0 / 120.0,       -1.0 / 6.0};
  for (const double coefficient : kSine) sine = sine * square + coefficient;
  sine = r * (1.0 + square * sine);
  double cosine = 1.0 / 20922789888000.0;
  constexpr double kCosine[] = {
      -1.0 / 87178291200.0, 1.0 / 479001600.0, -1.0 / 3628800.0, 1.0 / 40320.0,
      -1.0 / 720.0,         1.0 / 24.0,        -1.0 / 2.0,       1.0};
  for (const double coefficient : kCosine) cosine = cosine * square + coefficient;
  const int32_t part = static_cast<int32_t>(turns) + quarter;
  const double value = (part & 1) != 0 ? cosine : sine;
  return (part & 2) != 0 ? -value : value;
}

inline double tanh_of(double x) {
  const double clamped = x < 30.0 ? (x > -30.0 ? x : -30.0) : 30.0;
  const double far = 1.0 - 2.0 / (exp2_of(2.0 * kLog2E * clamped) + 1.0);
  const double near = x * (1.0 - x * x * (1.0 / 3.0));
  const double result = std::fabs(x) < 0x1p-12 ? near : far;
  return x != x ? x : result;
}

}  // namespace gpusim

#endif
