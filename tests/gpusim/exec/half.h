/* Bit patterns of PTX's floating-point formats, and conversions between the narrow ones and f32.
 *
 * Everything here is branch-free or branches on template parameters only, so that loops over lanes
 * vectorise.
 */
#ifndef GPUSIM_EXEC_HALF_H
#define GPUSIM_EXEC_HALF_H

#include <cstdint>
#include <cstring>

#include "tests/gpusim/exec/rounding.h"

namespace gpusim {

template <class To, class From>
inline To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "a bit pattern keeps its size");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

/* B: an unsigned integer as wide as the format; fraction: explicit bits of the significand. */
template <class B, class N, unsigned fraction>
struct FormatOf {
  using Bits = B;
  using Native = N; /* host type of the same values; the bits where the host has none */
  static constexpr unsigned kFraction = fraction;
  static constexpr Bits kSign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
  static constexpr Bits kMagnitude = static_cast<Bits>(kSign - 1);
  static constexpr Bits kInfinity = static_cast<Bits>(kMagnitude >> fraction << fraction);
  static constexpr Bits kLargest = static_cast<Bits>(kInfinity - 1);
  static constexpr Bits kSmallestNormal = static_cast<Bits>(Bits{1} << fraction);
  static constexpr int kBias = static_cast<int>(kInfinity >> (fraction + 1));
  /* PTX ISA 9.7.3 and 9.7.4: single and half precision results are NaN 0x7fffffff and 0x7fff;
   * double precision leaves the payload open. */
  static constexpr Bits kNan =
      sizeof(Bits) == 8 ? static_cast<Bits>(kInfinity | kSmallestNormal >> 1) : kMagnitude;
};

struct F16 : FormatOf<uint16_t, uint16_t, 10> {
  using Wide = float; /* holds every product of two exactly */
};
struct BF16 : FormatOf<uint16_t, uint16_t, 7> {
  using Wide = double;
};
struct F32 : FormatOf<uint32_t, float, 23> {};
struct F64 : FormatOf<uint64_t, double, 52> {};

template <class Format>
inline bool is_nan(typename Format::Bits bits) {
  return (bits & Format::kMagnitude) > Format::kInfinity;
}

/* Subnormal numbers become zeros of the same sign. */
template <class Format>
inline typename Format::Bits flush(typename Format::Bits bits) {
  using Bits = typename Format::Bits;
  const Bits sign = bits & Format::kSign;
  return (bits & Format::kInfinity) == 0 ? sign : bits;
}

inline float flush(float value) { return bit_cast<float>(flush<F32>(bit_cast<uint32_t>(value))); }

/* Every NaN becomes 0x7fffffff; doubles keep theirs. */
inline float canonical(float value) { return value != value ? bit_cast<float>(F32::kNan) : value; }
inline double canonical(double value) { return value; }

/* Clamps. Comparisons with NaN are false. */
template <class T>
inline T saturate(T value) { /* [0, 1], NaN gives +0 */
  const T low = value > T(0) ? value : T(0);
  return low < T(1) ? low : T(1);
}

inline float to_float(F16, uint16_t bits) {
  const uint32_t magnitude = bits & F16::kMagnitude;
  const uint32_t sign = static_cast<uint32_t>(bits & F16::kSign) << 16;
  const float small = static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f;
  uint32_t wide = (magnitude << 13) + ((127u - 15u) << 23);
  wide = magnitude >= F16::kInfinity ? F32::kInfinity : wide;
  wide = magnitude > F16::kInfinity ? F32::kNan : wide;
  wide = magnitude < F16::kSmallestNormal ? bit_cast<uint32_t>(small) : wide;
  return bit_cast<float>(wide | sign);
}

inline float to_float(BF16, uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  return bit_cast<float>(is_nan<BF16>(bits) ? F32::kNan : wide);
}

template <Rounding kRounding>
inline uint16_t from_float(F16, float value) {
  const uint32_t bits = bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & F32::kMagnitude;
  const bool negative = (bits & F32::kSign) != 0;
  const uint32_t exponent = magnitude >> 23;
  /* Normal results: the fraction loses 13 bits, the exponent its different bias. */
  const uint32_t bias = rounding_bias<kRounding>(magnitude, 13, negative);
  const uint32_t rebased = magnitude - ((127u - 15u) << 23);
  const uint32_t normal = (rebased + bias) >> 13;
  /* Subnormal ones: in units of 2^-24. Below 2^-25 only the directed roundings need to see that
   * something is there. */
  const uint32_t significand = exponent == 0 ? magnitude : (magnitude & 0x7fffffu) | 0x800000u;
  const uint32_t shift = exponent < 101 ? 25u : exponent > 112 ? 14u : 126u - exponent;
  const uint32_t small =
      (significand + rounding_bias<kRounding>(significand, shift, negative)) >> shift;
  const uint32_t limit =
      overflows_to_infinity<kRounding>(negative) ? F16::kInfinity : F16::kLargest;
  uint32_t result = exponent < 113 ? small : normal < limit ? normal : limit;
  result = magnitude == F32::kInfinity ? F16::kInfinity : result;
  result |= (bits & F32::kSign) >> 16;
  return static_cast<uint16_t>(magnitude > F32::kInfinity ? F16::kNan : result);
}

template <Rounding kRounding>
inline uint16_t from_float(BF16, float value) {
  const uint32_t bits = bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & F32::kMagnitude;
  const bool negative = (bits & F32::kSign) != 0;
  const uint32_t bias = rounding_bias<kRounding>(magnitude, 16, negative);
  const uint32_t result = ((magnitude + bias) >> 16) | ((bits & F32::kSign) >> 16);
  return static_cast<uint16_t>(magnitude > F32::kInfinity ? BF16::kNan : result);
}

/* tf32 is an f32 whose low 13 bits are zero. */
template <Rounding kRounding>
inline uint32_t tf32_from_float(float value) {
  const uint32_t bits = bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & F32::kMagnitude;
  const bool negative = (bits & F32::kSign) != 0;
  const uint32_t bias = rounding_bias<kRounding>(magnitude, 13, negative);
  const uint32_t result = ((magnitude + bias) & ~0x1fffu) | (bits & F32::kSign);
  return magnitude > F32::kInfinity ? F32::kNan : result;
}

/* Rounding to odd: the neighbour of an inexact value whose last bit is one. A later rounding to at
 * least two bits fewer then gives what rounding the exact value gives. `rest` is what the nearest
 * value lacks; it is NaN where that is infinite or NaN. */
inline float round_to_odd(float nearest, bool above, bool below) {
  const uint32_t bits = bit_cast<uint32_t>(nearest);
  const bool grows = ((bits & F32::kSign) == 0) == above;
  const uint32_t odd = grows ? bits + 1 : bits - 1;
  return bit_cast<float>((bits & 1) == 0 && (above || below) ? odd : bits);
}

inline double round_to_odd(double nearest, bool above, bool below) {
  const uint64_t bits = bit_cast<uint64_t>(nearest);
  const bool grows = ((bits & F64::kSign) == 0) == above;
  const uint64_t odd = grows ? bits + 1 : bits - 1;
  return bit_cast<double>((bits & 1) == 0 && (above || below) ? odd : bits);
}

inline float narrow_to_odd(float value) { return value; }
inline float narrow_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  const double rest = value - static_cast<double>(nearest);
  return round_to_odd(nearest, rest > 0, rest < 0);
}

/* a * b + c with the product exact in T: the sum's error is exact too (Knuth's two-sum), so that
 * the value rounded to odd stands for the exact one. */
template <class T>
inline T fma_to_odd(T a, T b, T c) {
  const T product = a * b;
  const T sum = product + c;
  const T part = sum - product;
  const T rest = (product - (sum - part)) + (c - part);
  return round_to_odd(sum, rest > 0, rest < 0);
}

}  // namespace gpusim

#endif
