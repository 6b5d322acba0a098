#include "tests/gpusim/cases/exact.h"

namespace gpusim::cases {

const RealFormat kF16 = {"f16", 16, 10, 15, 0x7fff};
const RealFormat kBf16 = {"bf16", 16, 7, 127, 0x7fff};
/* In a register of 32 bits, of which 13 stay zero. */
const RealFormat kTf32 = {"tf32", 19, 10, 127, 0x3ffff};
const RealFormat kF32 = {"f32", 32, 23, 127, 0x7fffffff};
const RealFormat kF64 = {"f64", 64, 52, 1023, 0x7ff8000000000000};

Exact::Exact(bool negative, unsigned __int128 significand, int exponent) {
  const int shift = exponent - kLowest;
  for (int i = 0; i < 128; i++) {
    if (((significand >> i) & 1) == 0) continue;
    limbs_[(shift + i) / 64] |= uint64_t{1} << ((shift + i) % 64);
  }
  if (negative) *this = -*this;
}

Exact Exact::integer(__int128 value) {
  const bool negative = value < 0;
  const unsigned __int128 wide = static_cast<unsigned __int128>(value);
  return Exact(negative, negative ? -wide : wide, 0);
}

Exact Exact::of(const RealFormat &format, uint64_t bits) {
  return product(format, bits, format.one());
}

Exact Exact::operator+(const Exact &other) const {
  Exact sum;
  unsigned __int128 carry = 0;
  for (int i = 0; i < kLimbs; i++) {
    carry += static_cast<unsigned __int128>(limbs_[i]) + other.limbs_[i];
    sum.limbs_[i] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  return sum;
}

Exact Exact::operator-() const {
  Exact inverted;
  for (int i = 0; i < kLimbs; i++) inverted.limbs_[i] = ~limbs_[i];
  Exact one;
  one.limbs_[0] = 1;
  return inverted + one;
}

bool Exact::is_zero() const {
  for (const uint64_t limb : limbs_) {
    if (limb != 0) return false;
  }
  return true;
}

bool Exact::is_negative() const { return limbs_[kLimbs - 1] >> 63 != 0; }

bool Exact::bit(int position) const {
  const int i = position - kLowest;
  return i >= 0 && ((limbs_[i / 64] >> (i % 64)) & 1) != 0;
}

Exact Exact::magnitude() const { return is_negative() ? -*this : *this; }

int Exact::top() const {
  int limb = kLimbs - 1;
  while (limbs_[limb] == 0) limb--;
  return kLowest + 64 * limb + 63 - __builtin_clzll(limbs_[limb]);
}

bool Exact::any_below(int position) const {
  const int end = position - kLowest;
  for (int limb = 0; limb < kLimbs && 64 * limb < end; limb++) {
    const int bits = end - 64 * limb;
    const uint64_t mask = bits < 64 ? (uint64_t{1} << bits) - 1 : ~uint64_t{0};
    if ((limbs_[limb] & mask) != 0) return true;
  }
  return false;
}

uint64_t Exact::round(const RealFormat &format, const std::string &rounding) const {
  if (is_zero()) return 0;
  const bool negative = is_negative();
  const Exact value = magnitude();
  const int top = value.top();
  const int fraction = static_cast<int>(format.fraction);
  const int minimum = 1 - format.bias;
  const int last = (top > minimum ? top : minimum) - fraction; /* weight of the last kept bit */
  uint64_t kept = 0;
  for (int i = fraction; i >= 0; i--) kept = kept << 1 | (value.bit(last + i) ? 1 : 0);
  const bool half = value.bit(last - 1);
  const bool more = value.any_below(last - 1);
  bool up = false;
  if (rounding == "rn") up = half && (more || (kept & 1) != 0);
  if (rounding == "rna") up = half;
  if (rounding == "rp") up = !negative && (half || more);
  if (rounding == "rm") up = negative && (half || more);
  if (up) kept++;
  int exponent = last + fraction;
  if (kept >> (fraction + 1) != 0) {
    kept >>= 1;
    exponent++;
  }
  const uint64_t sign = negative ? format.sign() : 0;
  if (exponent > format.bias) {
    const bool away = rounding == "rn" || rounding == "rna" || rounding == (negative ? "rm" : "rp");
    return sign | (away ? format.infinity() : format.infinity() - 1);
  }
  if (kept >> fraction == 0) return sign | kept; /* subnormal */
  const uint64_t field = static_cast<uint64_t>(exponent + format.bias);
  return sign | field << format.fraction | (kept & (format.smallest_normal() - 1));
}

namespace {

/* significand * 2^exponent of a finite number, without its sign. */
struct Parts {
  uint64_t significand;
  int exponent;
};

Parts parts_of(const RealFormat &format, uint64_t bits) {
  const uint64_t hidden = format.smallest_normal();
  const int field = static_cast<int>((bits & (format.sign() - 1)) >> format.fraction);
  const int exponent = (field == 0 ? 1 : field) - format.bias - static_cast<int>(format.fraction);
  const uint64_t fraction = bits & (hidden - 1);
  return {field == 0 ? fraction : fraction | hidden, exponent};
}

/* With the highest bit set, for a number that is not zero. */
Parts normalised(Parts parts) {
  const int zeros = __builtin_clzll(parts.significand);
  return {parts.significand << zeros, parts.exponent - zeros};
}

}  // namespace

Exact product(const RealFormat &format, uint64_t a, uint64_t b) {
  const Parts x = parts_of(format, a);
  const Parts y = parts_of(format, b);
  return Exact(((a ^ b) & format.sign()) != 0,
               static_cast<unsigned __int128>(x.significand) * y.significand,
               x.exponent + y.exponent);
}

namespace {

/* The sum of an exact x and the format's c; both have signs even as zeros. */
uint64_t sum(const RealFormat &format, const Exact &x, bool x_negative, uint64_t c,
             const std::string &rounding) {
  const Exact total = x + Exact::of(format, c);
  if (!total.is_zero()) return total.round(format, rounding);
  const bool c_negative = (c & format.sign()) != 0;
  const bool negative = x_negative == c_negative ? c_negative : rounding == "rm";
  return negative ? format.sign() : 0;
}

}  // namespace

uint64_t exact_fma(const RealFormat &format, uint64_t a, uint64_t b, uint64_t c,
                   const std::string &rounding) {
  if (format.is_nan(a) || format.is_nan(b) || format.is_nan(c)) return format.nan;
  const uint64_t sign = (a ^ b) & format.sign();
  const bool infinite = format.is_infinite(a) || format.is_infinite(b);
  if (infinite && (format.is_zero(a) || format.is_zero(b))) return format.nan;
  if (infinite) {
    return format.is_infinite(c) && (c & format.sign()) != sign ? format.nan
                                                                : sign | format.infinity();
  }
  if (format.is_infinite(c)) return c;
  return sum(format, product(format, a, b), sign != 0, c, rounding);
}

uint64_t exact_add(const RealFormat &format, uint64_t a, uint64_t b, const std::string &rounding) {
  return exact_fma(format, a, format.one(), b, rounding);
}

uint64_t exact_multiply(const RealFormat &format, uint64_t a, uint64_t b,
                        const std::string &rounding) {
  const uint64_t sign = (a ^ b) & format.sign();
  const uint64_t result = exact_fma(format, a, b, sign, rounding);
  /* What underflows to zero keeps the sign. */
  return format.is_zero(result) ? sign : result;
}

/* The last bit of the quotient and of the root below says that something follows. */
uint64_t exact_divide(const RealFormat &format, uint64_t a, uint64_t b,
                      const std::string &rounding) {
  const uint64_t sign = (a ^ b) & format.sign();
  if (format.is_nan(a) || format.is_nan(b)) return format.nan;
  if (format.is_infinite(a)) return format.is_infinite(b) ? format.nan : sign | format.infinity();
  if (format.is_infinite(b)) return sign;
  if (format.is_zero(b)) return format.is_zero(a) ? format.nan : sign | format.infinity();
  if (format.is_zero(a)) return sign;
  const Parts x = normalised(parts_of(format, a));
  const Parts y = normalised(parts_of(format, b));
  const unsigned __int128 dividend = static_cast<unsigned __int128>(x.significand) << 63;
  const unsigned __int128 quotient = dividend / y.significand;
  const bool more = dividend % y.significand != 0;
  const Exact value(sign != 0, quotient << 1 | (more ? 1 : 0), x.exponent - y.exponent - 64);
  return value.round(format, rounding) | sign;
}

uint64_t exact_sqrt(const RealFormat &format, uint64_t a, const std::string &rounding) {
  if (format.is_nan(a)) return format.nan;
  if (format.is_zero(a)) return a;
  if ((a & format.sign()) != 0) return format.nan;
  if (format.is_infinite(a)) return a;
  const Parts x = normalised(parts_of(format, a));
  const int odd = x.exponent & 1;
  const unsigned __int128 square = static_cast<unsigned __int128>(x.significand) << (62 + odd);
  unsigned __int128 root = 0;
  for (int i = 63; i >= 0; i--) {
    const unsigned __int128 next = root | static_cast<unsigned __int128>(1) << i;
    if (next * next <= square) root = next;
  }
  const bool more = root * root != square;
  return Exact(false, root << 1 | (more ? 1 : 0), (x.exponent - 62 - odd) / 2 - 1)
      .round(format, rounding);
}

uint64_t exact_convert(const RealFormat &to, const RealFormat &from, uint64_t value,
                       const std::string &rounding) {
  if (from.is_nan(value)) return to.nan;
  const uint64_t sign = (value & from.sign()) != 0 ? to.sign() : 0;
  if (from.is_infinite(value)) return sign | to.infinity();
  const uint64_t result = Exact::of(from, value).round(to, rounding);
  return to.is_zero(result) ? sign : result;
}

}  // namespace gpusim::cases
