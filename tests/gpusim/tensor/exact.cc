/* Sums without any rounding but the last: an integer as wide as the products' range. */
#include <cmath>

#include "tests/gpusim/exec/half.h"
#include "tests/gpusim/tensor/sum.h"

namespace gpusim::tensor {
namespace {

/* Digits of 32 bits, lowest first; digit 0 counts units of 2^-kPoint. The smallest product of tf32
 * or bf16 is 2^-272, the sum of the largest stays below 2^262. Digits hold carries until the
 * end. */
class WideSum {
 public:
  void add(int64_t significand, int32_t exponent) {
    if (significand == 0) return;
    const auto at = static_cast<unsigned>(exponent + kPoint);
    const int64_t shifted = significand * (INT64_C(1) << at % 32);
    digits_[at / 32] += shifted & UINT32_MAX;
    digits_[at / 32 + 1] += shifted >> 32;
  }

  /* Cut to 53 bits, and made odd if that lost something. */
  double odd_double() {
    carry();
    const bool negative = digits_[kDigits - 1] < 0;
    if (negative) {
      for (int64_t &digit : digits_) digit = -digit;
      carry();
    }
    unsigned top = kDigits;
    while (top > 0 && digits_[top - 1] == 0) top--;
    if (top == 0) return 0;
    /* The three highest digits hold 65 bits or more. */
    unsigned __int128 high = 0;
    for (unsigned i = 0; i < 3; i++) high = high << 32 | (top > i ? digit(top - 1 - i) : 0);
    bool lost = false;
    for (unsigned i = 3; i < top; i++) lost |= digits_[top - 1 - i] != 0;
    int32_t exponent = 32 * (static_cast<int32_t>(top) - 3) - kPoint;
    while (high >> 53 != 0) {
      lost |= (high & 1) != 0;
      high >>= 1;
      exponent++;
    }
    const double magnitude =
        std::ldexp(static_cast<double>(static_cast<uint64_t>(high) | (lost ? 1 : 0)), exponent);
    return negative ? -magnitude : magnitude;
  }

 private:
  static constexpr int32_t kPoint = 320;
  static constexpr unsigned kDigits = 20;

  uint32_t digit(unsigned i) const { return static_cast<uint32_t>(digits_[i]); }

  void carry() {
    for (unsigned i = 0; i + 1 < kDigits; i++) {
      digits_[i + 1] += digits_[i] >> 32;
      digits_[i] &= UINT32_MAX;
    }
  }

  int64_t digits_[kDigits] = {};
};

float round_to_float(double odd, bool keep_odd) {
  const auto nearest = static_cast<float>(odd);
  if (!keep_odd || std::isinf(nearest)) return nearest;
  const bool too_far = std::fabs(static_cast<double>(nearest)) > std::fabs(odd);
  const uint32_t bits = bit_cast<uint32_t>(nearest) - (too_far ? 1 : 0);
  return bit_cast<float>(bits | (static_cast<double>(nearest) != odd ? 1 : 0));
}

constexpr unsigned kWidth = 8; /* outputs of a row at a time: n is a multiple */
constexpr int32_t kLeastExponent = kZeroExponent / 2; /* of what is not zero */
constexpr int32_t kDoubleBits = 53;

/* Sums of doubles, and whether they can't have been rounded: all terms are multiples of 2^low and
 * smaller than 2^(top + 2). */
struct PlainSums {
  double sum[kWidth];
  int32_t low[kWidth], top[kWidth];

  void start(const float *accumulator) {
    for (unsigned j = 0; j < kWidth; j++) {
      int exponent = 0;
      const bool adds = std::isfinite(accumulator[j]) && accumulator[j] != 0;
      if (adds) std::frexp(accumulator[j], &exponent);
      sum[j] = adds ? accumulator[j] : 0;
      top[j] = adds ? exponent : kZeroExponent;
      low[j] = adds ? exponent - 24 : INT32_MAX;
    }
  }

  void add(float a, int32_t a_exponent, const float *b, const int32_t *b_exponent, int32_t unit) {
    for (unsigned j = 0; j < kWidth; j++) {
      const int32_t exponent = a_exponent + b_exponent[j];
      const int32_t last = exponent > kLeastExponent ? exponent - unit : INT32_MAX;
      sum[j] += static_cast<double>(a * b[j]);
      top[j] = exponent > top[j] ? exponent : top[j];
      low[j] = last < low[j] ? last : low[j];
    }
  }

  bool is_exact(unsigned j, unsigned terms) const {
    const int32_t carries = 32 - __builtin_clz(terms);
    return low[j] == INT32_MAX || top[j] + 2 + carries - low[j] <= kDoubleBits;
  }
};

float exact_sum(const Products &products, unsigned row, unsigned column, unsigned first,
                unsigned count, bool odd, float accumulator) {
  const auto unit = 2 * static_cast<int32_t>(products.fraction_bits);
  WideSum sum;
  for (unsigned i = first; i < first + count; i++) {
    const unsigned a = row * products.kept + i;
    const unsigned b = products.row_of_b(row, i) * products.n + column;
    const float significand = products.a.significand[a] * products.b.significand[b];
    sum.add(static_cast<int64_t>(significand),
            products.a.exponent[a] + products.b.exponent[b] - unit);
  }
  /* An accumulator that is infinite or no number is not added: the caller sees to it. */
  int exponent = 0;
  const float fraction = std::isfinite(accumulator) ? std::frexp(accumulator, &exponent) : 0;
  sum.add(static_cast<int64_t>(fraction * 0x1p24f), exponent - 24);
  return round_to_float(sum.odd_double(), odd);
}

/* Eight columns from `column` on. Moderate factors have products that a float holds, and doubles
 * mostly hold their sums. */
void add_columns(const Products &products, unsigned row, unsigned column, unsigned first,
                 unsigned count, bool odd, float *accumulator) {
  const auto unit = 2 * static_cast<int32_t>(products.fraction_bits);
  PlainSums plain;
  plain.start(accumulator);
  for (unsigned i = first; i < first + count; i++) {
    const unsigned a = row * products.kept + i;
    const unsigned b = products.row_of_b(row, i) * products.n + column;
    plain.add(products.a.value[a], products.a.exponent[a], products.b.value + b,
              products.b.exponent + b, unit);
  }
  for (unsigned j = 0; j < kWidth; j++) {
    accumulator[j] = plain.is_exact(j, count + 1)
                         ? round_to_float(plain.sum[j], odd)
                         : exact_sum(products, row, column + j, first, count, odd, accumulator[j]);
  }
}

}  // namespace

void add_exactly(const Products &products, unsigned first, unsigned count, bool odd,
                 float *accumulator) {
  const bool moderate = products.a.moderate && products.b.moderate;
  for (unsigned row = 0; row < products.m; row++) {
    for (unsigned column = 0; column < products.n; column += kWidth) {
      float *const to = accumulator + row * products.n + column;
      if (moderate) {
        add_columns(products, row, column, first, count, odd, to);
        continue;
      }
      for (unsigned j = 0; j < kWidth; j++) {
        to[j] = exact_sum(products, row, column + j, first, count, odd, to[j]);
      }
    }
  }
}

}  // namespace gpusim::tensor
