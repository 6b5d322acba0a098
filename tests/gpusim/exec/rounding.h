/* The roundings of PTX, and a significand of any length rounded once to any format. */
#ifndef GPUSIM_EXEC_ROUNDING_H
#define GPUSIM_EXEC_ROUNDING_H

#include <cfenv>
#include <cstdint>

namespace gpusim {

enum class Rounding : uint8_t {
  rn, /* to nearest, ties to even */
  rz, /* towards zero */
  rm, /* down */
  rp, /* up */
  rna /* to nearest, ties away from zero */
};

/* The host's arithmetic rounds like this until the end of the scope. Operands must be loaded from
 * memory, and results stored, within it: the compiler moves neither across the calls. */
class RoundingScope {
 public:
  explicit RoundingScope(Rounding rounding) : old_(fegetround()) { fesetround(mode(rounding)); }
  ~RoundingScope() { fesetround(old_); }
  RoundingScope(const RoundingScope &) = delete;
  RoundingScope &operator=(const RoundingScope &) = delete;

 private:
  static int mode(Rounding rounding) {
    if (rounding == Rounding::rz) return FE_TOWARDZERO;
    if (rounding == Rounding::rm) return FE_DOWNWARD;
    return rounding == Rounding::rp ? FE_UPWARD : FE_TONEAREST;
  }
  int old_;
};

/* What rounding adds below the last kept bit, before the low `shift` bits (1 to 31) are dropped
 * from a magnitude. */
template <Rounding kRounding>
inline uint32_t rounding_bias(uint32_t magnitude, uint32_t shift, bool negative) {
  const uint32_t half = 1u << (shift - 1);
  const uint32_t all = (1u << shift) - 1;
  if (kRounding == Rounding::rn) return half - 1 + ((magnitude >> shift) & 1);
  if (kRounding == Rounding::rna) return half;
  if (kRounding == Rounding::rp) return negative ? 0 : all;
  if (kRounding == Rounding::rm) return negative ? all : 0;
  return 0;
}

/* Whether a finite value beyond the largest becomes infinite. */
template <Rounding kRounding>
constexpr bool overflows_to_infinity(bool negative) {
  if (kRounding == Rounding::rz) return false;
  if (kRounding == Rounding::rm) return negative;
  if (kRounding == Rounding::rp) return !negative;
  return true;
}

/* significand * 2^exponent as a bit pattern of Format, rounded once. */
template <class Format, Rounding kRounding>
inline typename Format::Bits round_significand(bool negative, uint64_t significand, int exponent) {
  using Bits = typename Format::Bits;
  const Bits sign = negative ? Format::kSign : Bits{0};
  if (significand == 0) return sign;
  const int zeros = __builtin_clzll(significand);
  significand <<= zeros;
  const int top = exponent - zeros + 63; /* exponent of the leading bit */
  constexpr int kMinimum = 1 - Format::kBias;
  const int below = top < kMinimum ? kMinimum - top : 0;
  const int drop = 63 - static_cast<int>(Format::kFraction) + below;
  uint64_t kept = drop > 63 ? 0 : significand >> drop;
  const uint64_t rest = drop > 63 ? significand : significand << (64 - drop);
  constexpr uint64_t kHalf = 1ull << 63;
  /* From 65 dropped bits on the rest is less than half; with 64 it is the significand itself. */
  const bool tie = drop < 65 && rest == kHalf;
  const bool more = drop < 65 && rest > kHalf;
  bool up = false;
  if (kRounding == Rounding::rn) up = more || (tie && (kept & 1) != 0);
  if (kRounding == Rounding::rna) up = more || tie;
  if (kRounding == Rounding::rm) up = negative && rest != 0;
  if (kRounding == Rounding::rp) up = !negative && rest != 0;
  kept += up ? 1 : 0;
  /* A normal number's leading bit adds one to the exponent field. */
  const int field = below > 0 ? 0 : top - kMinimum;
  if (field >= 2 * Format::kBias + 1) {
    return static_cast<Bits>(
        sign | (overflows_to_infinity<kRounding>(negative) ? Format::kInfinity : Format::kLargest));
  }
  const uint64_t bits = (static_cast<uint64_t>(field) << Format::kFraction) + kept;
  if (bits < Format::kInfinity) return static_cast<Bits>(sign | bits);
  return static_cast<Bits>(
      sign | (overflows_to_infinity<kRounding>(negative) ? Format::kInfinity : Format::kLargest));
}

}  // namespace gpusim

#endif
