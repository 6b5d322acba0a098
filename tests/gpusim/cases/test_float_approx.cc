/* The approximations within the errors that the PTX ISA documents, against libm's doubles, and
 * their special values. */
#include <criterion/criterion.h>

#include <cmath>

#include "tests/gpusim/cases/reals.h"

using namespace gpusim::cases;

using Function = std::function<double(double)>;

struct Bound {
  double relative;
  double absolute;
};

/* Finite expected values within the bound, others exact (NaN as 0x7fffffff). */
static void expect_near(const std::string &text, const std::vector<Values> &inputs,
                        const Function &function, const Bound &bound, bool ftz,
                        const RealFormat &format = kF32) {
  std::vector<Row> rows;
  for (const Values &in : inputs) {
    const uint64_t bits = in[0] & (format.sign() | (format.sign() - 1));
    const uint64_t argument = ftz ? format.flush(bits) : bits;
    const double exact = format.is_nan(argument)
                             ? NAN
                             : function(double_of(exact_convert(kF64, format, argument, "rn")));
    uint64_t out = exact_convert(format, kF64, bits_of(exact), "rn");
    if (ftz) out = format.flush(out);
    rows.push_back({in, {out, bits_of(exact)}});
  }
  const Accept near = [&](const Row &row, const Values &actual) {
    if (actual[0] == row.out[0]) return true;
    if (format.is_nan(row.out[0]) || format.is_nan(actual[0])) return false;
    if (format.is_infinite(row.out[0]) || format.is_infinite(actual[0])) return false;
    const double exact = double_of(row.out[1]);
    if (exact == 0) return false; /* zeros keep their sign */
    const double error = std::fabs(double_of(exact_convert(kF64, format, actual[0], "rn")) - exact);
    return error <= std::fabs(exact) * bound.relative + bound.absolute;
  };
  const std::string type = format.bits == 16 ? "b16" : "b32";
  expect_rows({text, {{"%d", type}}, {{"%a", type}}}, rows, near);
}

/* Special values, and numbers spread over [low, high]. */
static std::vector<Values> sweep(double low, double high, unsigned count) {
  std::vector<Values> rows = product({special_reals(kF32, 500)});
  for (unsigned i = 0; i < count; i++) {
    const double x = low + (high - low) * i / count;
    rows.push_back({bits_of(static_cast<float>(x))});
  }
  return rows;
}

static void expect_both(const std::string &name, const std::vector<Values> &rows,
                        const Function &function, const Bound &bound) {
  expect_near(name + ".approx.f32 %d, %a;", rows, function, bound, false);
  expect_near(name + ".approx.ftz.f32 %d, %a;", rows, function, bound, true);
}

static const double kUlp = 0x1p-23;

Test(float_approx, rcp) {
  expect_both("rcp", sweep(-4, 4, 3001), [](double x) { return 1 / x; }, {kUlp, 0x1p-149});
}

Test(float_approx, sqrt) {
  expect_both("sqrt", sweep(0, 8, 3001), [](double x) { return std::sqrt(x); }, {kUlp, 0});
}

Test(float_approx, rsqrt) {
  expect_both("rsqrt", sweep(0, 8, 3001), [](double x) { return 1 / std::sqrt(x); },
              {0x1.13p-23, 0});
}

Test(float_approx, ex2) {
  const auto function = [](double x) { return std::exp2(x); };
  expect_both("ex2", sweep(-150, 130, 5001), function, {kUlp, 0x1p-149});
  expect_both("ex2", sweep(-1, 1, 3001), function, {0x1.6ap-23, 0});
}

Test(float_approx, lg2) {
  const auto function = [](double x) { return std::log2(x); };
  expect_both("lg2", sweep(0, 100, 3001), function, {0x1p-22, 0x1p-22});
  expect_both("lg2", sweep(0.5, 2, 3001), function, {0, 0x1p-22 * 2});
}

Test(float_approx, sin_and_cos) {
  const auto sine = [](double x) { return std::sin(x); };
  const auto cosine = [](double x) { return std::cos(x); };
  expect_both("sin", sweep(-6.5, 6.5, 5001), sine, {0, 0x1.6ap-21});
  expect_both("cos", sweep(-6.5, 6.5, 5001), cosine, {0, 0x1.6ap-21});
  expect_both("sin", sweep(-5e6, 5e6, 3001), sine, {0, 0x1.6ap-21});
  expect_both("cos", sweep(-5e6, 5e6, 3001), cosine, {0, 0x1.6ap-21});
}

Test(float_approx, tanh) {
  const auto function = [](double x) { return std::tanh(x); };
  expect_near("tanh.approx.f32 %d, %a;", sweep(-10, 10, 5001), function, {0x1p-11, 0}, false);
}

static std::vector<Values> all_halves() {
  std::vector<Values> rows;
  for (uint64_t bits = 0; bits < 0x10000; bits += 3) rows.push_back({bits});
  return rows;
}

Test(float_approx, halves) {
  const auto power = [](double x) { return std::exp2(x); };
  const auto tangent = [](double x) { return std::tanh(x); };
  const Bound power_bound = {0x1.13p-10, 0x1p-24};
  expect_near("ex2.approx.f16 %d, %a;", all_halves(), power, power_bound, false, kF16);
  expect_near("tanh.approx.f16 %d, %a;", all_halves(), tangent, {0, 0x1.03p-11}, false, kF16);
}

/* Pairs: the same as alone, half by half. */
Test(float_approx, pairs) {
  const std::vector<Slot> outputs = {{"%d", "b32"}};
  const std::vector<Slot> inputs = {{"%a", "b32"}};
  /* 2^1 and 2^-1, 2^0 and 2^3; tanh of 0 and of the infinities. */
  expect_rows({"ex2.approx.f16x2 %d, %a;", outputs, inputs},
              {{{0x3c00bc00}, {0x40003800}}, {{0x00004200}, {0x3c004800}}});
  expect_rows({"tanh.approx.f16x2 %d, %a;", outputs, inputs},
              {{{0xfc007c00}, {0xbc003c00}}, {{0x80000000}, {0x80000000}}});
}

static uint64_t quotient(uint64_t a, uint64_t b) { return exact_divide(kF32, a, b, "rn"); }

/* div.approx and div.full: 2 ulp; beyond 2^126 div.approx gives 0, or NaN for infinities. */
static void expect_division(const std::string &name, bool ftz, bool full) {
  std::vector<Row> rows;
  Values values = special_reals(kF32, 20);
  values.push_back(0x7e800000); /* 2^126 */
  values.push_back(0x7e800001);
  for (const Values &in : product({values, values})) {
    const uint64_t a = ftz ? kF32.flush(in[0] & 0xffffffff) : in[0] & 0xffffffff;
    const uint64_t b = ftz ? kF32.flush(in[1] & 0xffffffff) : in[1] & 0xffffffff;
    const uint64_t magnitude = b & 0x7fffffff;
    uint64_t out = quotient(a, b);
    if (!full && magnitude > 0x7e800000 && magnitude < 0x7f800000 && !kF32.is_nan(a)) {
      out = kF32.is_infinite(a) ? kF32.nan : (a ^ b) & kF32.sign();
    }
    rows.push_back({in, {ftz ? kF32.flush(out) : out}});
  }
  expect_rows({name + (ftz ? ".ftz" : "") + ".f32 %d, %a, %b;",
               {{"%d", "b32"}},
               {{"%a", "b32"}, {"%b", "b32"}}},
              rows, [](const Row &row, const Values &actual) {
                const uint64_t distance =
                    actual[0] > row.out[0] ? actual[0] - row.out[0] : row.out[0] - actual[0];
                return kF32.is_nan(row.out[0]) ? actual[0] == row.out[0] : distance <= 2;
              });
}

Test(float_approx, div) {
  expect_division("div.approx", false, false);
  expect_division("div.approx", true, false);
  expect_division("div.full", false, true);
  expect_division("div.full", true, true);
}

/* The upper words alone count, and hold 20 bits of the result. */
Test(float_approx, doubles) {
  const std::vector<Values> inputs = product({special_reals(kF64, 500)});
  for (const bool root : {false, true}) {
    std::vector<Row> rows;
    for (const Values &in : inputs) {
      const double x = double_of(kF64.flush(in[0] & 0xffffffff00000000));
      rows.push_back({in, {bits_of(kF64.is_nan(in[0]) ? NAN : 1 / (root ? std::sqrt(x) : x))}});
    }
    expect_rows({root ? "rsqrt.approx.ftz.f64 %d, %a;" : "rcp.approx.ftz.f64 %d, %a;",
                 {{"%d", "b64"}},
                 {{"%a", "b64"}}},
                rows, [](const Row &row, const Values &actual) {
                  if (kF64.is_nan(row.out[0])) return kF64.is_nan(actual[0]);
                  const uint64_t expected = kF64.flush(row.out[0]);
                  if (kF64.is_infinite(expected) || kF64.is_zero(expected)) {
                    return actual[0] == expected;
                  }
                  const double x = double_of(expected);
                  return (actual[0] & 0xffffffff) == 0 &&
                         std::fabs(double_of(actual[0]) - x) <= std::fabs(x) * 0x1p-20;
                });
  }
  expect_reals({"rsqrt.approx.f64 %d, %a;", kF64, {&kF64}}, {{bits_of(4.0)}, {bits_of(0.25)}},
               [](const Values &in) { return bits_of(1 / std::sqrt(double_of(in[0]))); });
}

Test(float_approx, unsupported) {
  const char *texts[] = {"sin.f32 %d, %a;", "ex2.approx.ftz.f16 %h, %h;", "rcp.approx.f64 %l, %l;",
                         "sqrt.approx.f64 %l, %l;", "tanh.approx.ftz.f32 %d, %a;"};
  for (const char *text : texts) {
    expect_unsupported({text, {{"%d", "b32"}}, {{"%a", "b32"}, {"%h", "b16"}, {"%l", "b64"}}},
                       "unsupported");
  }
}
