/* mul, mad, mul24, mad24, carry chains, dp4a, dp2a against formulas in 128 bits. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/instruction_case.h"

using namespace gpusim::cases;
using Wide = __int128;
using UnsignedWide = unsigned __int128;

namespace {

/* The low bits as a number. */
Wide number(uint64_t pattern, unsigned bits, bool is_signed) {
  const Wide modulus = Wide{1} << bits;
  const Wide value = Wide{pattern} & (modulus - 1);
  return is_signed && value >= modulus / 2 ? value - modulus : value;
}

Slot slot(const char *name, bool is_signed, unsigned bits) {
  return {name, (is_signed ? "s" : "u") + std::to_string(bits)};
}

std::string suffix(bool is_signed, unsigned bits) {
  return std::string(".") + (is_signed ? "s" : "u") + std::to_string(bits);
}

/* Modulo 2^128: the square of the greatest 64-bit number is no Wide. */
Wide times(Wide a, Wide b) {
  using Pattern = unsigned __int128;
  return static_cast<Wide>(static_cast<Pattern>(a) * static_cast<Pattern>(b));
}

void expect_halves(bool is_signed, unsigned bits) {
  const Slot d = slot("%d", is_signed, bits), a = slot("%a", is_signed, bits);
  const Slot b = slot("%b", is_signed, bits), c = slot("%c", is_signed, bits);
  const std::string type = suffix(is_signed, bits);
  for (const bool high : {false, true}) {
    const auto half = [=](const Values &in) {
      const Wide whole = times(number(in[0], bits, is_signed), number(in[1], bits, is_signed));
      return static_cast<uint64_t>(high ? whole >> bits : whole);
    };
    const std::string part = high ? ".hi" : ".lo";
    expect_each({"mul" + part + type + " %d, %a, %b;", {d}, {a, b}},
                product({edges(bits), edges(bits)}),
                [&half](const Values &in) { return Values{half(in)}; });
    expect_each({"mad" + part + type + " %d, %a, %b, %c;", {d}, {a, b, c}},
                product({edges(bits), edges(bits), edges(bits, 0)}),
                [&half](const Values &in) { return Values{half(in) + in[2]}; });
  }
}

void expect_wide(bool is_signed, unsigned bits) {
  const Slot d = slot("%d", is_signed, 2 * bits), a = slot("%a", is_signed, bits);
  const Slot b = slot("%b", is_signed, bits), c = slot("%c", is_signed, 2 * bits);
  const std::string type = suffix(is_signed, bits);
  const auto whole = [=](const Values &in) {
    return static_cast<uint64_t>(number(in[0], bits, is_signed) * number(in[1], bits, is_signed));
  };
  expect_each({"mul.wide" + type + " %d, %a, %b;", {d}, {a, b}},
              product({edges(bits), edges(bits)}),
              [&whole](const Values &in) { return Values{whole(in)}; });
  expect_each({"mad.wide" + type + " %d, %a, %b, %c;", {d}, {a, b, c}},
              product({edges(bits), edges(bits), edges(2 * bits, 0)}),
              [&whole](const Values &in) { return Values{whole(in) + in[2]}; });
}

uint64_t saturated(Wide value) {
  const Wide low = INT32_MIN, high = INT32_MAX;
  return static_cast<uint64_t>(value < low ? low : value > high ? high : value);
}

}  // namespace

Test(multiply, halves) {
  for (const bool is_signed : {false, true}) {
    for (const unsigned bits : {16u, 32u, 64u}) expect_halves(is_signed, bits);
  }
}

Test(multiply, wide) {
  for (const bool is_signed : {false, true}) {
    for (const unsigned bits : {16u, 32u}) expect_wide(is_signed, bits);
  }
}

Test(multiply, mad_saturated) {
  expect_each({"mad.hi.sat.s32 %d, %a, %b, %c;",
               {{"%d", "s32"}},
               {{"%a", "s32"}, {"%b", "s32"}, {"%c", "s32"}}},
              product({edges(32), edges(32), edges(32)}), [](const Values &in) {
                const Wide whole = number(in[0], 32, true) * number(in[1], 32, true);
                return Values{saturated((whole >> 32) + number(in[2], 32, true))};
              });
}

Test(multiply, mul24) {
  for (const bool is_signed : {false, true}) {
    for (const bool high : {false, true}) {
      const auto part = [=](const Values &in) {
        const Wide whole = number(in[0], 24, is_signed) * number(in[1], 24, is_signed);
        return static_cast<uint64_t>(high ? whole >> 16 : whole);
      };
      const std::string mode = std::string(high ? ".hi" : ".lo") + suffix(is_signed, 32);
      const Slot d = slot("%d", is_signed, 32), a = slot("%a", is_signed, 32);
      const Slot b = slot("%b", is_signed, 32), c = slot("%c", is_signed, 32);
      std::vector<Values> pairs = product({edges(24), edges(24)});
      for (const Values &more : product({edges(32), edges(32)})) pairs.push_back(more);
      expect_each({"mul24" + mode + " %d, %a, %b;", {d}, {a, b}}, pairs,
                  [&part](const Values &in) { return Values{part(in)}; });
      expect_each({"mad24" + mode + " %d, %a, %b, %c;", {d}, {a, b, c}},
                  product({edges(24), edges(32), edges(32, 0)}),
                  [&part](const Values &in) { return Values{part(in) + in[2]}; });
    }
  }
  expect_each({"mad24.hi.sat.s32 %d, %a, %b, %c;",
               {{"%d", "s32"}},
               {{"%a", "s32"}, {"%b", "s32"}, {"%c", "s32"}}},
              product({edges(24), edges(24), edges(32)}), [](const Values &in) {
                const Wide whole = number(in[0], 24, true) * number(in[1], 24, true);
                return Values{saturated(number(static_cast<uint64_t>(whole >> 16), 32, true) +
                                        number(in[2], 32, true))};
              });
}

/* 128-bit sums and differences from 32-bit and from 64-bit parts. */
Test(carry, sum_of_four_words) {
  const std::vector<Slot> outputs = {{"%d0", "u32"}, {"%d1", "u32"}, {"%d2", "u32"}};
  const std::vector<Slot> inputs = {{"%a0", "u32"}, {"%a1", "u32"}, {"%b0", "u32"}, {"%b1", "u32"}};
  const std::vector<Values> rows =
      product({edges(32, 2), edges(32, 0), edges(32, 2), edges(32, 0)});
  expect_each(
      {"add.cc.u32 %d0, %a0, %b0; addc.cc.s32 %d1, %a1, %b1; addc.u32 %d2, 0, 0;", outputs, inputs},
      rows, [](const Values &in) {
        const Wide sum = (Wide{in[1]} << 32) + in[0] + (Wide{in[3]} << 32) + in[2];
        return Values{static_cast<uint64_t>(sum), static_cast<uint64_t>(sum >> 32),
                      static_cast<uint64_t>(sum >> 64)};
      });
  expect_each(
      {"sub.cc.s32 %d0, %a0, %b0; subc.cc.u32 %d1, %a1, %b1; subc.u32 %d2, 0, 0;", outputs, inputs},
      rows, [](const Values &in) {
        const Wide sum = (Wide{in[1]} << 32) + in[0] - (Wide{in[3]} << 32) - in[2];
        return Values{static_cast<uint64_t>(sum), static_cast<uint64_t>(sum >> 32),
                      static_cast<uint64_t>(sum >> 64)};
      });
}

Test(carry, sum_of_two_long_words) {
  const std::vector<Slot> outputs = {{"%d0", "u64"}, {"%d1", "u64"}};
  const std::vector<Slot> inputs = {{"%a0", "u64"}, {"%a1", "u64"}, {"%b0", "u64"}, {"%b1", "u64"}};
  const std::vector<Values> rows =
      product({edges(64, 2), edges(64, 0), edges(64, 2), edges(64, 0)});
  const auto whole = [](uint64_t low, uint64_t high) {
    return static_cast<UnsignedWide>(high) << 64 | low;
  };
  expect_each({"add.cc.u64 %d0, %a0, %b0; addc.s64 %d1, %a1, %b1;", outputs, inputs}, rows,
              [&whole](const Values &in) {
                const UnsignedWide sum = whole(in[0], in[1]) + whole(in[2], in[3]);
                return Values{static_cast<uint64_t>(sum), static_cast<uint64_t>(sum >> 64)};
              });
  expect_each({"sub.cc.u64 %d0, %a0, %b0; subc.s64 %d1, %a1, %b1;", outputs, inputs}, rows,
              [&whole](const Values &in) {
                const UnsignedWide sum = whole(in[0], in[1]) - whole(in[2], in[3]);
                return Values{static_cast<uint64_t>(sum), static_cast<uint64_t>(sum >> 64)};
              });
}

/* The product of two 64-bit numbers from 32-bit products, in the manner of long multiplication. */
Test(carry, long_product) {
  expect_each(
      {"mul.lo.u32 %r0, %a0, %b0; mul.hi.u32 %r1, %a0, %b0;"
       "mad.lo.cc.u32 %r1, %a1, %b0, %r1; madc.hi.u32 %r2, %a1, %b0, 0;"
       "mad.lo.cc.u32 %r1, %a0, %b1, %r1; madc.hi.cc.u32 %r2, %a0, %b1, %r2;"
       "addc.u32 %r3, 0, 0; mad.lo.cc.u32 %r2, %a1, %b1, %r2;"
       "madc.hi.u32 %r3, %a1, %b1, %r3;",
       {{"%r0", "u32"}, {"%r1", "u32"}, {"%r2", "u32"}, {"%r3", "u32"}},
       {{"%a0", "u32"}, {"%a1", "u32"}, {"%b0", "u32"}, {"%b1", "u32"}}},
      product({edges(32, 1), edges(32, 0), edges(32, 1), edges(32, 0)}), [](const Values &in) {
        const UnsignedWide whole =
            static_cast<UnsignedWide>(in[1] << 32 | in[0]) * (in[3] << 32 | in[2]);
        return Values{static_cast<uint64_t>(whole), static_cast<uint64_t>(whole >> 32),
                      static_cast<uint64_t>(whole >> 64), static_cast<uint64_t>(whole >> 96)};
      });
}

Test(carry, signed_high_product) {
  expect_each({"mad.hi.cc.s32 %d, %a, %b, %c; addc.u32 %e, 0, 0;",
               {{"%d", "s32"}, {"%e", "u32"}},
               {{"%a", "s32"}, {"%b", "s32"}, {"%c", "s32"}}},
              product({edges(32), edges(32), edges(32, 0)}), [](const Values &in) {
                const Wide whole = number(in[0], 32, true) * number(in[1], 32, true);
                const uint64_t sum = (static_cast<uint64_t>(whole >> 32) & 0xffffffff) + in[2];
                return Values{sum, sum >> 32};
              });
}

Test(carry, undefined_carry) {
  std::vector<Row> rows;
  for (uint64_t i = 0; i < 32; i++) {
    Row row{{i, 7, 9}, {i + 7, 9}};
    if (i % 3 == 0) row.in_undefined = Values{0xff, 0, 0};
    if (i % 3 == 0) row.out_undefined = Values{0xffffffff, 0xffffffff};
    rows.push_back(row);
  }
  expect_rows({"add.cc.u32 %d, %a, %b; addc.u32 %e, %c, 0;",
               {{"%d", "u32"}, {"%e", "u32"}},
               {{"%a", "u32"}, {"%b", "u32"}, {"%c", "u32"}}},
              rows);
}

Test(dot, dp4a) {
  for (const bool a_signed : {false, true}) {
    for (const bool b_signed : {false, true}) {
      expect_each({"dp4a" + suffix(a_signed, 32) + suffix(b_signed, 32) + " %d, %a, %b, %c;",
                   {{"%d", "b32"}},
                   {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}}},
                  product({edges(32), edges(32), edges(32, 1)}), [=](const Values &in) {
                    Wide sum = in[2];
                    for (unsigned i = 0; i < 32; i += 8) {
                      sum += number(in[0] >> i, 8, a_signed) * number(in[1] >> i, 8, b_signed);
                    }
                    return Values{static_cast<uint64_t>(sum)};
                  });
    }
  }
}

Test(dot, dp2a) {
  for (const bool high : {false, true}) {
    for (const bool a_signed : {false, true}) {
      for (const bool b_signed : {false, true}) {
        expect_each({std::string("dp2a") + (high ? ".hi" : ".lo") + suffix(a_signed, 32) +
                         suffix(b_signed, 32) + " %d, %a, %b, %c;",
                     {{"%d", "b32"}},
                     {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}}},
                    product({edges(32), edges(32), edges(32, 1)}), [=](const Values &in) {
                      const uint64_t b = high ? in[1] >> 16 : in[1];
                      const Wide sum =
                          in[2] + number(in[0], 16, a_signed) * number(b, 8, b_signed) +
                          number(in[0] >> 16, 16, a_signed) * number(b >> 8, 8, b_signed);
                      return Values{static_cast<uint64_t>(sum)};
                    });
      }
    }
  }
}
