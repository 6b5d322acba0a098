/* Exact numbers for expected values: fixed point with bits for every product of two doubles plus a
 * double, and one rounding at the end. Written for simplicity, bit by bit, and independent of the
 * simulator's arithmetic. */
#ifndef GPUSIM_CASES_EXACT_H
#define GPUSIM_CASES_EXACT_H

#include <cstdint>
#include <string>

namespace gpusim::cases {

/* A binary format: fraction bits and the exponent's bias. */
struct RealFormat {
  const char *name;
  unsigned bits;
  unsigned fraction;
  int bias;
  uint64_t nan; /* the canonical one */

  uint64_t sign() const { return uint64_t{1} << (bits - 1); }
  uint64_t infinity() const { return ((sign() - 1) >> fraction) << fraction; }
  uint64_t one() const { return static_cast<uint64_t>(bias) << fraction; }
  uint64_t smallest_normal() const { return uint64_t{1} << fraction; }
  bool is_nan(uint64_t value) const { return (value & (sign() - 1)) > infinity(); }
  bool is_infinite(uint64_t value) const { return (value & (sign() - 1)) == infinity(); }
  bool is_zero(uint64_t value) const { return (value & (sign() - 1)) == 0; }
  uint64_t flush(uint64_t value) const {
    return (value & infinity()) == 0 ? value & sign() : value;
  }
};

extern const RealFormat kF16, kBf16, kTf32, kF32, kF64;

class Exact {
 public:
  Exact() = default;
  /* significand * 2^exponent */
  Exact(bool negative, unsigned __int128 significand, int exponent);
  static Exact integer(__int128 value);
  static Exact of(const RealFormat &format, uint64_t bits); /* a finite one */

  Exact operator+(const Exact &other) const;
  Exact operator-() const;
  bool is_zero() const;
  bool is_negative() const;
  /* "rn", "rz", "rm", "rp" or "rna"; a zero is +0. */
  uint64_t round(const RealFormat &format, const std::string &rounding) const;

 private:
  static constexpr int kLimbs = 72;
  static constexpr int kLowest = -2240; /* weight of bit 0 */
  bool bit(int position) const;
  int top() const; /* position of the highest one of a positive number */
  bool any_below(int position) const;
  Exact magnitude() const;
  uint64_t limbs_[kLimbs] = {}; /* two's complement, lowest first */
};

/* a * b of finite numbers. */
Exact product(const RealFormat &format, uint64_t a, uint64_t b);

/* IEEE results with the canonical NaN: the whole of a * b + c, of a + b, of a * b. */
uint64_t exact_fma(const RealFormat &format, uint64_t a, uint64_t b, uint64_t c,
                   const std::string &rounding);
uint64_t exact_add(const RealFormat &format, uint64_t a, uint64_t b, const std::string &rounding);
uint64_t exact_multiply(const RealFormat &format, uint64_t a, uint64_t b,
                        const std::string &rounding);

uint64_t exact_divide(const RealFormat &format, uint64_t a, uint64_t b,
                      const std::string &rounding);
uint64_t exact_sqrt(const RealFormat &format, uint64_t a, const std::string &rounding);

/* A value of one format in another. */
uint64_t exact_convert(const RealFormat &to, const RealFormat &from, uint64_t value,
                       const std::string &rounding);

}  // namespace gpusim::cases

#endif
