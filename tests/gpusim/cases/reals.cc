#include "tests/gpusim/cases/reals.h"

#include <cstring>

namespace gpusim::cases {
namespace {

uint64_t random_pattern(const RealFormat &format, Random *random) {
  return random->next() & (format.sign() | (format.sign() - 1));
}

/* A random number whose exponent is within `range` of one. */
uint64_t random_near_one(const RealFormat &format, Random *random, int range) {
  const uint64_t low = random->next();
  const int shift = static_cast<int>(random->next() % static_cast<uint64_t>(2 * range + 1)) - range;
  const uint64_t field = static_cast<uint64_t>(format.bias + shift);
  return (low & format.sign()) | field << format.fraction | (low & (format.smallest_normal() - 1));
}

}  // namespace

Values special_reals(const RealFormat &format, unsigned random) {
  const uint64_t normal = format.smallest_normal();
  const uint64_t infinity = format.infinity();
  const uint64_t one = format.one();
  Values values = {0,
                   1,
                   2,
                   normal - 1,
                   normal,
                   normal + 1,
                   one,
                   one + 1,
                   one - 1,
                   one + normal,
                   infinity - 1,
                   infinity - 2,
                   infinity,
                   infinity + 1,
                   format.sign() - 1,
                   infinity | normal >> 1,
                   one + normal * (format.fraction + 1)};
  const size_t positive = values.size();
  for (size_t i = 0; i < positive; i++) values.push_back(values[i] | format.sign());
  Random source(format.bits * 131 + format.fraction);
  for (unsigned i = 0; i < random; i++) values.push_back(random_pattern(format, &source));
  return values;
}

std::vector<Values> hard_sums(const RealFormat &format, unsigned count) {
  Random source(format.bits * 7 + format.fraction);
  std::vector<Values> rows;
  for (unsigned i = 0; i < count; i++) {
    const uint64_t a = random_near_one(format, &source, 12);
    const uint64_t near = (a ^ format.sign()) + (source.next() % 5) - 2;
    const uint64_t far = random_near_one(format, &source, 14);
    rows.push_back({a, near});
    rows.push_back({a, far});
    /* One bit, or a little beside it, at half an ulp of a. */
    const uint64_t exponent = (a & format.infinity()) >> format.fraction;
    if (exponent > format.fraction + 1u) {
      const uint64_t half = (exponent - format.fraction - 1) << format.fraction;
      rows.push_back({a, (half + source.next() % 3 - 1) | (source.next() & format.sign())});
    }
  }
  return rows;
}

std::vector<Values> hard_triples(const RealFormat &format, unsigned count) {
  Random source(format.bits * 11 + format.fraction);
  std::vector<Values> rows;
  for (unsigned i = 0; i < count; i++) {
    const uint64_t a = random_near_one(format, &source, 6);
    const uint64_t b = random_near_one(format, &source, 6);
    const uint64_t rounded = exact_multiply(format, a, b, "rn");
    const uint64_t tiny = source.next() % 40 + 1;
    const uint64_t negative = source.next() & format.sign();
    rows.push_back({a, b, rounded ^ format.sign()});
    rows.push_back({a, b, tiny | negative});
    rows.push_back({a, b, random_near_one(format, &source, 13)});
    /* The product 1 + 2^-j (1 + ...) lies on the middle of two numbers; c decides the side. */
    const uint64_t j = source.next() % format.fraction;
    const uint64_t x = format.one() | uint64_t{1} << j;
    const uint64_t y = format.one() | uint64_t{1} << (format.fraction - 1 - j);
    rows.push_back({x, y ^ negative, tiny | (source.next() & format.sign())});
    rows.push_back({random_pattern(format, &source), random_pattern(format, &source),
                    random_pattern(format, &source)});
  }
  return rows;
}

static std::vector<Values> join(std::vector<Values> first, const std::vector<Values> &second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

std::vector<Values> real_pairs(const RealFormat &format, unsigned hard) {
  const Values special = special_reals(format);
  return join(product({special, special}), hard_sums(format, hard));
}

std::vector<Values> real_triples(const RealFormat &format, unsigned hard) {
  const Values few = {0,
                      format.sign(),
                      1,
                      format.one(),
                      format.infinity(),
                      format.nan,
                      format.one() | format.sign(),
                      format.infinity() - 1};
  return join(product({few, few, few}), hard_triples(format, hard));
}

namespace {

std::string register_type(const RealFormat &format) {
  return format.bits == 16 ? "b16" : (format.bits == 64 ? "b64" : "b32");
}

InstructionCase instruction_case(const RealCase &test, bool pairs) {
  InstructionCase result = {};
  result.text = test.text;
  result.sm = test.sm;
  result.outputs = {{"%d", pairs ? "b32" : register_type(test.target)}};
  const char *names[] = {"%a", "%b", "%c"};
  for (size_t i = 0; i < test.sources.size(); i++) {
    result.inputs.push_back({names[i], pairs ? "b32" : register_type(*test.sources[i])});
  }
  return result;
}

}  // namespace

void expect_reals(const RealCase &test, const std::vector<Values> &inputs,
                  const std::function<uint64_t(const Values &in)> &formula) {
  std::vector<Row> rows;
  rows.reserve(inputs.size());
  for (const Values &in : inputs) rows.push_back({in, {formula(in)}});
  const RealFormat &target = test.target;
  const Accept any_nan = [&target](const Row &row, const Values &actual) {
    return row.out[0] == actual[0] || (target.is_nan(row.out[0]) && target.is_nan(actual[0]));
  };
  expect_rows(instruction_case(test, false), rows, target.bits == 64 ? any_nan : nullptr);
}

void expect_pairs(const RealCase &test, const std::vector<Values> &inputs,
                  const std::function<uint64_t(const Values &in)> &formula) {
  std::vector<Row> rows;
  for (size_t i = 0; i < inputs.size(); i++) {
    const Values &low = inputs[i];
    const Values &high = inputs[inputs.size() - 1 - i];
    Values in;
    for (size_t j = 0; j < low.size(); j++) in.push_back(high[j] << 16 | low[j]);
    rows.push_back({in, {formula(high) << 16 | formula(low)}});
  }
  expect_rows(instruction_case(test, true), rows);
}

uint64_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

float single_of(uint64_t bits) {
  const uint32_t low = static_cast<uint32_t>(bits);
  float value;
  memcpy(&value, &low, sizeof value);
  return value;
}

double double_of(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

uint64_t saturated(const RealFormat &format, uint64_t value) {
  if (format.is_nan(value) || (value & format.sign()) != 0) return 0;
  return value > format.one() ? format.one() : value;
}

uint64_t rectified(const RealFormat &format, uint64_t value) {
  if (format.is_nan(value)) return format.nan;
  return (value & format.sign()) != 0 ? 0 : value;
}

}  // namespace gpusim::cases
