/* The arithmetic of mma.sync: cut and exact sums, special numbers, undefined operands. */
#include <criterion/criterion.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/tensor_case.h"

using namespace gpusim::cases;

namespace {

/* Row 0 and column 0 of m16n8k16: element k of A lies with lane t = k / 2 % 4, register
 * 2 * (k / 8), half k % 2; of B with lane t, register k / 8. */
struct Dot {
  Fragment a{4}, b{2}, c{4};

  void set(unsigned k, uint16_t x, uint16_t y) {
    const unsigned t = k / 2 % 4;
    set_element(&a, 16, t, 4 * (k / 8) + k % 2, x);
    set_element(&b, 16, t, 2 * (k / 8) + k % 2, y);
  }
  void accumulate(float value) { memcpy(&c.words[0], &value, sizeof value); }
};

uint32_t run_bits(const Dot &dot, gpusim_sum sum, const char *type = "f16") {
  TensorCase test;
  test.text = std::string("mma.sync.aligned.m16n8k16.row.col.f32.") + type + "." + type + ".f32";
  test.sum = sum;
  return run_tensor(test, {dot.a, dot.b, dot.c}).words[0];
}

float run(const Dot &dot, gpusim_sum sum, const char *type = "f16") {
  const uint32_t bits = run_bits(dot, sum, type);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

const uint16_t kOne = half_bits(1);

}  // namespace

/* Beside an accumulator of 2^24 ulps are 2; the last bit kept of other terms is worth 1 with 24
 * fractional bits, 1/2 with 25. */
Test(tensor_sum, addends_are_cut_at_the_largest_exponent) {
  Dot dot;
  dot.accumulate(0x1p24f);
  dot.set(0, half_bits(0.75), kOne);
  dot.set(1, half_bits(0.75), kOne);
  dot.set(2, half_bits(0.75), kOne);
  dot.set(3, half_bits(0.75), kOne);
  cr_expect_eq(run(dot, GPUSIM_SUM_AMPERE), 0x1p24f);
  cr_expect_eq(run(dot, GPUSIM_SUM_HOPPER), 0x1p24f + 2);
  cr_expect_eq(run(dot, GPUSIM_SUM_EXACT), 0x1p24f + 4, "3 lies between 2 and 4: to even");
}

Test(tensor_sum, the_sum_is_cut_toward_zero) {
  Dot dot;
  dot.accumulate(0x1p24f);
  for (unsigned k = 0; k < 3; k++) dot.set(k, kOne, kOne);
  cr_expect_eq(run(dot, GPUSIM_SUM_AMPERE), 0x1p24f + 2);
  cr_expect_eq(run(dot, GPUSIM_SUM_EXACT), 0x1p24f + 4);
  dot.accumulate(-0x1p24f);
  for (unsigned k = 0; k < 3; k++) dot.set(k, half_bits(-1), kOne);
  cr_expect_eq(run(dot, GPUSIM_SUM_AMPERE), -0x1p24f - 2);
}

/* Ampere rounds after eight products: a large product in the second half does not cut those of the
 * first. 2^-10 * 2^-14 is 2^-24. */
Test(tensor_sum, ampere_chains_halves) {
  Dot dot;
  dot.set(0, half_bits(0x1p-11), half_bits(0x1p-14));
  dot.set(1, half_bits(0x1p-11), half_bits(0x1p-14));
  dot.set(8, kOne, kOne);
  dot.set(9, half_bits(-1), kOne);
  cr_expect_eq(run(dot, GPUSIM_SUM_AMPERE), 0x1p-24f);
  cr_expect_eq(run(dot, GPUSIM_SUM_HOPPER), 0x1p-24f);
  dot.set(1, 0, 0);
  cr_expect_eq(run(dot, GPUSIM_SUM_AMPERE), 0, "2^-25 beside 1");
  cr_expect_eq(run(dot, GPUSIM_SUM_HOPPER), 0x1p-25f);
}

/* The exponent of a product is the sum of its factors': 1.5 * 1.5 counts as 2^0. */
Test(tensor_sum, products_are_not_normalised) {
  Dot dot;
  dot.set(0, half_bits(1.5), half_bits(1.5));
  dot.set(1, half_bits(-1.5), half_bits(1.5));
  dot.set(2, half_bits(0x1p-10), half_bits(0x1p-14));
  cr_expect_eq(run(dot, GPUSIM_SUM_AMPERE), 0x1p-24f);
}

Test(tensor_sum, special_numbers) {
  const uint16_t infinity = 0x7c00;
  for (const gpusim_sum sum : {GPUSIM_SUM_AMPERE, GPUSIM_SUM_HOPPER, GPUSIM_SUM_EXACT}) {
    Dot dot;
    dot.set(0, infinity, kOne);
    cr_expect_eq(run(dot, sum), INFINITY);
    dot.set(9, half_bits(-1), infinity);
    cr_expect_eq(run_bits(dot, sum), 0x7fffffffu, "opposite infinities");
    Dot invalid;
    invalid.set(3, infinity, 0);
    cr_expect_eq(run_bits(invalid, sum), 0x7fffffffu, "infinity times zero");
    Dot nan;
    nan.accumulate(NAN);
    cr_expect_eq(run_bits(nan, sum), 0x7fffffffu);
    Dot minus;
    for (unsigned k = 0; k < 16; k++) minus.set(k, 0x8000, kOne);
    minus.accumulate(-0.0f);
    cr_expect_eq(run_bits(minus, sum), 0x80000000u, "all terms are -0");
    minus.set(5, 0, kOne);
    cr_expect_eq(run_bits(minus, sum), 0u);
    Dot tiny;
    tiny.set(0, 1, 1); /* 2^-24 squared */
    cr_expect_eq(run(tiny, sum), 0x1p-48f);
    Dot huge;
    huge.set(0, bfloat_bits(0x1p127), bfloat_bits(0x1p127));
    cr_expect_eq(run(huge, sum, "bf16"), INFINITY);
  }
}

/* Random operands against a sum in double precision; exact sums are the double's rounding, because
 * these products span fewer than 53 bits. */
Test(tensor_sum, random_operands) {
  Random random(1);
  for (unsigned round = 0; round < 60; round++) {
    Dot dot;
    double sum = static_cast<double>(static_cast<int64_t>(random.next() % 2001) - 1000) / 64;
    double size = std::fabs(sum);
    dot.accumulate(static_cast<float>(sum));
    for (unsigned k = 0; k < 16; k++) {
      const double a = static_cast<double>(static_cast<int64_t>(random.next() % 4095) - 2047) / 512;
      const double b =
          static_cast<double>(static_cast<int64_t>(random.next() % 4095) - 2047) / 1024;
      dot.set(k, half_bits(a), half_bits(b));
      sum += a * b;
      size += std::fabs(a * b);
    }
    cr_expect_eq(run(dot, GPUSIM_SUM_EXACT), static_cast<float>(sum));
    cr_expect_lt(std::fabs(run(dot, GPUSIM_SUM_AMPERE) - sum), size * 20 * 0x1p-24);
    cr_expect_lt(std::fabs(run(dot, GPUSIM_SUM_HOPPER) - sum), size * 20 * 0x1p-24);
  }
}

namespace {

/* What f16 and bf16 operands mean, by the definition of the formats. */
struct Format {
  const char *name;
  int exponent_bits, fraction_bits;

  int exponent(uint16_t bits) const {
    const int field = bits >> fraction_bits & ((1 << exponent_bits) - 1);
    return (field == 0 ? 1 : field) - ((1 << (exponent_bits - 1)) - 1);
  }
  double value(uint16_t bits) const {
    const bool normal = (bits >> fraction_bits & ((1 << exponent_bits) - 1)) != 0;
    const int fraction = (bits & ((1 << fraction_bits) - 1)) + (normal ? 1 << fraction_bits : 0);
    const double magnitude = std::ldexp(fraction, exponent(bits) - fraction_bits);
    return bits >> 15 != 0 ? -magnitude : magnitude;
  }
};

constexpr Format kF16 = {"f16", 5, 10};
constexpr Format kBf16 = {"bf16", 8, 7};

/* The measured rule (gpusim's tensor/sum.h) for one step: all terms cut below 2^(top - kept),
 * added, the sum cut to f32. */
float aligned_sum(const std::vector<double> &terms, const std::vector<int> &exponents, int kept) {
  int top = -10000;
  for (size_t i = 0; i < terms.size(); i++) {
    if (terms[i] != 0 && exponents[i] > top) top = exponents[i];
  }
  double sum = 0;
  for (const double term : terms) sum += std::trunc(std::ldexp(term, kept - top));
  const double exact = std::ldexp(sum, top - kept);
  const auto nearest = static_cast<float>(exact);
  if (std::fabs(exact) >= 0x1p128) return nearest;
  return std::fabs(static_cast<double>(nearest)) > std::fabs(exact) ? nextafterf(nearest, 0)
                                                                    : nearest;
}

/* Finite operands; `spread`: how many exponents they take, around `middle`. */
void compare_with_rule(const Format &format, gpusim_sum model, int middle, unsigned spread,
                       unsigned fraction_mask, Random *random) {
  const unsigned step = model == GPUSIM_SUM_HOPPER ? 16 : 8;
  const int kept = model == GPUSIM_SUM_HOPPER ? 25 : 24;
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  Dot dot;
  uint16_t x[16], y[16];
  const auto number = [&] {
    const int top = 2 * bias;
    int field = middle + bias + static_cast<int>(random->next() % spread);
    field = field < 0 ? 0 : field > top ? top : field;
    const auto fraction = static_cast<unsigned>(random->next()) | fraction_mask;
    return static_cast<uint16_t>((random->next() & 1) << 15 |
                                 static_cast<unsigned>(field) << format.fraction_bits |
                                 (fraction & ((1u << format.fraction_bits) - 1)));
  };
  for (unsigned k = 0; k < 16; k++) {
    x[k] = number();
    y[k] = number();
    dot.set(k, x[k], y[k]);
  }
  float expected = static_cast<float>(format.value(x[0]) * format.value(y[1]));
  if (!std::isfinite(expected) || expected == 0) expected = 1;
  dot.accumulate(expected);
  for (unsigned first = 0; first < 16; first += step) {
    int exponent = 0;
    std::frexp(expected, &exponent);
    std::vector<double> terms = {expected};
    std::vector<int> exponents = {std::max(exponent - 1, -126)};
    for (unsigned k = first; k < first + step; k++) {
      terms.push_back(format.value(x[k]) * format.value(y[k]));
      exponents.push_back(format.exponent(x[k]) + format.exponent(y[k]));
    }
    expected = aligned_sum(terms, exponents, kept);
    if (!std::isfinite(expected)) return; /* what is chained then is another rule's */
  }
  const float actual = run(dot, model, format.name);
  cr_expect(actual == expected, "%s, exponents from %d on, %u of them: %a, expected %a",
            format.name, middle, spread, actual, expected);
}

}  // namespace

Test(tensor_sum, aligned_sums_of_any_exponents) {
  Random random(7);
  for (const gpusim_sum model : {GPUSIM_SUM_AMPERE, GPUSIM_SUM_HOPPER}) {
    for (unsigned round = 0; round < 12; round++) {
      for (const unsigned spread : {1u, 4u, 12u, 31u}) {
        const unsigned all_ones = round % 4 == 0 ? ~0u : 0;
        for (const int middle : {-15, -8, 0}) {
          compare_with_rule(kF16, model, middle, spread, all_ones, &random);
        }
        for (const int middle : {-127, -75, -66, -58, -30, 0, 40, 55, 62}) {
          compare_with_rule(kBf16, model, middle, spread, all_ones, &random);
        }
      }
    }
  }
}

/* Undefined elements: of A its row, of B its column, of C itself. */
Test(tensor_sum, undefined_operands) {
  Fragment a(4);
  Fragment b(2);
  Fragment c(4);
  a.undefined.assign(a.words.size(), 0);
  b.undefined.assign(b.words.size(), 0);
  c.undefined.assign(c.words.size(), 0);
  a.undefined[32 + 4 * 3] = 1;  /* register 1: row 3 + 8 */
  b.undefined[4 * 5 + 2] = 1;   /* column 5 */
  c.undefined[2 * 32 + 17] = 1; /* register 2: row 12, column 2 */
  TensorCase test;
  test.text = "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32";
  const Fragment d = run_tensor(test, {a, b, c});
  for (unsigned at = 0; at < 128; at++) {
    const unsigned lane = at % 32;
    const unsigned row = lane / 4 + (at < 64 ? 0 : 8);
    const unsigned column = lane % 4 * 2 + at / 32 % 2;
    const bool wanted = row == 11 || column == 5 || (row == 12 && column == 2);
    cr_expect_eq(d.undefined[at] != 0, wanted, "row %u, column %u", row, column);
  }
}

/* m8n8k4 of f16: four products, by lanes 4q .. 4q + 3 and 16 more (PTX ISA, its layouts). */
Test(tensor_sum, four_products_of_m8n8k4) {
  for (unsigned layouts = 0; layouts < 4; layouts++) {
    const bool a_column = (layouts & 1) != 0;
    const bool b_column = (layouts & 2) != 0;
    Random random(layouts);
    Fragment a(2);
    Fragment b(2);
    Fragment c(8);
    int x[4][8][4];
    int y[4][4][8];
    for (unsigned lane = 0; lane < 32; lane++) {
      const unsigned quad = lane / 4 % 4;
      const unsigned high = lane < 16 ? 0 : 4;
      for (unsigned i = 0; i < 4; i++) {
        const int p = static_cast<int>(random.next() % 19) - 9;
        const int q = static_cast<int>(random.next() % 19) - 9;
        set_element(&a, 16, lane, i, half_bits(p));
        set_element(&b, 16, lane, i, half_bits(q));
        (a_column ? x[quad][i + high][lane % 4] : x[quad][lane % 4 + high][i]) = p;
        (b_column ? y[quad][i][lane % 4 + high] : y[quad][lane % 4][i + high]) = q;
      }
    }
    TensorCase test;
    test.results = 8;
    test.text = std::string("mma.sync.aligned.m8n8k4.") + (a_column ? "col." : "row.") +
                (b_column ? "col" : "row") + ".f32.f16.f16.f32";
    const Fragment d = run_tensor(test, {a, b, c});
    for (unsigned at = 0; at < 256; at++) {
      const unsigned lane = at % 32;
      const unsigned i = at / 32;
      const unsigned row = (lane & 1) + (i & 2) + (lane < 16 ? 0 : 4);
      const unsigned column = (i & 4) + (lane & 2) + (i & 1);
      int wanted = 0;
      for (unsigned k = 0; k < 4; k++) {
        wanted += x[lane / 4 % 4][row][k] * y[lane / 4 % 4][k][column];
      }
      float actual;
      memcpy(&actual, &d.words[at], sizeof actual);
      cr_expect_eq(actual, static_cast<float>(wanted), "%s: lane %u, element %u", test.text.c_str(),
                   lane, i);
    }
  }
}
