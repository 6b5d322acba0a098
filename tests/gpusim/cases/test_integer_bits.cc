/* popc, clz, bfind, brev, cnot, fns, bfe, bfi, bmsk, szext: against loops over bits, as the PTX ISA
 * defines them. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/instruction_case.h"

using namespace gpusim::cases;

namespace {

bool bit(uint64_t value, unsigned i) { return (value >> i & 1) != 0; }

uint64_t low(uint64_t value, unsigned bits) {
  return bits == 64 ? value : value & ((uint64_t{1} << bits) - 1);
}

Slot bits_slot(const char *name, unsigned bits) { return {name, "b" + std::to_string(bits)}; }

using Formula = uint64_t (*)(uint64_t a, unsigned bits);

/* target: bits of the result, 0 = those of the source. */
void expect_unary(const std::string &base, const std::vector<unsigned> &sizes, unsigned target,
                  Formula formula) {
  for (const unsigned bits : sizes) {
    Values values = edges(bits, 20);
    for (unsigned i = 0; i < bits; i++) values.push_back(uint64_t{1} << i);
    expect_each({base + std::to_string(bits) + " %d, %a;",
                 {bits_slot("%d", target == 0 ? bits : target)},
                 {bits_slot("%a", bits)}},
                product({values}),
                [=](const Values &in) { return Values{formula(low(in[0], bits), bits)}; });
  }
}

uint64_t highest(uint64_t a, unsigned bits) {
  for (unsigned i = bits; i-- > 0;) {
    if (bit(a, i)) return i;
  }
  return 0xffffffff;
}

uint64_t without_sign(uint64_t a, unsigned bits) { return bit(a, bits - 1) ? low(~a, bits) : a; }

const Values kPositions = {0, 1, 5, 8, 16, 30, 31, 32, 33, 63, 64, 65, 254, 255, 256, 0x12345620};

}  // namespace

Test(bits, popc) {
  expect_unary("popc.b", {32, 64}, 32, [](uint64_t a, unsigned) {
    uint64_t count = 0;
    for (; a != 0; a >>= 1) count += a & 1;
    return count;
  });
}

Test(bits, clz) {
  expect_unary("clz.b", {32, 64}, 32, [](uint64_t a, unsigned bits) {
    uint64_t count = 0;
    while (count < bits && !bit(a, bits - 1 - static_cast<unsigned>(count))) count++;
    return count;
  });
}

Test(bits, brev) {
  expect_unary("brev.b", {32, 64}, 0, [](uint64_t a, unsigned bits) {
    uint64_t result = 0;
    for (unsigned i = 0; i < bits; i++) result |= uint64_t{bit(a, i)} << (bits - 1 - i);
    return result;
  });
}

Test(bits, cnot) {
  expect_unary("cnot.b", {16, 32, 64}, 0,
               [](uint64_t a, unsigned) { return static_cast<uint64_t>(a == 0 ? 1 : 0); });
}

Test(bits, bfind) {
  expect_unary("bfind.u", {32, 64}, 32, highest);
  expect_unary("bfind.s", {32, 64}, 32,
               [](uint64_t a, unsigned bits) { return highest(without_sign(a, bits), bits); });
  expect_unary("bfind.shiftamt.u", {32, 64}, 32, [](uint64_t a, unsigned bits) {
    return a == 0 ? 0xffffffff : bits - 1 - highest(a, bits);
  });
  expect_unary("bfind.shiftamt.s", {32, 64}, 32, [](uint64_t a, unsigned bits) {
    const uint64_t found = highest(without_sign(a, bits), bits);
    return found == 0xffffffff ? found : bits - 1 - found;
  });
}

Test(bits, fns) {
  const Values offsets = {0,  1,          2,          7,          16,         31,         32,
                          33, 0x7fffffff, 0xffffffff, 0xfffffffe, 0xfffffff0, 0x80000000, 3};
  expect_each(
      {"fns.b32 %d, %a, %b, %c;", {{"%d", "b32"}}, {{"%a", "b32"}, {"%b", "b32"}, {"%c", "s32"}}},
      product({edges(32), {0, 1, 2, 3, 7, 15, 16, 30, 31}, offsets}), [](const Values &in) {
        const int64_t offset = static_cast<int32_t>(static_cast<uint32_t>(in[2]));
        const unsigned base = static_cast<unsigned>(in[1]);
        if (offset == 0) return Values{bit(in[0], base) ? base : 0xffffffff};
        int64_t count = (offset < 0 ? -offset : offset) - 1;
        for (int at = static_cast<int>(base); at >= 0 && at<32; at += offset> 0 ? 1 : -1) {
          if (!bit(in[0], static_cast<unsigned>(at))) continue;
          if (count-- == 0) return Values{static_cast<uint64_t>(at)};
        }
        return Values{0xffffffff};
      });
}

Test(bits, bfe) {
  for (const char sign : {'u', 's'}) {
    for (const unsigned bits : {32u, 64u}) {
      const std::string type = sign + std::to_string(bits);
      expect_each({"bfe." + type + " %d, %a, %b, %c;",
                   {{"%d", type}},
                   {{"%a", type}, {"%b", "u32"}, {"%c", "u32"}}},
                  product({edges(bits, 3), kPositions, kPositions}), [=](const Values &in) {
                    const unsigned msb = bits - 1;
                    const unsigned position = in[1] & 255, length = in[2] & 255;
                    bool fill = false;
                    if (sign == 's' && length != 0) {
                      const unsigned last = position + length - 1;
                      fill = bit(in[0], last < msb ? last : msb);
                    }
                    uint64_t result = 0;
                    for (unsigned i = 0; i <= msb; i++) {
                      const bool inside = i < length && position + i <= msb;
                      result |= uint64_t{inside ? bit(in[0], position + i) : fill} << i;
                    }
                    return Values{result};
                  });
    }
  }
}

Test(bits, bfi) {
  for (const unsigned bits : {32u, 64u}) {
    const Slot d = bits_slot("%d", bits), a = bits_slot("%a", bits), b = bits_slot("%b", bits);
    expect_each({"bfi.b" + std::to_string(bits) + " %d, %a, %b, %p, %n;",
                 {d},
                 {a, b, {"%p", "u32"}, {"%n", "u32"}}},
                product({edges(bits, 1), edges(bits, 1), kPositions, kPositions}),
                [=](const Values &in) {
                  const unsigned position = in[2] & 255, length = in[3] & 255;
                  uint64_t result = in[1];
                  for (unsigned i = 0; i < length && position + i < bits; i++) {
                    const uint64_t place = uint64_t{1} << (position + i);
                    result = bit(in[0], i) ? result | place : result & ~place;
                  }
                  return Values{result};
                });
  }
}

/* A mask of b ones from bit a on: nothing beyond bit 31; .wrap looks at five bits of each. */
Test(bits, bmsk) {
  for (const bool clamp : {false, true}) {
    expect_each({std::string("bmsk.") + (clamp ? "clamp" : "wrap") + ".b32 %d, %a, %b;",
                 {{"%d", "b32"}},
                 {{"%a", "b32"}, {"%b", "b32"}}},
                product({kPositions, kPositions}), [=](const Values &in) {
                  const uint64_t first = clamp ? in[0] : in[0] % 32;
                  const uint64_t count = clamp ? in[1] : in[1] % 32;
                  uint64_t result = 0;
                  for (uint64_t i = first; i < 32 && i - first < count; i++) {
                    result |= uint64_t{1} << i;
                  }
                  return Values{result};
                });
  }
}

Test(bits, szext) {
  for (const bool clamp : {false, true}) {
    for (const char sign : {'u', 's'}) {
      const std::string type = std::string(1, sign) + "32";
      expect_each({std::string("szext.") + (clamp ? "clamp." : "wrap.") + type + " %d, %a, %b;",
                   {{"%d", type}},
                   {{"%a", type}, {"%b", "u32"}}},
                  product({edges(32), kPositions}), [=](const Values &in) {
                    if (clamp && in[1] >= 32) return Values{in[0]};
                    const unsigned count = in[1] % 32;
                    uint64_t result = low(in[0], count == 0 ? 1 : count);
                    if (count == 0) result = 0;
                    const bool fill = sign == 's' && count != 0 && bit(in[0], count - 1);
                    for (unsigned i = count; i < 32 && fill; i++) result |= uint64_t{1} << i;
                    return Values{result};
                  });
    }
  }
}

/* Byte 1 of the source is undefined: it moves with its bits. */
Test(bits, undefined_fields) {
  const std::vector<Row> extracted = {
      {{0x11223344, 0, 8}, {0x44}, {0xff00, 0, 0}, {0}},
      {{0x11223344, 8, 8}, {0}, {0xff00, 0, 0}, {0xff}},
      {{0x11223344, 16, 16}, {0x1122}, {0xff00, 0, 0}, {0}},
      {{0x11223344, 4, 8}, {4}, {0xff00, 0, 0}, {0xff}},
      {{0x11223344, 0, 8}, {0}, {0, 0xff, 0}, {0xffffffff}},
      {{0x11223344, 0, 8}, {0}, {0, 0, 0xff00}, {0xffffffff}},
  };
  const std::vector<Slot> abc = {{"%a", "u32"}, {"%b", "u32"}, {"%c", "u32"}};
  expect_rows({"bfe.u32 %d, %a, %b, %c;", {{"%d", "u32"}}, abc}, extracted);
  expect_rows({"bfe.s32 %d, %a, %b, %c;", {{"%d", "u32"}}, abc},
              {{{0x11223344, 8, 8}, {0}, {0xff00, 0, 0}, {0xffffffff}},
               {{0x11223344, 0, 8}, {0x44}, {0xff00, 0, 0}, {0}}});
  const std::vector<Slot> sources = {{"%a", "b32"}, {"%b", "b32"}, {"%p", "u32"}, {"%n", "u32"}};
  expect_rows({"bfi.b32 %d, %a, %b, %p, %n;", {{"%d", "b32"}}, sources},
              {{{0xab, 0, 8, 8}, {0xab00}, {0, 0xff00, 0, 0}, {0}},
               {{0xab, 0, 8, 8}, {0}, {0xff, 0, 0, 0}, {0xff00}},
               {{0xab, 0, 8, 8}, {0xab00}, {0xff00, 0, 0, 0}, {0}},
               {{0xab, 0, 16, 8}, {0xab0000}, {0, 0xff00, 0, 0}, {0xff00}},
               {{0xab, 0, 16, 8}, {0}, {0, 0, 0xff, 0}, {0xffffffff}}});
}

Test(bits, what_ptx_does_not_have) {
  const std::vector<Slot> d = {{"%d", "b32"}}, ab = {{"%a", "b32"}, {"%b", "b32"}};
  expect_unsupported({"popc.u32 %d, %a;", d, ab}, "popc.u32");
  expect_unsupported({"bmsk.b32 %d, %a, %b;", d, ab}, ".clamp or .wrap");
  expect_unsupported({"bfe.b32 %d, %a, %b, %b;", d, ab}, "bfe.b32");
  expect_unsupported({"bfind.b32 %d, %a;", d, ab}, "bfind.b32");
}
