/* The conversions under the narrow formats, exhaustively where that is possible. */
#include <criterion/criterion.h>

#include <cinttypes>

#include "tests/gpusim/cases/reals.h"
#include "tests/gpusim/exec/half.h"

using namespace gpusim;
using namespace gpusim::cases;

template <class Format>
static void expect_all_halves_widen(const RealFormat &format) {
  for (uint32_t bits = 0; bits < 0x10000; bits++) {
    const uint64_t expected = exact_convert(kF32, format, bits, "rn");
    const uint64_t actual = bits_of(to_float(Format{}, static_cast<uint16_t>(bits)));
    cr_assert(actual == expected || (kF32.is_nan(actual) && kF32.is_nan(expected)),
              "%s 0x%04x: 0x%" PRIx64 " instead of 0x%" PRIx64, format.name, bits, actual,
              expected);
  }
}

Test(half, every_half_has_its_float) {
  expect_all_halves_widen<F16>(kF16);
  expect_all_halves_widen<BF16>(kBf16);
}

template <class Format, Rounding kRounding>
static void expect_narrow(const RealFormat &format, uint32_t bits, const char *rounding) {
  const uint64_t expected = exact_convert(format, kF32, bits, rounding);
  const uint64_t actual = from_float<kRounding>(Format{}, single_of(bits));
  cr_assert_eq(actual, expected, "%s.%s of 0x%08x: 0x%" PRIx64 " instead of 0x%" PRIx64, rounding,
               format.name, bits, actual, expected);
}

/* Each number of the format, the middles between neighbours, and the floats beside both. */
template <class Format, Rounding kRounding>
static void expect_narrow_all(const RealFormat &format, const char *rounding) {
  for (uint32_t bits = 0; bits < format.infinity(); bits++) {
    const uint64_t here = exact_convert(kF32, format, bits, "rn");
    const uint64_t next = exact_convert(kF32, format, bits + 1, "rn");
    const uint32_t middle = static_cast<uint32_t>(here / 2 + next / 2);
    const uint32_t first = static_cast<uint32_t>(here);
    const uint32_t sign = bits % 3 == 0 ? 0x80000000u : 0;
    for (uint32_t beside = 0; beside < 3; beside++) {
      expect_narrow<Format, kRounding>(format, (middle + beside - 1) | sign, rounding);
      if (first + beside == 0) continue;
      expect_narrow<Format, kRounding>(format, (first + beside - 1) | sign, rounding);
    }
  }
  for (const uint64_t bits : special_reals(kF32, 1000)) {
    expect_narrow<Format, kRounding>(format, static_cast<uint32_t>(bits), rounding);
  }
}

template <Rounding kRounding>
static void expect_both_formats(const char *rounding) {
  expect_narrow_all<F16, kRounding>(kF16, rounding);
  expect_narrow_all<BF16, kRounding>(kBf16, rounding);
}

Test(half, floats_round_to_nearest) { expect_both_formats<Rounding::rn>("rn"); }
Test(half, floats_round_to_zero) { expect_both_formats<Rounding::rz>("rz"); }
Test(half, floats_round_down) { expect_both_formats<Rounding::rm>("rm"); }
Test(half, floats_round_up) { expect_both_formats<Rounding::rp>("rp"); }

template <Rounding kRounding>
static void expect_tf32(const char *rounding) {
  Random source(3);
  Values values = special_reals(kF32, 20000);
  for (unsigned i = 0; i < 20000; i++) {
    const uint32_t bits = static_cast<uint32_t>(source.next());
    values.push_back((bits & 0xffffe000u) + 0xfffu + source.next() % 3);
  }
  for (const uint64_t bits : values) {
    const bool nan = kF32.is_nan(bits);
    const uint64_t expected =
        nan ? 0x7fffffff : exact_convert(kTf32, kF32, bits & 0xffffffff, rounding) << 13;
    const uint64_t actual = tf32_from_float<kRounding>(single_of(bits));
    cr_assert_eq(actual, expected, "%s of 0x%" PRIx64 ": 0x%" PRIx64 " instead of 0x%" PRIx64,
                 rounding, bits, actual, expected);
  }
}

Test(half, tf32) {
  expect_tf32<Rounding::rna>("rna");
  expect_tf32<Rounding::rn>("rn");
  expect_tf32<Rounding::rz>("rz");
}

/* Significands of every length, exponents through all ranges of the target. */
template <class Format, Rounding kRounding>
static void expect_significands(const RealFormat &format, const char *rounding) {
  Random source(17);
  for (unsigned i = 0; i < 20000; i++) {
    const unsigned shift = static_cast<unsigned>(source.next() % 64);
    const uint64_t significand = source.next() >> shift << (source.next() % 8);
    const int range = 2 * format.bias + 140;
    const int exponent = static_cast<int>(source.next() % static_cast<uint64_t>(range)) -
                         range / 2 - static_cast<int>(32 + format.fraction / 2);
    const bool negative = source.next() % 2 != 0;
    uint64_t expected = Exact(negative, significand, exponent).round(format, rounding);
    if (format.is_zero(expected)) expected = negative ? format.sign() : 0;
    const uint64_t actual = round_significand<Format, kRounding>(negative, significand, exponent);
    cr_assert_eq(actual, expected, "%s.%s: %d 0x%" PRIx64 " e%d: 0x%" PRIx64 " not 0x%" PRIx64,
                 rounding, format.name, negative, significand, exponent, actual, expected);
  }
}

template <class Format>
static void expect_significands_rounded(const RealFormat &format) {
  expect_significands<Format, Rounding::rn>(format, "rn");
  expect_significands<Format, Rounding::rz>(format, "rz");
  expect_significands<Format, Rounding::rm>(format, "rm");
  expect_significands<Format, Rounding::rp>(format, "rp");
}

Test(half, significands_round_once) {
  expect_significands_rounded<F16>(kF16);
  expect_significands_rounded<BF16>(kBf16);
  expect_significands_rounded<F32>(kF32);
  expect_significands_rounded<F64>(kF64);
}
