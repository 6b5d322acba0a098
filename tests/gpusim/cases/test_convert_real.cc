/* cvt between floating-point formats. */
#include <criterion/criterion.h>

#include <cmath>

#include "tests/gpusim/cases/reals.h"

using namespace gpusim::cases;

/* Every number of the narrow format with the middles to its neighbours, thinned out; specials. */
static std::vector<Values> values_around(const RealFormat &to, const RealFormat &from) {
  std::vector<Values> rows = product({special_reals(from, 200)});
  Random source(5);
  for (unsigned i = 0; i < 600; i++) {
    const uint64_t low = source.next() % to.infinity();
    const uint64_t here = exact_convert(from, to, low, "rn");
    const uint64_t next = exact_convert(from, to, low + 1, "rn");
    const uint64_t middle = here / 2 + next / 2 + (here & next & 1);
    const uint64_t sign = source.next() & from.sign();
    for (uint64_t beside = 0; beside < 3; beside++) {
      rows.push_back({((middle + beside - 1) & (from.sign() - 1)) | sign});
    }
    rows.push_back({here | sign});
  }
  return rows;
}

struct Modifiers {
  bool ftz = false, sat = false, relu = false, satfinite = false;
};

static uint64_t limited(const RealFormat &format, uint64_t value, const Modifiers &m) {
  if (m.sat) return saturated(format, value);
  if (m.satfinite && format.is_infinite(value))
    value = (value & format.sign()) | (format.infinity() - 1);
  return m.relu ? rectified(format, value) : value;
}

static std::string written(const Modifiers &m) {
  return std::string(m.ftz ? ".ftz" : "") + (m.sat ? ".sat" : "") + (m.relu ? ".relu" : "") +
         (m.satfinite ? ".satfinite" : "");
}

static void expect_converted(const RealFormat &to, const RealFormat &from,
                             const std::string &rounding, const Modifiers &m, unsigned sm = 80) {
  const bool widens = to.bits > from.bits || to.name == from.name;
  const std::vector<Values> rows =
      widens ? product({special_reals(from, 500)}) : values_around(to, from);
  const std::string text = "cvt" + (rounding.empty() ? "" : "." + rounding) + written(m) + "." +
                           to.name + "." + from.name + " %d, %a;";
  expect_reals({text, to, {&from}, sm}, rows, [&](const Values &in) {
    uint64_t value = in[0] & (from.sign() | (from.sign() - 1));
    if (m.ftz && from.bits == 32) value = from.flush(value);
    value = exact_convert(to, from, value, rounding.empty() ? "rn" : rounding);
    if (m.ftz && to.bits == 32) value = to.flush(value);
    return limited(to, value, m);
  });
}

Test(convert_real, narrowing) {
  for (const char *rounding : {"rn", "rz", "rm", "rp"}) {
    expect_converted(kF16, kF32, rounding, {});
    expect_converted(kF16, kF64, rounding, {});
    expect_converted(kBf16, kF32, rounding, {});
    expect_converted(kF32, kF64, rounding, {});
    expect_converted(kBf16, kF64, rounding, {}, 90);
    expect_converted(kBf16, kF16, rounding, {}, 90);
    expect_converted(kF16, kBf16, rounding, {}, 90);
  }
}

Test(convert_real, narrowing_with_ftz_and_sat) {
  for (const char *rounding : {"rn", "rz", "rm", "rp"}) {
    expect_converted(kF16, kF32, rounding, {true, false, false, false});
    expect_converted(kF16, kF32, rounding, {true, true, false, false});
    expect_converted(kBf16, kF32, rounding, {true, false, false, false});
    expect_converted(kF32, kF64, rounding, {true, false, false, false});
    expect_converted(kF32, kF64, rounding, {false, true, false, false});
    expect_converted(kF16, kF64, rounding, {false, true, false, false});
  }
}

Test(convert_real, relu_and_satfinite) {
  for (const char *rounding : {"rn", "rz"}) {
    for (const RealFormat *to : {&kF16, &kBf16}) {
      expect_converted(*to, kF32, rounding, {false, false, true, false});
      expect_converted(*to, kF32, rounding, {false, false, false, true});
      expect_converted(*to, kF32, rounding, {false, false, true, true});
    }
  }
}

Test(convert_real, widening) {
  expect_converted(kF32, kF16, "", {});
  expect_converted(kF32, kF16, "", {true, false, false, false});
  expect_converted(kF32, kF16, "", {true, true, false, false});
  expect_converted(kF64, kF16, "", {});
  expect_converted(kF32, kBf16, "", {});
  expect_converted(kF32, kBf16, "", {true, false, false, false}, 90);
  expect_converted(kF64, kBf16, "", {}, 90);
  expect_converted(kF64, kF32, "", {});
  expect_converted(kF64, kF32, "", {true, false, false, false});
  expect_converted(kF64, kF32, "", {false, true, false, false});
  expect_converted(kF32, kF32, "", {true, true, false, false});
  expect_converted(kF64, kF64, "", {false, true, false, false});
  expect_converted(kF16, kF16, "", {false, true, false, false});
}

/* Every f16, as a whole kernel sees it. */
Test(convert_real, all_halves) {
  std::vector<Values> rows;
  for (uint64_t bits = 0; bits < 0x10000; bits += 7) rows.push_back({bits});
  expect_reals({"cvt.f32.f16 %d, %a;", kF32, {&kF16}}, rows,
               [](const Values &in) { return exact_convert(kF32, kF16, in[0], "rn"); });
}

static void expect_tf32(const char *qualifiers, const char *rounding, const Modifiers &m,
                        unsigned sm) {
  const std::string text = std::string("cvt.") + qualifiers + ".tf32.f32 %d, %a;";
  expect_reals({text, kF32, {&kF32}, sm}, values_around(kTf32, kF32), [&](const Values &in) {
    const uint64_t bits = in[0] & 0xffffffff;
    if (kF32.is_nan(bits)) return kF32.nan;
    return limited(kTf32, exact_convert(kTf32, kF32, bits, rounding), m) << 13;
  });
}

Test(convert_real, tf32) {
  expect_tf32("rna", "rna", {}, 80);
  expect_tf32("rna.satfinite", "rna", {false, false, false, true}, 80);
  expect_tf32("rn", "rn", {}, 90);
  expect_tf32("rz.relu", "rz", {false, false, true, false}, 90);
}

static double integral(double value, const std::string &mode) {
  if (mode == "rni") return std::nearbyint(value);
  if (mode == "rzi") return std::trunc(value);
  return mode == "rmi" ? std::floor(value) : std::ceil(value);
}

static void expect_integral(const RealFormat &format, const std::string &mode, const Modifiers &m) {
  std::vector<Values> rows = product({special_reals(format, 300)});
  for (int i = -40; i <= 40; i++) {
    rows.push_back({exact_convert(format, kF64, bits_of(0.125 * i), "rn")});
    rows.push_back({exact_convert(format, kF64, bits_of(250.0 + 0.5 * i), "rn")});
  }
  const std::string text =
      "cvt." + mode + written(m) + "." + format.name + "." + format.name + " %d, %a;";
  expect_reals({text, format, {&format}}, rows, [&](const Values &in) {
    uint64_t bits = in[0] & (format.sign() | (format.sign() - 1));
    if (m.ftz) bits = format.flush(bits);
    if (format.is_nan(bits)) return limited(format, format.nan, m);
    const double value = double_of(exact_convert(kF64, format, bits, "rn"));
    const uint64_t result = exact_convert(format, kF64, bits_of(integral(value, mode)), "rn");
    return limited(format, result, m);
  });
}

Test(convert_real, to_integral_values) {
  for (const char *mode : {"rni", "rzi", "rmi", "rpi"}) {
    expect_integral(kF16, mode, {});
    expect_integral(kF32, mode, {});
    expect_integral(kF32, mode, {true, false, false, false});
    expect_integral(kF32, mode, {true, true, false, false});
    expect_integral(kF64, mode, {});
  }
}

static void expect_pair(const RealFormat &to, const std::string &rounding, const Modifiers &m) {
  const std::string text = "cvt." + rounding + written(m) + "." + to.name + "x2.f32 %d, %a, %b;";
  std::vector<Values> rows;
  const std::vector<Values> values = values_around(to, kF32);
  for (size_t i = 0; i < values.size(); i++) {
    rows.push_back({values[i][0], values[values.size() - 1 - i][0]});
  }
  expect_reals({text, kF32, {&kF32, &kF32}}, rows, [&](const Values &in) {
    const auto half = [&](uint64_t bits) {
      return limited(to, exact_convert(to, kF32, bits & 0xffffffff, rounding), m);
    };
    return half(in[0]) << 16 | half(in[1]);
  });
}

Test(convert_real, pairs) {
  for (const char *rounding : {"rn", "rz"}) {
    for (const RealFormat *to : {&kF16, &kBf16}) {
      expect_pair(*to, rounding, {});
      expect_pair(*to, rounding, {false, false, true, false});
      expect_pair(*to, rounding, {false, false, false, true});
      expect_pair(*to, rounding, {false, false, true, true});
    }
  }
}

/* The first source is the high half, and undefined alone. */
Test(convert_real, pairs_undefined) {
  expect_rows({"cvt.rn.f16x2.f32 %d, %a, %b;", {{"%d", "b32"}}, {{"%a", "b32"}, {"%b", "b32"}}},
              {{{0x3f800000, 0x40000000}, {0x3c004000}, {0xff, 0}, {0xffff0000}},
               {{0x3f800000, 0x40000000}, {0x3c004000}, {0, 0xff000000}, {0x0000ffff}}});
}

/* What ptxas refuses for sm_80 whatever the registers. */
Test(convert_real, unsupported) {
  const char *texts[] = {"cvt.f16.f32 %d, %a;",
                         "cvt.rn.f64.f32 %d, %a;",
                         "cvt.rp.relu.f16.f32 %d, %a;",
                         "cvt.rni.f16.f32 %d, %a;",
                         "cvt.rmi.f32.f64 %d, %b;",
                         "cvt.rn.f32.f32 %d, %a;",
                         "cvt.rn.sat.bf16.f32 %d, %a;",
                         "cvt.s32.f32 %d, %a;",
                         "cvt.rni.ftz.s64.f64 %b, %b;",
                         "cvt.ftz.u32.u16 %d, %a;",
                         "cvt.rn.satfinite.e4m3x2.f32 %d, %a, %a;",
                         "cvt.rm.f16x2.f32 %d, %a, %a;",
                         "cvt.rn.ftz.f16x2.f32 %d, %a, %a;"};
  for (const char *text : texts) {
    expect_unsupported({text, {{"%d", "b32"}}, {{"%a", "b32"}, {"%b", "b64"}}}, "unsupported");
  }
}
