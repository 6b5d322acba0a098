#include "tests/gpusim/tensor/sum.h"

#include <cmath>

#include "tests/gpusim/exec/half.h"
#include "tests/gpusim/tensor/layout.h"

namespace gpusim::tensor {
namespace {

using Int8 = int32_t __attribute__((vector_size(32)));
using Float8 = float __attribute__((vector_size(32)));
using Long8 = int64_t __attribute__((vector_size(64)));
using Double8 = double __attribute__((vector_size(64)));

constexpr unsigned kWidth = 8; /* outputs of a row at a time: n is a multiple */

struct Rule {
  int32_t factor_bits;   /* fractional bits of a factor */
  int32_t fraction_bits; /* kept when terms are aligned */
  unsigned step;         /* products added at once */
  bool odd;              /* how an f32 result is rounded */
};

struct Accumulators {
  Int8 exponent;
  Float8 significand;
};

/* As one access: a memcpy in two halves delays the load that follows it. (No function returns a
 * vector: that would depend on the compiler's flags.) */
template <class Vector>
struct Anywhere {
  using Type __attribute__((aligned(4), may_alias)) = Vector;
};

template <class Vector, class T>
void load(const T *from, Vector *to) {
  *to = *reinterpret_cast<const typename Anywhere<Vector>::Type *>(from);
}

void store(const Int8 &from, float *to) { *reinterpret_cast<Anywhere<Int8>::Type *>(to) = from; }

/* f32 accumulators in units of 2^(exponent - 23). */
void split_accumulators(const float *from, Accumulators *to) {
  Int8 bits;
  load(from, &bits);
  const Int8 exponent = bits >> 23 & 0xff;
  const Int8 normal = exponent != 0 ? Int8{} + 1 : Int8{};
  const Int8 magnitude = (bits & 0x7fffff) | normal << 23;
  const Int8 significand = bits < 0 ? -magnitude : magnitude;
  to->significand = __builtin_convertvector(significand, Float8);
  to->exponent = magnitude == 0 ? Int8{} + kZeroExponent : exponent + 1 - normal - 127;
}

/* Adds significand * 2^shift, cut to an integer; below 2^-127 nothing is left of any term. */
void add_shifted(const Float8 &significand, const Int8 &shift, Int8 *sum) {
  const Int8 biased = shift + 127;
  const Int8 scale = (biased < 0 ? Int8{} : biased) << 23;
  *sum += __builtin_convertvector(significand * reinterpret_cast<const Float8 &>(scale), Int8);
}

/* sum * 2^exponent as f32, rounded toward zero; infinite from 2^128 on. */
void cut_anywhere(const Double8 &sum, const Int8 &exponent, bool odd, float *to) {
  const Long8 wide = __builtin_convertvector(exponent, Long8) + 1023;
  const Long8 scale = (wide < 1 ? Long8{} + 1 : wide) << 52;
  const Double8 exact = sum * reinterpret_cast<const Double8 &>(scale);
  const Float8 nearest = __builtin_convertvector(exact, Float8);
  const Double8 back = __builtin_convertvector(nearest, Double8);
  const Long8 magnitude = reinterpret_cast<const Long8 &>(exact) & INT64_MAX;
  const Long8 rounded = reinterpret_cast<const Long8 &>(back) & INT64_MAX;
  /* Patterns of positive numbers are ordered as the numbers are. */
  const Long8 too_far = rounded > magnitude;
  const Long8 finite = magnitude < INT64_C(0x47f0000000000000);
  Int8 bits = reinterpret_cast<const Int8 &>(nearest);
  bits += __builtin_convertvector(too_far & finite, Int8);
  if (odd) {
    const Long8 lost = back != exact;
    bits |= __builtin_convertvector(lost & finite, Int8) & 1;
  }
  store(bits, to);
}

/* Whether some lane of a comparison is true. */
inline bool any(const Int8 &lanes) {
  using Long4 = int64_t __attribute__((vector_size(32)));
  const Long4 pairs = reinterpret_cast<const Long4 &>(lanes);
#ifdef __AVX__
  using Test = long long __attribute__((vector_size(32)));
  return __builtin_ia32_ptestz256(reinterpret_cast<const Test &>(pairs),
                                  reinterpret_cast<const Test &>(pairs)) == 0;
#else
  return (pairs[0] | pairs[1] | pairs[2] | pairs[3]) != 0;
#endif
}

/* The same for sums below 2^30.9 whose results are zero or normal: false, and nothing done, if some
 * is not. */
inline bool cut_normal(const Int8 &sum, const Int8 &exponent, bool odd, float *to) {
  const Int8 magnitude = sum < 0 ? -sum : sum;
  const Float8 nearest = __builtin_convertvector(magnitude, Float8);
  const Int8 back = __builtin_convertvector(nearest, Int8);
  Int8 bits = reinterpret_cast<const Int8 &>(nearest) + (back > magnitude);
  if (odd) bits |= (back != magnitude) & 1;
  const Int8 scaled = (bits >> 23) + exponent;
  const Int8 zero = magnitude == 0;
  if (any(~zero & ((scaled < 1) | (scaled > 254)))) return false;
  bits += exponent << 23;
  bits = zero ? Int8{} : bits | (sum & INT32_MIN);
  store(bits, to);
  return true;
}

inline void cut(const Int8 &sum, const Int8 &exponent, bool odd, float *to) {
  if (cut_normal(sum, exponent, odd, to)) return;
  cut_anywhere(__builtin_convertvector(sum, Double8), exponent, odd, to);
}

/* Of two sums, which may not fit one integer together. */
inline void cut(const Int8 &sum, const Int8 &more, const Int8 &exponent, bool odd, float *to) {
  constexpr int32_t kRoom = 1 << 29;
  if (!any((sum > kRoom) | (sum < -kRoom) | (more > kRoom) | (more < -kRoom)) &&
      cut_normal(sum + more, exponent, odd, to)) {
    return;
  }
  const Double8 total =
      __builtin_convertvector(sum, Double8) + __builtin_convertvector(more, Double8);
  cut_anywhere(total, exponent, odd, to);
}

/* Products of one row, eight columns side by side. The pointers are at the first of them. */
template <bool kSparse>
struct RowTerms {
  const float *a_significand, *a_value;
  const int32_t *a_exponent;
  const float *b_significand, *b_value;
  const int32_t *b_exponent;
  const uint8_t *rows_of_b; /* kSparse: from b's first row on */
  unsigned stride;          /* of b's rows */

  RowTerms(const Products &products, unsigned row, unsigned column, unsigned first)
      : stride(products.n) {
    const unsigned a = row * products.kept + first;
    const unsigned b = column + (kSparse ? 0 : first * products.n);
    a_significand = products.a.significand + a;
    a_value = products.a.value + a;
    a_exponent = products.a.exponent + a;
    b_significand = products.b.significand + b;
    b_value = products.b.value + b;
    b_exponent = products.b.exponent + b;
    rows_of_b = kSparse ? products.column + a : nullptr;
  }

  unsigned b_at(unsigned i) const { return (kSparse ? rows_of_b[i] : i) * stride; }
  void exponent(unsigned i, Int8 *to) const {
    load(b_exponent + b_at(i), to);
    *to += a_exponent[i];
  }
  void significand(unsigned i, Float8 *to) const {
    load(b_significand + b_at(i), to);
    *to *= a_significand[i];
  }
  void value(unsigned i, Float8 *to) const {
    load(b_value + b_at(i), to);
    *to *= a_value[i];
  }
};

/* 2^exponent; where that is no f32, another power. */
void power(const Int8 &exponent, Float8 *to) {
  const Int8 biased = exponent + 127;
  const Int8 bits = (biased > 254 ? Int8{} + 254 : biased) << 23;
  *to = reinterpret_cast<const Float8 &>(bits);
}

/* accumulator += the terms. kModerate: all factors are. */
template <bool kModerate, bool kSparse, unsigned kCount>
inline void add_aligned(const RowTerms<kSparse> terms, const Rule rule, float *accumulator) {
  Accumulators c;
  split_accumulators(accumulator, &c);
  Int8 top = c.exponent;
  for (unsigned i = 0; i < kCount; i++) {
    Int8 exponent;
    terms.exponent(i, &exponent);
    top = exponent > top ? exponent : top;
  }
  /* Nine terms below 2^27 are what an int holds. */
  constexpr unsigned kAtOnce = kCount < 8 ? kCount : 8;
  Int8 sums[kCount / kAtOnce] = {};
  add_shifted(c.significand, c.exponent - top + (rule.fraction_bits - 23), &sums[0]);
  const Int8 unit = top - rule.fraction_bits;
  Float8 scale;
  power(-unit, &scale);
  const Int8 below_top = -2 * rule.factor_bits - unit;
  for (unsigned i = 0; i < kCount; i++) {
    Int8 &sum = sums[i / kAtOnce];
    if constexpr (kModerate) {
      Float8 value;
      terms.value(i, &value);
      sum += __builtin_convertvector(value * scale, Int8);
    } else {
      Float8 significand;
      Int8 exponent;
      terms.significand(i, &significand);
      terms.exponent(i, &exponent);
      add_shifted(significand, exponent + below_top, &sum);
    }
  }
  if constexpr (kCount <= kAtOnce) {
    cut(sums[0], unit, rule.odd, accumulator);
  } else {
    cut(sums[0], sums[1], unit, rule.odd, accumulator);
  }
}

template <bool kModerate, bool kSparse, unsigned kCount>
void add_all(const Products &products, const Rule &rule, unsigned first, float *accumulator) {
  for (unsigned column = 0; column < products.n; column += kWidth) {
    for (unsigned row = 0; row < products.m; row++) {
      const RowTerms<kSparse> terms(products, row, column, first);
      add_aligned<kModerate, kSparse, kCount>(terms, rule, accumulator + row * products.n + column);
    }
  }
}

template <bool kModerate, bool kSparse>
void add_all_aligned(const Products &products, const Rule &rule, unsigned first, unsigned count,
                     float *accumulator) {
  if (count == 4) return add_all<kModerate, kSparse, 4>(products, rule, first, accumulator);
  if (count == 8) return add_all<kModerate, kSparse, 8>(products, rule, first, accumulator);
  add_all<kModerate, kSparse, 16>(products, rule, first, accumulator);
}

template <bool kModerate>
void add_all_aligned(const Products &products, const Rule &rule, unsigned first, unsigned count,
                     float *accumulator) {
  if (products.column != nullptr) {
    return add_all_aligned<kModerate, true>(products, rule, first, count, accumulator);
  }
  add_all_aligned<kModerate, false>(products, rule, first, count, accumulator);
}

/* Infinities, NaNs and minus zero follow IEEE 754's sums, in any order: a double neither overflows
 * here nor becomes -0 unless all terms are. */
float special_sum(const Products &products, unsigned row, unsigned column, unsigned first,
                  unsigned count, const Images &images, double (*value)(const uint8_t *, unsigned),
                  float before, float after) {
  double sum = before;
  for (unsigned i = first; i < first + count; i++) {
    const unsigned k = products.row_of_b(row, i);
    const unsigned depth = products.column != nullptr ? 2 * products.kept : products.kept;
    sum += value(images.a, row * products.kept + i) * value(images.b, column * depth + k);
  }
  if (std::isnan(sum)) return bit_cast<float>(F32::kNan);
  if (std::isinf(sum)) return static_cast<float>(sum);
  return after == 0 && std::signbit(sum) && sum == 0 ? -0.0f : after;
}

double half_value(const uint8_t *image, unsigned i) {
  return to_float(F16{}, reinterpret_cast<const uint16_t *>(image)[i]);
}

double bfloat_value(const uint8_t *image, unsigned i) {
  return bit_cast<float>(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(image)[i]) << 16);
}

double tensor32_value(const uint8_t *image, unsigned i) {
  return bit_cast<float>(reinterpret_cast<const uint32_t *>(image)[i] & ~0x1fffu);
}

using ValueOf = double (*)(const uint8_t *, unsigned);

struct Format {
  void (*split)(const uint8_t *image, unsigned count, Terms *terms);
  ValueOf value;
  unsigned fraction_bits;
};

template <class T>
constexpr Format format(ValueOf value) {
  return {split<T>, value, T::kFraction};
}

const Format &format_of(Element element) {
  static constexpr Format kHalf = format<Half>(half_value);
  static constexpr Format kBfloat = format<Bfloat>(bfloat_value);
  static constexpr Format kTensor32 = format<Tensor32>(tensor32_value);
  if (element == Element::f16) return kHalf;
  return element == Element::bf16 ? kBfloat : kTensor32;
}

void split_factors(const Tile &tile, const Format &format, const Selection *selection,
                   const Images &images, Products *products) {
  format.split(images.a, tile.m * tile.kept(), &products->a);
  alignas(64) uint8_t rows[sizeof images.b];
  transpose(images.b, tile.n, tile.k, element_bits(tile.b) / 8, rows);
  format.split(rows, tile.n * tile.k, &products->b);
  products->fraction_bits = format.fraction_bits;
  products->m = tile.m;
  products->n = tile.n;
  products->kept = tile.kept();
  products->column = selection != nullptr ? selection->column : nullptr;
}

void read_accumulators(const Tile &tile, const uint8_t *image, float *accumulators) {
  const unsigned count = tile.m * tile.n;
  if (tile.c == Element::f32) {
    memcpy(accumulators, image, count * sizeof(float));
    return;
  }
  const auto *halves = reinterpret_cast<const uint16_t *>(image);
  for (unsigned i = 0; i < count; i++) accumulators[i] = to_float(F16{}, halves[i]);
}

void write_results(const Tile &tile, const float *results, uint8_t *image) {
  const unsigned count = tile.m * tile.n;
  if (tile.d == Element::f32) {
    memcpy(image, results, count * sizeof(float));
    return;
  }
  auto *halves = reinterpret_cast<uint16_t *>(image);
  for (unsigned i = 0; i < count; i++) halves[i] = from_float<Rounding::rn>(F16{}, results[i]);
}

bool special_accumulator(const float *accumulators, unsigned count) {
  int32_t special = 0;
  for (unsigned i = 0; i < count; i++) {
    const uint32_t bits = bit_cast<uint32_t>(accumulators[i]);
    special |= bits == 0x80000000u || (bits & 0x7f800000u) == 0x7f800000u ? 1 : 0;
  }
  return special != 0;
}

void add_step(const Products &products, const Rule &rule, SumModel model, unsigned first,
              unsigned count, float *accumulators) {
  if (model == SumModel::exact) return add_exactly(products, first, count, rule.odd, accumulators);
  if (products.a.moderate && products.b.moderate) {
    return add_all_aligned<true>(products, rule, first, count, accumulators);
  }
  add_all_aligned<false>(products, rule, first, count, accumulators);
}

Rule rule_of(const Tile &tile, const Format &format, SumModel model) {
  const auto factor_bits = static_cast<int32_t>(format.fraction_bits);
  const unsigned ampere_step = 16 * 8 / element_bits(tile.a);
  const bool odd = tile.d == Element::f16;
  if (model == SumModel::exact) return {factor_bits, 0, tile.kept(), odd};
  if (model == SumModel::hopper) return {factor_bits, 25, 2 * ampere_step, odd};
  return {factor_bits, 24, ampere_step, odd};
}

}  // namespace

void multiply_real(const Tile &tile, SumModel model, const Selection *selection, Images &images) {
  const Format &format = format_of(tile.a);
  Products products;
  split_factors(tile, format, selection, images, &products);
  const unsigned outputs = tile.m * tile.n;
  alignas(64) float sums[kMaxOutputs];
  read_accumulators(tile, images.c, sums);
  const Rule rule = rule_of(tile, format, model);
  for (unsigned first = 0; first < products.kept; first += rule.step) {
    const unsigned count = rule.step < products.kept - first ? rule.step : products.kept - first;
    const bool special =
        products.a.special || products.b.special || special_accumulator(sums, outputs);
    float before[kMaxOutputs];
    if (special) memcpy(before, sums, outputs * sizeof(float));
    add_step(products, rule, model, first, count, sums);
    for (unsigned i = 0; special && i < outputs; i++) {
      sums[i] = special_sum(products, i / tile.n, i % tile.n, first, count, images, format.value,
                            before[i], sums[i]);
    }
    write_results(tile, sums, images.d);
    /* What is chained has the width of D. */
    if (tile.d != Element::f16) continue;
    for (unsigned i = 0; i < outputs; i++) {
      sums[i] = to_float(F16{}, reinterpret_cast<const uint16_t *>(images.d)[i]);
    }
  }
}

}  // namespace gpusim::tensor
