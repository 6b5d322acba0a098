/* mma.sync: every shape and type with small integers, whose sums are exact in all of them, so that
 * one misplaced element is a wrong result. */
#include <criterion/criterion.h>

#include <cstring>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/mma_shapes.h"
#include "tests/gpusim/cases/tensor_case.h"

using namespace gpusim::cases;

namespace {

using Pattern = uint64_t (*)(int64_t value);

uint64_t f32_pattern(int64_t value) {
  const auto number = static_cast<float>(value);
  uint32_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

uint64_t f64_pattern(int64_t value) {
  const auto number = static_cast<double>(value);
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

uint64_t f16_pattern(int64_t value) { return half_bits(static_cast<double>(value)); }
uint64_t bf16_pattern(int64_t value) { return bfloat_bits(static_cast<double>(value)); }
uint64_t integer_pattern(int64_t value) { return static_cast<uint64_t>(value); }

struct Format {
  const char *name;
  unsigned bits;
  int64_t low, high; /* of the values used */
  Pattern pattern;
};

constexpr Format kHalf = {"f16", 16, -9, 9, f16_pattern};
constexpr Format kBfloat = {"bf16", 16, -99, 99, bf16_pattern};
constexpr Format kTensor32 = {"tf32", 32, -999, 999, f32_pattern};
constexpr Format kSingle = {"f32", 32, -9999, 9999, f32_pattern};
constexpr Format kSmallHalf = {"f16", 16, -99, 99, f16_pattern};
constexpr Format kDouble = {"f64", 64, -99999, 99999, f64_pattern};
constexpr Format kS8 = {"s8", 8, -128, 127, integer_pattern};
constexpr Format kU8 = {"u8", 8, 0, 255, integer_pattern};
constexpr Format kS4 = {"s4", 4, -8, 7, integer_pattern};
constexpr Format kU4 = {"u4", 4, 0, 15, integer_pattern};
constexpr Format kB1 = {"b1", 1, 0, 1, integer_pattern};
constexpr Format kS32 = {"s32", 32, -2000000000, 2000000000, integer_pattern};

struct Problem {
  const MmaShape &shape;
  const Format &a, &b, &c;
  std::vector<int64_t> a_values, b_values, c_values; /* [m][k], [k][n], [m][n] */
};

std::vector<int64_t> random_values(Random *random, const Format &format, unsigned count) {
  std::vector<int64_t> values(count);
  const auto range = static_cast<uint64_t>(format.high - format.low + 1);
  for (int64_t &value : values) value = format.low + static_cast<int64_t>(random->next() % range);
  return values;
}

Fragment place(const std::vector<int64_t> &values, unsigned columns, const Format &format,
               unsigned elements, Layout layout) {
  Fragment fragment(elements * format.bits / (format.bits == 64 ? 64 : 32),
                    format.bits == 64 ? 2 : 1);
  for (unsigned lane = 0; lane < 32; lane++) {
    for (unsigned i = 0; i < elements; i++) {
      const RowColumn at = layout(lane >> 2, lane & 3, i);
      set_element(&fragment, format.bits, lane, i,
                  format.pattern(values[at.row * columns + at.column]));
    }
  }
  return fragment;
}

int64_t multiply(const Problem &problem, bool conjunction, unsigned row, unsigned column) {
  const MmaShape &shape = problem.shape;
  int64_t sum = problem.c_values[row * shape.n + column];
  for (unsigned k = 0; k < shape.k; k++) {
    const int64_t a = problem.a_values[row * shape.k + k];
    const int64_t b = problem.b_values[k * shape.n + column];
    sum += shape.bits != 1 || conjunction ? a * b : a ^ b;
  }
  return sum;
}

/* The product of random integers, element by element. */
void check(const MmaShape &shape, const Format &a, const Format &b, const Format &c,
           const std::string &before = {}, const std::string &after = {}) {
  Random random(shape.k * 100 + shape.m);
  const Problem problem = {shape,
                           a,
                           b,
                           c,
                           random_values(&random, a, shape.m * shape.k),
                           random_values(&random, b, shape.k * shape.n),
                           random_values(&random, c, shape.m * shape.n)};
  TensorCase test;
  test.text = std::string("mma.sync.aligned.") + shape.name + ".row.col" + before + "." + c.name +
              "." + a.name + "." + b.name + "." + c.name + after;
  test.doubles = a.bits == 64;
  const Fragment c_fragment = place(problem.c_values, shape.n, c, shape.c_elements, shape.c);
  test.results = c_fragment.registers;
  const std::vector<Fragment> sources = {
      place(problem.a_values, shape.k, a, shape.a_elements, shape.a),
      place(problem.b_values, shape.n, b, shape.b_elements, shape.b), c_fragment};
  for (const gpusim_sum sum : {GPUSIM_SUM_AMPERE, GPUSIM_SUM_HOPPER, GPUSIM_SUM_EXACT}) {
    test.sum = sum;
    test.checked = sum != GPUSIM_SUM_HOPPER;
    const Fragment d = run_tensor(test, sources);
    for (unsigned lane = 0; lane < 32; lane++) {
      for (unsigned i = 0; i < shape.c_elements; i++) {
        const RowColumn at = shape.c(lane >> 2, lane & 3, i);
        int64_t wanted = multiply(problem, after == ".and.popc", at.row, at.column);
        if (before == ".satfinite") {
          wanted = wanted > INT32_MAX ? INT32_MAX : wanted < INT32_MIN ? INT32_MIN : wanted;
        }
        const uint64_t pattern =
            c.bits == 32 ? static_cast<uint32_t>(c.pattern(wanted)) : c.pattern(wanted);
        const uint64_t actual = get_element(d, c.bits, lane, i);
        cr_assert(actual == pattern, "%s: row %u, column %u: 0x%llx instead of 0x%llx (%lld)",
                  test.text.c_str(), at.row, at.column, static_cast<unsigned long long>(actual),
                  static_cast<unsigned long long>(pattern), static_cast<long long>(wanted));
      }
    }
  }
}

void check_all(const Format &a, const Format &b, const Format &c, const std::string &before = {},
               const std::string &after = {}) {
  for (const MmaShape &shape : kMmaShapes) {
    if (shape.bits == a.bits) check(shape, a, b, c, before, after);
  }
}

}  // namespace

Test(mma_layout, f16) {
  check_all(kHalf, kHalf, kSingle);
  check_all(kHalf, kHalf, kSmallHalf);
}

Test(mma_layout, bf16) { check_all(kBfloat, kBfloat, kSingle); }

Test(mma_layout, tf32) { check_all(kTensor32, kTensor32, kSingle); }

Test(mma_layout, f64) { check_all(kDouble, kDouble, kDouble); }

Test(mma_layout, bytes) {
  for (const Format *a : {&kS8, &kU8}) {
    for (const Format *b : {&kS8, &kU8}) {
      check_all(*a, *b, kS32);
      check_all(*a, *b, kS32, ".satfinite");
    }
  }
}

Test(mma_layout, nibbles) {
  for (const Format *a : {&kS4, &kU4}) {
    for (const Format *b : {&kS4, &kU4}) {
      check_all(*a, *b, kS32);
      check_all(*a, *b, kS32, ".satfinite");
    }
  }
}

Test(mma_layout, bits) {
  check_all(kB1, kB1, kS32, "", ".xor.popc");
  check_all(kB1, kB1, kS32, "", ".and.popc");
}

/* Accumulators at the ends of the range: without .satfinite sums wrap. */
Test(mma_layout, wraps_or_saturates) {
  constexpr Format kHigh = {"s32", 32, INT32_MAX - 1000, INT32_MAX, integer_pattern};
  constexpr Format kLow = {"s32", 32, INT32_MIN, INT32_MIN + 1000, integer_pattern};
  for (const Format *c : {&kHigh, &kLow}) {
    check_all(kS8, kS8, *c);
    check_all(kS8, kS8, *c, ".satfinite");
  }
}

Test(mma_layout, refuses_what_sm_80_has_not) {
  const std::string start = "mma.sync.aligned.";
  expect_refused(start + "m16n8k32.row.col.f32.f16.f16.f32", {4, 8, 4, 4}, "", "no such shape");
  expect_refused(start + "m16n8k16.col.col.f32.f16.f16.f32", {4, 4, 2, 4}, "", "layouts");
  expect_refused(start + "m16n8k16.row.col.f32.f16.bf16.f32", {4, 4, 2, 4}, "", "types");
  expect_refused(start + "m16n8k16.row.col.f16.f16.f16.f32", {2, 4, 2, 4}, "", "same type");
  expect_refused(start + "m16n8k16.row.col.f32.f16.f16.f32", {4, 4, 4, 4}, "", "registers");
  expect_refused(start + "m16n8k16.row.col.f32.e4m3.e4m3.f32", {4, 4, 2, 4}, "", "sm_89");
  expect_refused(start + "m16n8k16.row.col.satfinite.f32.f16.f16.f32", {4, 4, 2, 4}, "",
                 ".satfinite");
}
