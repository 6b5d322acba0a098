/* f16 and bf16, alone and in pairs: add, sub, mul, fma with their modifiers. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/reals.h"

using namespace gpusim::cases;

using Formula = std::function<uint64_t(const RealFormat &, const Values &)>;

static uint64_t add(const RealFormat &format, const Values &in) {
  return exact_add(format, in[0], in[1], "rn");
}

static uint64_t sub(const RealFormat &format, const Values &in) {
  return exact_add(format, in[0], in[1] ^ format.sign(), "rn");
}

static uint64_t mul(const RealFormat &format, const Values &in) {
  return exact_multiply(format, in[0], in[1], "rn");
}

static uint64_t fma(const RealFormat &format, const Values &in) {
  return exact_fma(format, in[0], in[1], in[2], "rn");
}

struct Modifiers {
  bool ftz = false, sat = false, relu = false;
};

static std::string written(const Modifiers &m) {
  return std::string(m.ftz ? ".ftz" : "") + (m.sat ? ".sat" : "") + (m.relu ? ".relu" : "");
}

/* Alone and as a pair. */
static void expect_half(const std::string &opcode, const RealFormat &format, const Modifiers &m,
                        const std::vector<Values> &rows, const Formula &formula) {
  const char *operands[] = {" %d, %a;", " %d, %a, %b;", " %d, %a, %b, %c;"};
  const size_t sources = rows[0].size();
  const std::string text = opcode + written(m) + "." + format.name;
  const std::vector<const RealFormat *> formats(sources, &format);
  const unsigned sm = &format == &kBf16 && sources == 2 ? 90 : 80;
  const auto expected = [&](Values in) {
    for (uint64_t &value : in) value = m.ftz ? format.flush(value) : value;
    uint64_t result = formula(format, in);
    if (m.ftz) result = format.flush(result);
    if (m.sat) result = saturated(format, result);
    return m.relu ? rectified(format, result) : result;
  };
  expect_reals({text + operands[sources - 1], format, formats, sm}, rows, expected);
  expect_pairs({text + "x2" + operands[sources - 1], format, formats, sm}, rows, expected);
}

constexpr unsigned kHardPairs = 400, kHardTriples = 800;

static std::vector<Values> pairs_of(const RealFormat &format) {
  return real_pairs(format, kHardPairs);
}

static std::vector<Values> triples_of(const RealFormat &format) {
  return real_triples(format, kHardTriples);
}

static void expect_f16(const std::string &opcode, const std::vector<Values> &rows,
                       const Formula &formula) {
  expect_half(opcode, kF16, {}, rows, formula);
  expect_half(opcode, kF16, {true, false, false}, rows, formula);
  expect_half(opcode, kF16, {false, true, false}, rows, formula);
  expect_half(opcode, kF16, {true, true, false}, rows, formula);
}

Test(float_half, add_f16) {
  expect_f16("add", pairs_of(kF16), add);
  expect_f16("add.rn", pairs_of(kF16), add);
}

Test(float_half, sub_f16) { expect_f16("sub", pairs_of(kF16), sub); }
Test(float_half, mul_f16) { expect_f16("mul.rn", pairs_of(kF16), mul); }

Test(float_half, fma_f16) {
  expect_f16("fma.rn", triples_of(kF16), fma);
  expect_half("fma.rn", kF16, {false, false, true}, triples_of(kF16), fma);
  expect_half("fma.rn", kF16, {true, false, true}, triples_of(kF16), fma);
}

Test(float_half, fma_bf16) {
  expect_half("fma.rn", kBf16, {}, triples_of(kBf16), fma);
  expect_half("fma.rn", kBf16, {false, false, true}, triples_of(kBf16), fma);
}

/* From sm_90 on. */
Test(float_half, arithmetic_bf16) {
  expect_half("add", kBf16, {}, pairs_of(kBf16), add);
  expect_half("sub.rn", kBf16, {}, pairs_of(kBf16), sub);
  expect_half("mul", kBf16, {}, pairs_of(kBf16), mul);
}

/* An undefined half leaves the other one alone. */
Test(float_half, undefined_halves) {
  const InstructionCase test = {"fma.rn.f16x2 %d, %a, %b, %c;",
                                {{"%d", "b32"}},
                                {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}}};
  const uint64_t ones = 0x3c003c00;
  expect_rows(test, {{{ones, ones, 0}, {ones}, {0xffff0000, 0, 0}, {0xffff0000}},
                     {{ones, ones, 0}, {ones}, {0, 0, 0x0000ffff}, {0x0000ffff}},
                     {{ones, ones, 0}, {ones}, {0, 0x00ff0000, 0xff}, {0xffffffff}},
                     {{ones, ones, 0}, {ones}, {0, 0, 0}, {0}}});
}
