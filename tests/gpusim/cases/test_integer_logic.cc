/* and, or, xor, not, lop3, shl, shr, shf, prmt. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/instruction_case.h"

using namespace gpusim::cases;

namespace {

bool bit(uint64_t value, unsigned i) { return (value >> i & 1) != 0; }

void expect_logic(const std::string &base, uint64_t (*formula)(uint64_t, uint64_t)) {
  for (const char *type : {"b16", "b32", "b64"}) {
    const unsigned bits = type == std::string("b16") ? 16 : type == std::string("b32") ? 32 : 64;
    expect_each({base + "." + type + " %d, %a, %b;", {{"%d", type}}, {{"%a", type}, {"%b", type}}},
                product({edges(bits), edges(bits)}),
                [formula](const Values &in) { return Values{formula(in[0], in[1])}; });
  }
  expect_each({base + ".pred %d, %a, %b;", {{"%d", "pred"}}, {{"%a", "pred"}, {"%b", "pred"}}},
              product({{0, 1}, {0, 1}}),
              [formula](const Values &in) { return Values{formula(in[0], in[1]) & 1}; });
  expect_each({base + ".pred %d, %a, !%b;", {{"%d", "pred"}}, {{"%a", "pred"}, {"%b", "pred"}}},
              product({{0, 1}, {0, 1}}),
              [formula](const Values &in) { return Values{formula(in[0], 1 - in[1]) & 1}; });
}

const Values kAmounts = {0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 0xffffffff};

}  // namespace

Test(logic, binary) {
  expect_logic("and", [](uint64_t a, uint64_t b) { return a & b; });
  expect_logic("or", [](uint64_t a, uint64_t b) { return a | b; });
  expect_logic("xor", [](uint64_t a, uint64_t b) { return a ^ b; });
}

Test(logic, not_) {
  expect_each({"not.b16 %d, %a;", {{"%d", "b16"}}, {{"%a", "b16"}}}, product({edges(16)}),
              [](const Values &in) { return Values{~in[0]}; });
  expect_each({"not.b32 %d, %a;", {{"%d", "b32"}}, {{"%a", "b32"}}}, product({edges(32)}),
              [](const Values &in) { return Values{~in[0]}; });
  expect_each({"not.b64 %d, %a;", {{"%d", "b64"}}, {{"%a", "b64"}}}, product({edges(64)}),
              [](const Values &in) { return Values{~in[0]}; });
  expect_each({"not.pred %d, %a;", {{"%d", "pred"}}, {{"%a", "pred"}}}, product({{0, 1}}),
              [](const Values &in) { return Values{1 - in[0]}; });
}

/* All 256 tables: immLut is what the operation gives for 0xf0, 0xcc, 0xaa. */
Test(logic, lop3) {
  const std::vector<Values> rows = product({{0x0f0f0f0f, 0x12345678, 0xfff00ff0},
                                            {0x33333333, 0x9abcdef0, 0x0},
                                            {0x55555555, 0xdeadbeef, 0xffffffff}});
  for (unsigned table = 0; table < 256; table++) {
    expect_each({"lop3.b32 %d, %a, %b, %c, " + std::to_string(table) + ";",
                 {{"%d", "b32"}},
                 {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}},
                 {table % 2 == 0 ? 0xffffffffu : 0x00ff10f1u}},
                rows, [table](const Values &in) {
                  uint64_t result = 0;
                  for (unsigned i = 0; i < 32; i++) {
                    const unsigned at = 4u * bit(in[0], i) + 2u * bit(in[1], i) + bit(in[2], i);
                    result |= uint64_t{table >> at & 1} << i;
                  }
                  return Values{result};
                });
  }
}

Test(logic, lop3_with_predicate) {
  const std::vector<Values> rows = product({edges(32, 2), edges(32, 0), {0, 1}});
  const std::vector<Slot> inputs = {{"%a", "b32"}, {"%b", "b32"}, {"%q", "pred"}};
  expect_each({"lop3.and.b32 %d|%p, %a, %b, 0, 0xc0, %q;", {{"%d", "b32"}, {"%p", "pred"}}, inputs},
              rows, [](const Values &in) {
                const uint64_t d = in[0] & in[1];
                return Values{d, d != 0 && in[2] != 0};
              });
  expect_each({"lop3.or.b32 _|%p, %a, %b, 0, 0x3c, %q;", {{"%p", "pred"}}, inputs}, rows,
              [](const Values &in) { return Values{(in[0] ^ in[1]) != 0 || in[2] != 0}; });
}

/* A known zero decides an and, a known one an or. */
Test(logic, undefined_bits) {
  const std::vector<Slot> d = {{"%d", "b32"}}, ab = {{"%a", "b32"}, {"%b", "b32"}};
  expect_rows({"and.b32 %d, %a, %b;", d, ab},
              {{{0x11223344, 0x0000ff00}, {0x3300}, {0xffff00ff, 0}, {0}},
               {{0x11223344, 0x0000ff00}, {0}, {0x0000ffff, 0}, {0x0000ff00}},
               {{0x00ff00ff, 0}, {0}, {0, 0xff00ffff}, {0x000000ff}},
               {{0, 0}, {0}, {0xffffffff, 0xffffffff}, {0xffffffff}}});
  expect_rows({"or.b32 %d, %a, %b;", d, ab},
              {{{0x11223344, 0xffff00ff}, {0xffff33ff}, {0xffff00ff, 0}, {0}},
               {{0x11223344, 0xffff00ff}, {0xffff00ff}, {0x0000ff00, 0}, {0x0000ff00}}});
  expect_rows({"xor.b32 %d, %a, %b;", d, ab},
              {{{0x11223344, 0xffff00ff}, {0xeedd33bb}, {0xff000000, 0xff}, {0xff0000ff}}});
  expect_rows({"lop3.b32 %d, %a, %b, 0, 0xc0;", d, ab},
              {{{0x11223344, 0x0000ff00}, {0x3300}, {0xffff00ff, 0}, {0}},
               {{0x11223344, 0x0000ff00}, {0}, {0x0000ffff, 0}, {0x0000ff00}}});
  expect_rows({"not.b32 %d, %a;", d, ab}, {{{0x11, 0}, {~0x11u}, {0xff0000, 0}, {0xff0000}}});
  expect_rows({"and.b32 %a, %a, 0xff;", {{"%a", "b32"}}, {{"%a", "b32"}}},
              {{{0x1234}, {0x34}, {0xffffff00}, {0}}, {{0x1234}, {0}, {0xff}, {0xff}}});
  expect_rows({"and.pred %d, %a, %b;", {{"%d", "pred"}}, {{"%a", "pred"}, {"%b", "pred"}}},
              {{{0, 1}, {0}, {0, 1}, {0}}, {{1, 1}, {0}, {0, 1}, {1}}});
  expect_rows({"or.pred %d, %a, %b;", {{"%d", "pred"}}, {{"%a", "pred"}, {"%b", "pred"}}},
              {{{1, 1}, {1}, {1, 0}, {0}}, {{1, 0}, {0}, {1, 0}, {1}}});
}

Test(shift, left) {
  for (const unsigned bits : {16u, 32u, 64u}) {
    const std::string type = "b" + std::to_string(bits);
    expect_each({"shl." + type + " %d, %a, %n;", {{"%d", type}}, {{"%a", type}, {"%n", "u32"}}},
                product({edges(bits), kAmounts}), [bits](const Values &in) {
                  uint64_t result = in[0];
                  for (uint64_t i = 0; i < in[1] && i < bits; i++) result *= 2;
                  return Values{result};
                });
  }
}

Test(shift, right) {
  for (const char *kind : {"u", "b", "s"}) {
    for (const unsigned bits : {16u, 32u, 64u}) {
      const std::string type = kind + std::to_string(bits);
      const bool fills = kind[0] == 's';
      expect_each({"shr." + type + " %d, %a, %n;", {{"%d", type}}, {{"%a", type}, {"%n", "u32"}}},
                  product({edges(bits), kAmounts}), [bits, fills](const Values &in) {
                    uint64_t result = 0;
                    for (unsigned i = 0; i < bits; i++) {
                      const uint64_t from = i + in[1];
                      const bool inside = from < bits;
                      const bool one = inside ? bit(in[0], static_cast<unsigned>(from))
                                              : fills && bit(in[0], bits - 1);
                      result |= uint64_t{one} << i;
                    }
                    return Values{result};
                  });
    }
  }
}

Test(shift, funnel) {
  for (const bool left : {false, true}) {
    for (const bool clamp : {false, true}) {
      expect_each({std::string("shf.") + (left ? "l" : "r") + (clamp ? ".clamp" : ".wrap") +
                       ".b32 %d, %a, %b, %n;",
                   {{"%d", "b32"}},
                   {{"%a", "b32"}, {"%b", "b32"}, {"%n", "u32"}}},
                  product({edges(32, 2), edges(32, 2), kAmounts}), [=](const Values &in) {
                    const unsigned amount = clamp ? (in[2] < 32 ? static_cast<unsigned>(in[2]) : 32)
                                                  : static_cast<unsigned>(in[2] % 32);
                    uint64_t result = 0;
                    for (unsigned i = 0; i < 32; i++) {
                      const unsigned from = left ? 32 + i - amount : i + amount;
                      result |= uint64_t{bit(from < 32 ? in[0] : in[1], from % 32)} << i;
                    }
                    return Values{result};
                  });
    }
  }
}

Test(shift, undefined_bits) {
  const std::vector<Slot> d = {{"%d", "b32"}}, an = {{"%a", "b32"}, {"%n", "u32"}};
  expect_rows({"shl.b32 %d, %a, %n;", d, an},
              {{{0x11223344, 8}, {0x22330000 | 0x4400}, {0xff00, 0}, {0xff0000}},
               {{0x11223344, 24}, {0x44000000}, {0xffffff00, 0}, {0}},
               {{0x11223344, 8}, {0}, {0, 0xff}, {0xffffffff}}});
  expect_rows({"shr.u32 %d, %a, %n;", d, an}, {{{0x11223344, 16}, {0x1122}, {0xffff, 0}, {0}},
                                               {{0x11223344, 24}, {0}, {0xff000000, 0}, {0xff}}});
  expect_rows({"shr.s32 %d, %a, %n;", d, an},
              {{{0x11223344, 24}, {0}, {0xff000000, 0}, {0xffffffff}}});
  expect_rows({"shf.l.wrap.b32 %d, %a, %b, 8;", d, {{"%a", "b32"}, {"%b", "b32"}}},
              {{{0x11223344, 0x55667788}, {0x66778811}, {0xffffff, 0xff000000}, {0}},
               {{0x11223344, 0x55667788}, {0x66778800}, {0xff000000, 0}, {0xff}}});
}

/* Generic form, byte by byte. */
Test(prmt, generic) {
  const Values selectors = {0x3210, 0x7654, 0x0000, 0x7531, 0xba98, 0xfedc, 0x8f0c, 0xabcd7654};
  expect_each(
      {"prmt.b32 %d, %a, %b, %c;", {{"%d", "b32"}}, {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}}},
      product({edges(32), edges(32), selectors}), [](const Values &in) {
        uint64_t result = 0;
        for (unsigned i = 0; i < 4; i++) {
          const unsigned from = in[2] >> (4 * i) & 7;
          uint64_t byte = (from < 4 ? in[0] : in[1]) >> (8 * (from % 4)) & 0xff;
          if (bit(in[2], 4 * i + 3)) byte = byte >= 0x80 ? 0xff : 0;
          result |= byte << (8 * i);
        }
        return Values{result};
      });
}

/* The table of the ISA: source bytes of d, highest first, for c = 0, 1, 2, 3. */
Test(prmt, modes) {
  struct Mode {
    const char *name;
    const char *bytes[4];
  };
  const Mode modes[] = {
      {"f4e", {"3210", "4321", "5432", "6543"}}, {"b4e", {"5670", "6701", "7012", "0123"}},
      {"rc8", {"0000", "1111", "2222", "3333"}}, {"ecl", {"3210", "3211", "3222", "3333"}},
      {"ecr", {"0000", "1110", "2210", "3210"}}, {"rc16", {"1010", "3232", "1010", "3232"}}};
  for (const Mode &mode : modes) {
    expect_each({std::string("prmt.b32.") + mode.name + " %d, %a, %b, %c;",
                 {{"%d", "b32"}},
                 {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}}},
                product({{0x33221100, 0xf3e2d1c0}, {0x77665544, 0xb7a69584}, {0, 1, 2, 3, 0xf2}}),
                [&mode](const Values &in) {
                  uint64_t result = 0;
                  for (const char *digit = mode.bytes[in[2] & 3]; *digit != 0; digit++) {
                    const unsigned from = static_cast<unsigned>(*digit - '0');
                    const uint64_t source = from < 4 ? in[0] : in[1];
                    result = result << 8 | (source >> (8 * (from % 4)) & 0xff);
                  }
                  return Values{result};
                });
  }
}

Test(prmt, undefined_bytes) {
  const std::vector<Slot> d = {{"%d", "b32"}};
  const std::vector<Slot> abc = {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}};
  expect_rows({"prmt.b32 %d, %a, %b, %c;", d, abc},
              {{{0x33221100, 0x77665544, 0x5410}, {0x55441100}, {0xffff0000, 0xffff0000, 0}, {0}},
               {{0x33221100, 0x77665544, 0x5410}, {0x55001100}, {0, 0xff, 0}, {0xff0000}},
               {{0x33221100, 0x77665544, 0x3218}, {0x33221100}, {0xff, 0, 0}, {0xff}},
               {{0x33221100, 0x77665544, 0x3210}, {0x33221100}, {0, 0, 0xff0000}, {0}},
               {{0x33221100, 0x77665544, 0x3210}, {0}, {0, 0, 0xff}, {0xffffffff}}});
}

Test(logic, what_ptx_does_not_have) {
  const std::vector<Slot> d = {{"%d", "b32"}}, ab = {{"%a", "b32"}, {"%b", "b32"}};
  expect_unsupported({"and.u32 %d, %a, %b;", d, ab}, "and.u32");
  expect_unsupported({"shl.u32 %d, %a, %b;", d, ab}, "shl.u32");
  expect_unsupported({"shf.l.b32 %d, %a, %b, 1;", d, ab}, ".clamp or .wrap");
  expect_unsupported({"lop3.b32 %d, %a, %b, %a, 256;", d, ab}, "lop3");
  expect_unsupported({"lop3.b32 %d, %a, %b, %a, %b;", d, ab}, "lop3");
  expect_unsupported({"prmt.b32.f5e %d, %a, %b, 1;", d, ab}, "f5e");
}
