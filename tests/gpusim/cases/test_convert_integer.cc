/* cvt between integers, from integers to reals and back, cvt.pack. */
#include <criterion/criterion.h>

#include <cmath>

#include "tests/gpusim/cases/reals.h"

using namespace gpusim::cases;

struct IntegerType {
  const char *name;
  unsigned bits;
  bool is_signed;

  uint64_t mask() const { return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }
  __int128 value(uint64_t pattern) const {
    const __int128 low = pattern & mask();
    return is_signed && (low >> (bits - 1)) != 0 ? low - (static_cast<__int128>(1) << bits) : low;
  }
  __int128 lowest() const { return is_signed ? -(static_cast<__int128>(1) << (bits - 1)) : 0; }
  __int128 highest() const {
    return (static_cast<__int128>(1) << (is_signed ? bits - 1 : bits)) - 1;
  }
};

static const IntegerType kIntegers[] = {{"u8", 8, false},   {"s8", 8, true},    {"u16", 16, false},
                                        {"s16", 16, true},  {"u32", 32, false}, {"s32", 32, true},
                                        {"u64", 64, false}, {"s64", 64, true}};

/* The narrowest register that takes the type; there are none of 8 bits in what nvcc writes. */
static unsigned register_bits(unsigned bits) { return bits == 8 ? 16 : bits; }

static std::string b(unsigned bits) { return "b" + std::to_string(bits); }

/* The result as it fills a register: extended by its sign or by zeros. */
static uint64_t filled(const IntegerType &type, __int128 value) {
  return static_cast<uint64_t>(type.value(static_cast<uint64_t>(value)));
}

static void expect_integers(const IntegerType &to, const IntegerType &from, bool sat,
                            unsigned target_bits, unsigned source_bits) {
  const std::string text =
      std::string("cvt") + (sat ? ".sat." : ".") + to.name + "." + from.name + " %d, %a;";
  const Values source = edges(source_bits, 12);
  expect_each({text, {{"%d", b(target_bits)}}, {{"%a", b(source_bits)}}}, product({source}),
              [&](const Values &in) {
                __int128 value = from.value(in[0]);
                if (sat && value < to.lowest()) value = to.lowest();
                if (sat && value > to.highest()) value = to.highest();
                return Values{filled(to, value)};
              });
}

Test(convert_integer, between_integers) {
  for (const IntegerType &to : kIntegers) {
    for (const IntegerType &from : kIntegers) {
      const unsigned target = register_bits(to.bits);
      const unsigned source = register_bits(from.bits);
      expect_integers(to, from, false, target, source);
      expect_integers(to, from, true, target, source);
    }
  }
}

Test(convert_integer, wide_registers) {
  expect_integers(kIntegers[0], kIntegers[5], false, 32, 64);
  expect_integers(kIntegers[1], kIntegers[4], false, 64, 32);
  expect_integers(kIntegers[3], kIntegers[1], true, 32, 32);
  expect_integers(kIntegers[4], kIntegers[2], false, 64, 32);
  expect_integers(kIntegers[5], kIntegers[7], false, 64, 64);
}

/* Truncation and extension move undefined bits: nothing more and nothing less. */
Test(convert_integer, undefined_bits) {
  expect_rows({"cvt.u16.u32 %d, %a;", {{"%d", "b16"}}, {{"%a", "b32"}}},
              {{{0x12345678}, {0x5678}, {0xffff0000}, {0}},
               {{0x12345678}, {0x5678}, {0x0000ff00}, {0xff00}}});
  expect_rows({"cvt.u64.u32 %d, %a;", {{"%d", "b64"}}, {{"%a", "b32"}}},
              {{{7}, {7}, {0xffffffff}, {0xffffffff}}, {{7}, {7}, {0}, {0}}});
  expect_rows({"cvt.s64.s32 %d, %a;", {{"%d", "b64"}}, {{"%a", "b32"}}},
              {{{7}, {7}, {0xff000000}, {0xffffffffff000000}}, {{7}, {7}, {0xff}, {0xff}}});
}

static Values integer_values(unsigned bits) {
  Values values = edges(bits, 40);
  /* Numbers with many bits, and numbers on and beside the middle of two floats. */
  for (unsigned shift = 0; shift + 26 < bits; shift += 3) {
    for (uint64_t low = 0; low < 3; low++) {
      values.push_back((uint64_t{0x1000001} << shift) + low - 1);
      values.push_back(0 - ((uint64_t{0x1000003} << shift) + low - 1));
    }
  }
  for (unsigned i = 0; i < bits; i++) values.push_back((uint64_t{1} << i) - 3);
  for (uint64_t i = 2045; i < 2054; i++) values.push_back(i);
  for (uint64_t i = 65500; i < 65540; i += 4) values.push_back(i);
  return values;
}

static void expect_to_real(const RealFormat &to, const IntegerType &from, unsigned sm) {
  for (const char *rounding : {"rn", "rz", "rm", "rp"}) {
    const std::string text =
        std::string("cvt.") + rounding + "." + to.name + "." + from.name + " %d, %a;";
    const InstructionCase test = {
        text, {{"%d", b(to.bits)}}, {{"%a", b(register_bits(from.bits))}}, {}, {}, sm};
    expect_each(test, product({integer_values(register_bits(from.bits))}), [&](const Values &in) {
      return Values{Exact::integer(from.value(in[0])).round(to, rounding)};
    });
  }
}

Test(convert_integer, to_real) {
  for (const IntegerType &from : kIntegers) {
    expect_to_real(kF16, from, 80);
    expect_to_real(kF32, from, 80);
    expect_to_real(kF64, from, 80);
    expect_to_real(kBf16, from, 90);
  }
}

/* PTX ISA, cvt: what NaN gives. */
static uint64_t nan_result(const RealFormat &from, const IntegerType &to) {
  const bool high_bit = from.bits == 64 || to.bits == 64;
  return high_bit ? filled(to, static_cast<__int128>(1) << (to.bits - 1)) : 0;
}

static uint64_t to_integer(const RealFormat &from, const IntegerType &to, uint64_t bits,
                           const std::string &mode) {
  if (from.is_nan(bits)) return nan_result(from, to);
  const bool negative = (bits & from.sign()) != 0;
  if (from.is_infinite(bits)) return filled(to, negative ? to.lowest() : to.highest());
  long double value = double_of(exact_convert(kF64, from, bits, "rn"));
  if (mode == "rni") value = std::nearbyint(value);
  if (mode == "rzi") value = std::trunc(value);
  if (mode == "rmi") value = std::floor(value);
  if (mode == "rpi") value = std::ceil(value);
  if (value < static_cast<long double>(to.lowest())) return filled(to, to.lowest());
  if (value > static_cast<long double>(to.highest())) return filled(to, to.highest());
  return filled(to, static_cast<__int128>(value));
}

static Values reals_near_integers(const RealFormat &format) {
  Values values = special_reals(format, 60);
  for (const uint64_t near : {8, 16, 24, 32, 64}) {
    const uint64_t power = static_cast<uint64_t>(format.bias) + near;
    if (power << format.fraction >= format.infinity()) continue;
    for (uint64_t half = 0; half < 2; half++) {
      const uint64_t bits = (power - half) << format.fraction;
      for (uint64_t beside = 0; beside < 3; beside++) {
        values.push_back(bits + beside - 1);
        values.push_back((bits + beside - 1) | format.sign());
      }
    }
  }
  for (int quarters = -14; quarters <= 14; quarters++) {
    values.push_back(exact_convert(format, kF64, bits_of(0.25 * quarters), "rn"));
    values.push_back(exact_convert(format, kF64, bits_of(100.0 + 0.25 * quarters), "rn"));
  }
  return values;
}

static void expect_from_real(const RealFormat &from, const IntegerType &to, unsigned sm) {
  for (const char *mode : {"rni", "rzi", "rmi", "rpi"}) {
    for (const bool sat : {false, true}) {
      const std::string text = std::string("cvt.") + mode + (sat ? ".sat." : ".") + to.name + "." +
                               from.name + " %d, %a;";
      const InstructionCase test = {
          text, {{"%d", b(register_bits(to.bits))}}, {{"%a", b(from.bits)}}, {}, {}, sm};
      expect_each(test, product({reals_near_integers(from)}), [&](const Values &in) {
        const uint64_t bits = in[0] & (from.sign() | (from.sign() - 1));
        return Values{to_integer(from, to, bits, mode)};
      });
    }
  }
}

Test(convert_integer, from_real) {
  for (const IntegerType &to : kIntegers) {
    expect_from_real(kF16, to, 80);
    expect_from_real(kF32, to, 80);
    expect_from_real(kF64, to, 80);
    expect_from_real(kBf16, to, 90);
  }
}

/* A flushed subnormal is no longer above or below zero. */
Test(convert_integer, ftz) {
  expect_rows({"cvt.rpi.ftz.s32.f32 %d, %a;", {{"%d", "b32"}}, {{"%a", "b32"}}},
              {{{1}, {0}}, {{0x007fffff}, {0}}, {{0x00800000}, {1}}});
  expect_rows({"cvt.rpi.s32.f32 %d, %a;", {{"%d", "b32"}}, {{"%a", "b32"}}},
              {{{1}, {1}}, {{0x80000001}, {0}}, {{0x00800000}, {1}}});
  expect_rows({"cvt.rmi.ftz.s32.f32 %d, %a;", {{"%d", "b32"}}, {{"%a", "b32"}}},
              {{{0x80000001}, {0}}, {{0x80800000}, {0xffffffff}}});
}

Test(convert_integer, saturated_reals) {
  expect_rows({"cvt.rn.sat.f32.s32 %d, %a;", {{"%d", "b32"}}, {{"%a", "b32"}}},
              {{{0}, {0}}, {{1}, {0x3f800000}}, {{5}, {0x3f800000}}, {{0xffffffff}, {0}}});
}

static void expect_pack(const char *type, unsigned bits, bool is_signed) {
  const IntegerType field = {type, bits, is_signed};
  const bool third = bits < 16;
  InstructionCase test = {std::string("cvt.pack.sat.") + type +
                              (third ? ".s32.b32 %d, %a, %b, %c;" : ".s32 %d, %a, %b;"),
                          {{"%d", "b32"}},
                          {{"%a", "b32"}, {"%b", "b32"}}};
  std::vector<Values> lists = {edges(32), edges(32)};
  if (third) test.inputs.push_back({"%c", "b32"});
  if (third) lists.push_back({0, 0xffffffff, 0x12345678});
  expect_each(test, product(lists), [&](const Values &in) {
    uint64_t result = third ? in[2] << (2 * bits) : 0;
    for (size_t i = 0; i < 2; i++) {
      __int128 value = IntegerType{"s32", 32, true}.value(in[i]);
      if (value < field.lowest()) value = field.lowest();
      if (value > field.highest()) value = field.highest();
      result |= (static_cast<uint64_t>(value) & field.mask()) << (i == 0 ? bits : 0);
    }
    return Values{result & 0xffffffff};
  });
}

Test(convert_integer, pack) {
  expect_pack("u16", 16, false);
  expect_pack("s16", 16, true);
  expect_pack("u8", 8, false);
  expect_pack("s8", 8, true);
  expect_pack("u4", 4, false);
  expect_pack("s4", 4, true);
  expect_pack("u2", 2, false);
  expect_pack("s2", 2, true);
}
