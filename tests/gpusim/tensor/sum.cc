#include "tests/gpusim/tensor/sum.h"

#include <cmath>

#include "tests/gpusim/exec/half.h"
#include "tests/gpusim/tensor/formats.h"
#include "tests/gpusim/tensor/layout.h"

namespace gpusim::tensor {
namespace {

using Int8 = int32_t __attribute__((vector_size(32)));
using Float8 = float __attribute__((vector_size(32)));
using Long8 = int64_t __attribute__((vector_size(64)));
using Double8 = double __attribute__((vector_size(64)));

constexpr unsigned kWidth = 8; /* outputs of a row at a time: n is a multiple */

struct Rule {
  int32_t fraction_bits; /* kept when terms are aligned */
  unsigned step;         /* products added at once */
  bool odd;              /* how an f32 result is rounded */
};

struct Accumulators {
  Int8 exponent;
  Float8 significand;
};

template <class Vector, class T>
void load(const T *from, Vector *to) {
  memcpy(to, from, sizeof *to);
}

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
void cut(const Double8 &sum, const Int8 &exponent, bool odd, float *to) {
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
  memcpy(to, &bits, sizeof bits);
}

/* accumulator += products [first, first + kCount) of one row, eight columns from `column` on. */
template <bool kSparse, unsigned kCount>
void add_aligned(const Products &products, const Rule &rule, unsigned row, unsigned column,
                 unsigned first, float *accumulator) {
  const float *a_significand = products.a.significand + row * products.kept + first;
  const int32_t *a_exponent = products.a.exponent + row * products.kept + first;
  const auto b_at = [&](unsigned i) {
    return (kSparse ? products.row_of_b(row, first + i) : first + i) * products.n + column;
  };
  Accumulators c;
  split_accumulators(accumulator, &c);
  Int8 top = c.exponent;
  Int8 exponents[kCount];
  for (unsigned i = 0; i < kCount; i++) {
    load(products.b.exponent + b_at(i), &exponents[i]);
    exponents[i] += a_exponent[i];
    top = exponents[i] > top ? exponents[i] : top;
  }
  const Int8 below_top =
      rule.fraction_bits - 2 * static_cast<int32_t>(products.fraction_bits) - top;
  /* Nine terms below 2^27 are what an int holds. */
  constexpr unsigned kAtOnce = kCount < 8 ? kCount : 8;
  Int8 sum = {};
  add_shifted(c.significand, c.exponent - top + (rule.fraction_bits - 23), &sum);
  Double8 total = {};
  for (unsigned part = 0; part < kCount; part += kAtOnce) {
    for (unsigned i = part; i < part + kAtOnce; i++) {
      Float8 significand;
      load(products.b.significand + b_at(i), &significand);
      add_shifted(significand * a_significand[i], exponents[i] + below_top, &sum);
    }
    total += __builtin_convertvector(sum, Double8);
    sum = Int8{};
  }
  cut(total, top - rule.fraction_bits, rule.odd, accumulator);
}

template <bool kSparse, unsigned kCount>
void add_all(const Products &products, const Rule &rule, unsigned first, float *accumulator) {
  for (unsigned row = 0; row < products.m; row++) {
    for (unsigned column = 0; column < products.n; column += kWidth) {
      add_aligned<kSparse, kCount>(products, rule, row, column, first,
                                   accumulator + row * products.n + column);
    }
  }
}

template <bool kSparse>
void add_all_aligned(const Products &products, const Rule &rule, unsigned first, unsigned count,
                     float *accumulator) {
  if (count == 4) return add_all<kSparse, 4>(products, rule, first, accumulator);
  if (count == 8) return add_all<kSparse, 8>(products, rule, first, accumulator);
  add_all<kSparse, 16>(products, rule, first, accumulator);
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
  bool (*split)(const uint8_t *image, unsigned count, float *significands, int32_t *exponents);
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
  Terms &a = products->a;
  Terms &b = products->b;
  a.special = format.split(images.a, tile.m * tile.kept(), a.significand, a.exponent);
  alignas(64) uint8_t rows[sizeof images.b];
  transpose(images.b, tile.n, tile.k, element_bits(tile.b) / 8, rows);
  b.special = format.split(rows, tile.n * tile.k, b.significand, b.exponent);
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
  if (products.column != nullptr) {
    return add_all_aligned<true>(products, rule, first, count, accumulators);
  }
  add_all_aligned<false>(products, rule, first, count, accumulators);
}

Rule rule_of(const Tile &tile, SumModel model) {
  const unsigned ampere_step = 16 * 8 / element_bits(tile.a);
  const bool odd = tile.d == Element::f16;
  if (model == SumModel::exact) return {0, tile.kept(), odd};
  if (model == SumModel::hopper) return {25, 2 * ampere_step, odd};
  return {24, ampere_step, odd};
}

}  // namespace

void multiply_real(const Tile &tile, SumModel model, const Selection *selection, Images &images) {
  const Format &format = format_of(tile.a);
  Products products;
  split_factors(tile, format, selection, images, &products);
  const unsigned outputs = tile.m * tile.n;
  alignas(64) float sums[kMaxOutputs];
  read_accumulators(tile, images.c, sums);
  const Rule rule = rule_of(tile, model);
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
