/* abs, neg, copysign, min, max and testp. */
#include <criterion/criterion.h>

#include <cmath>

#include "tests/gpusim/cases/reals.h"

using namespace gpusim::cases;

static std::string b(const RealFormat &format) { return "b" + std::to_string(format.bits); }

/* What NaN becomes under abs and neg is left open, but NaN it stays. */
static void expect_sign(const std::string &opcode, const RealFormat &format, bool ftz) {
  const std::string text = opcode + (ftz ? ".ftz." : ".") + format.name;
  std::vector<Row> rows;
  std::vector<Values> numbers;
  for (const uint64_t pattern : special_reals(format, 100)) {
    const uint64_t bits = pattern & (format.sign() | (format.sign() - 1));
    const uint64_t value = ftz ? format.flush(bits) : bits;
    rows.push_back(
        {{bits}, {opcode == "abs" ? value & (format.sign() - 1) : value ^ format.sign()}});
    if (!format.is_nan(bits)) numbers.push_back({bits});
  }
  expect_rows({text + " %d, %a;", {{"%d", b(format)}}, {{"%a", b(format)}}}, rows,
              [&](const Row &row, const Values &actual) {
                return actual[0] == row.out[0] ||
                       (format.is_nan(row.in[0]) && format.is_nan(actual[0]));
              });
  if (format.bits != 16) return;
  expect_pairs({text + "x2 %d, %a;", format, {&format}}, numbers, [&](const Values &in) {
    const uint64_t value = ftz ? format.flush(in[0]) : in[0];
    return opcode == "abs" ? value & (format.sign() - 1) : value ^ format.sign();
  });
}

Test(float_bits, abs_and_neg) {
  for (const char *opcode : {"abs", "neg"}) {
    expect_sign(opcode, kF32, false);
    expect_sign(opcode, kF32, true);
    expect_sign(opcode, kF64, false);
    expect_sign(opcode, kF16, false);
    expect_sign(opcode, kF16, true);
    expect_sign(opcode, kBf16, false);
  }
}

struct Modifiers {
  bool ftz, nan, xorsign;
};

/* PTX ISA, min and max, step by step, with the numbers compared as doubles. */
static uint64_t extreme(const RealFormat &format, const Values &in, bool max, const Modifiers &m) {
  uint64_t a = m.ftz ? format.flush(in[0]) : in[0];
  uint64_t other = m.ftz ? format.flush(in[1]) : in[1];
  const uint64_t sign = (a ^ other) & format.sign();
  if (m.xorsign) {
    a &= format.sign() - 1;
    other &= format.sign() - 1;
  }
  const bool a_nan = format.is_nan(a);
  const bool b_nan = format.is_nan(other);
  if ((a_nan && b_nan) || (m.nan && (a_nan || b_nan))) return format.nan;
  uint64_t result = a_nan ? other : a;
  if (!a_nan && !b_nan) {
    const double x = double_of(exact_convert(kF64, format, a, "rn"));
    const double y = double_of(exact_convert(kF64, format, other, "rn"));
    const bool a_below = x < y || (x == y && std::signbit(x) && !std::signbit(y));
    result = a_below == max ? other : a;
  }
  return m.xorsign ? result | sign : result;
}

static void expect_extreme(const std::string &opcode, const RealFormat &format,
                           const Modifiers &m) {
  const std::string text = opcode + (m.ftz ? ".ftz" : "") + (m.nan ? ".NaN" : "") +
                           (m.xorsign ? ".xorsign.abs" : "") + "." + format.name;
  const unsigned sm = m.xorsign ? 90 : 80;
  Values special = special_reals(format);
  for (uint64_t &value : special) value &= format.sign() | (format.sign() - 1);
  const std::vector<Values> rows = product({special, special});
  const auto formula = [&](const Values &in) { return extreme(format, in, opcode == "max", m); };
  expect_reals({text + " %d, %a, %b;", format, {&format, &format}, sm}, rows, formula);
  if (format.bits != 16) return;
  expect_pairs({text + "x2 %d, %a, %b;", format, {&format, &format}, sm}, rows, formula);
}

Test(float_bits, min_and_max) {
  for (const char *opcode : {"min", "max"}) {
    for (const bool nan : {false, true}) {
      for (const bool xorsign : {false, true}) {
        for (const bool ftz : {false, true}) {
          expect_extreme(opcode, kF32, {ftz, nan, xorsign});
          expect_extreme(opcode, kF16, {ftz, nan, xorsign});
        }
        expect_extreme(opcode, kBf16, {false, nan, xorsign});
      }
    }
    expect_extreme(opcode, kF64, {false, false, false});
  }
}

/* copysign: the sign of a on the magnitude of b. */
Test(float_bits, copysign) {
  for (const RealFormat *format : {&kF32, &kF64}) {
    const Values special = special_reals(*format);
    const uint64_t sign = format->sign();
    expect_each({std::string("copysign.") + format->name + " %d, %a, %b;",
                 {{"%d", b(*format)}},
                 {{"%a", b(*format)}, {"%b", b(*format)}}},
                product({special, special}),
                [&](const Values &in) { return Values{(in[0] & sign) | (in[1] & (sign - 1))}; });
  }
}

static bool is_kind(const std::string &kind, double x, double smallest) {
  if (kind == "finite") return std::isfinite(x);
  if (kind == "infinite") return std::isinf(x);
  if (kind == "number") return !std::isnan(x);
  if (kind == "notanumber") return std::isnan(x);
  const bool subnormal = x != 0 && std::fabs(x) < smallest;
  return kind == "subnormal" ? subnormal : std::isfinite(x) && !subnormal; /* zero is normal */
}

Test(float_bits, testp) {
  for (const char *kind : {"finite", "infinite", "number", "notanumber", "normal", "subnormal"}) {
    for (const RealFormat *format : {&kF32, &kF64}) {
      expect_each({std::string("testp.") + kind + "." + format->name + " %p, %a;",
                   {{"%p", "pred"}},
                   {{"%a", b(*format)}}},
                  product({special_reals(*format, 40)}), [&](const Values &in) {
                    const uint64_t bits = in[0] & (format->sign() | (format->sign() - 1));
                    const double x = format->is_nan(bits)
                                         ? NAN
                                         : double_of(exact_convert(kF64, *format, bits, "rn"));
                    return Values{is_kind(kind, x, format->bits == 32 ? 0x1p-126 : 0x1p-1022)};
                  });
    }
  }
}

Test(float_bits, unsupported) {
  const char *texts[] = {"abs.ftz.f64 %l, %l;",         "neg.ftz.bf16x2 %a, %a;",
                         "max.NaN.f64 %l, %l, %l;",     "min.ftz.bf16x2 %a, %a, %a;",
                         "min.xorsign.f32 %a, %a, %a;", "max.f32 %a, %a, %a, %a;",
                         "testp.f32 %p, %a;",           "copysign.f16x2 %a, %a, %a;"};
  for (const char *text : texts) {
    expect_unsupported({text, {{"%p", "pred"}}, {{"%a", "b32"}, {"%l", "b64"}}}, "unsupported");
  }
}
