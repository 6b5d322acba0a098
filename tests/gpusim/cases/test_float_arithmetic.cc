/* add, sub, mul, fma, mad, div, rcp and sqrt of f32 and f64 with every rounding and modifier. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/reals.h"

using namespace gpusim::cases;

static const char *const kRoundings[] = {"rn", "rz", "rm", "rp"};

using Formula = std::function<uint64_t(const RealFormat &, const Values &, const std::string &)>;

static uint64_t add(const RealFormat &format, const Values &in, const std::string &rounding) {
  return exact_add(format, in[0], in[1], rounding);
}

static uint64_t sub(const RealFormat &format, const Values &in, const std::string &rounding) {
  return exact_add(format, in[0], in[1] ^ format.sign(), rounding);
}

static uint64_t mul(const RealFormat &format, const Values &in, const std::string &rounding) {
  return exact_multiply(format, in[0], in[1], rounding);
}

static uint64_t fma(const RealFormat &format, const Values &in, const std::string &rounding) {
  return exact_fma(format, in[0], in[1], in[2], rounding);
}

static uint64_t quotient(const RealFormat &format, const Values &in, const std::string &rounding) {
  return exact_divide(format, in[0], in[1], rounding);
}

static uint64_t rcp(const RealFormat &format, const Values &in, const std::string &rounding) {
  return exact_divide(format, format.one(), in[0], rounding);
}

static uint64_t root(const RealFormat &format, const Values &in, const std::string &rounding) {
  return exact_sqrt(format, in[0], rounding);
}

static RealCase real_case(const std::string &opcode, const RealFormat &format, size_t sources) {
  const char *operands[] = {" %d, %a;", " %d, %a, %b;", " %d, %a, %b, %c;"};
  const std::vector<const RealFormat *> formats(sources, &format);
  return {opcode + "." + format.name + operands[sources - 1], format, formats};
}

/* One opcode of f32, as written, with .ftz and .sat or without. */
static void expect_single(const std::string &opcode, const std::string &rounding, bool ftz,
                          bool sat, const std::vector<Values> &rows, const Formula &formula) {
  const std::string text = opcode + (ftz ? ".ftz" : "") + (sat ? ".sat" : "");
  expect_reals(real_case(text, kF32, rows[0].size()), rows, [&](Values in) {
    for (uint64_t &value : in) value = ftz ? kF32.flush(value & 0xffffffff) : value & 0xffffffff;
    uint64_t result = formula(kF32, in, rounding);
    if (ftz) result = kF32.flush(result);
    return sat ? saturated(kF32, result) : result;
  });
}

constexpr unsigned kHardPairs = 80, kHardTriples = 100;

static std::vector<Values> pairs_of(const RealFormat &format) {
  return real_pairs(format, kHardPairs);
}

static std::vector<Values> triples_of(const RealFormat &format) {
  return real_triples(format, kHardTriples);
}

static void expect_singles(const std::string &opcode, const std::vector<Values> &rows,
                           const Formula &formula, bool sat, bool unrounded) {
  for (const char *rounding : kRoundings) {
    const std::string rounded = opcode + "." + rounding;
    expect_single(rounded, rounding, false, false, rows, formula);
    expect_single(rounded, rounding, true, false, rows, formula);
    if (!sat) continue;
    expect_single(rounded, rounding, false, true, rows, formula);
    expect_single(rounded, rounding, true, true, rows, formula);
  }
  if (unrounded) expect_single(opcode, "rn", false, false, rows, formula);
}

static void expect_doubles(const std::string &opcode, const std::vector<Values> &rows,
                           const Formula &formula, bool unrounded) {
  for (const char *rounding : kRoundings) {
    expect_reals(real_case(opcode + "." + rounding, kF64, rows[0].size()), rows,
                 [&](const Values &in) { return formula(kF64, in, rounding); });
  }
  if (!unrounded) return;
  expect_reals(real_case(opcode, kF64, rows[0].size()), rows,
               [&](const Values &in) { return formula(kF64, in, "rn"); });
}

Test(float_arithmetic, add_f32) { expect_singles("add", pairs_of(kF32), add, true, true); }
Test(float_arithmetic, sub_f32) { expect_singles("sub", pairs_of(kF32), sub, true, true); }
Test(float_arithmetic, mul_f32) { expect_singles("mul", pairs_of(kF32), mul, true, true); }
Test(float_arithmetic, fma_f32) { expect_singles("fma", triples_of(kF32), fma, true, false); }
Test(float_arithmetic, mad_f32) { expect_singles("mad", triples_of(kF32), fma, true, false); }
Test(float_arithmetic, div_f32) { expect_singles("div", pairs_of(kF32), quotient, false, false); }

static std::vector<Values> singles_of(const RealFormat &format) {
  return product({special_reals(format, 300)});
}

Test(float_arithmetic, rcp_f32) { expect_singles("rcp", singles_of(kF32), rcp, false, false); }
Test(float_arithmetic, sqrt_f32) { expect_singles("sqrt", singles_of(kF32), root, false, false); }

Test(float_arithmetic, add_f64) { expect_doubles("add", pairs_of(kF64), add, true); }
Test(float_arithmetic, sub_f64) { expect_doubles("sub", pairs_of(kF64), sub, true); }
Test(float_arithmetic, mul_f64) { expect_doubles("mul", pairs_of(kF64), mul, true); }
Test(float_arithmetic, fma_f64) { expect_doubles("fma", triples_of(kF64), fma, false); }
Test(float_arithmetic, mad_f64) { expect_doubles("mad", triples_of(kF64), fma, false); }
Test(float_arithmetic, div_f64) { expect_doubles("div", pairs_of(kF64), quotient, false); }
Test(float_arithmetic, rcp_f64) { expect_doubles("rcp", singles_of(kF64), rcp, false); }
Test(float_arithmetic, sqrt_f64) { expect_doubles("sqrt", singles_of(kF64), root, false); }

/* What ptxas refuses for sm_80. */
Test(float_arithmetic, unsupported) {
  const char *texts[] = {"fma.f32 %d, %a, %b, %c;",
                         "mad.f32 %d, %a, %b, %c;",
                         "add.relu.f32 %d, %a, %b;",
                         "div.f32 %d, %a, %b;",
                         "div.rn.sat.f32 %d, %a, %b;",
                         "rcp.f32 %d, %a;",
                         "sqrt.f32 %d, %a;",
                         "fma.rn.relu.f32 %d, %a, %b, %c;",
                         "mad.rn.f16x2 %d, %a, %b, %c;",
                         "fma.rz.f16x2 %d, %a, %b, %c;"};
  for (const char *text : texts) {
    expect_unsupported({text, {{"%d", "b32"}}, {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}}},
                       "unsupported");
  }
}
