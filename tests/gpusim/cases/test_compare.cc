/* setp, set, selp and slct. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/reals.h"

using namespace gpusim::cases;

/* -1, 0, 1: less, equal, greater; 2: unordered. */
static int order_of(const RealFormat &format, uint64_t a, uint64_t b) {
  if (format.is_nan(a) || format.is_nan(b)) return 2;
  const auto magnitude = [&](uint64_t x) { return static_cast<int64_t>(x & (format.sign() - 1)); };
  const int64_t x = (a & format.sign()) != 0 ? -magnitude(a) : magnitude(a);
  const int64_t y = (b & format.sign()) != 0 ? -magnitude(b) : magnitude(b);
  return x < y ? -1 : (x > y ? 1 : 0);
}

/* PTX ISA 9.3: which orders make a comparison true. */
static bool holds(const std::string &name, int order) {
  const bool unordered = order == 2;
  if (name == "num") return !unordered;
  if (name == "nan") return unordered;
  const std::string plain = name.substr(0, 2);
  if (unordered) return name.size() == 3; /* equ, neu, ltu, leu, gtu, geu */
  if (plain == "eq") return order == 0;
  if (plain == "ne") return order != 0;
  if (plain == "lt" || plain == "lo") return order < 0;
  if (plain == "le" || plain == "ls") return order <= 0;
  if (plain == "gt" || plain == "hi") return order > 0;
  return order >= 0;
}

static const char *const kRealComparisons[] = {"eq",  "ne",  "lt",  "le",  "gt",  "ge",  "equ",
                                               "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};

static std::string b(unsigned bits) { return "b" + std::to_string(bits); }

static std::vector<Values> joined_rows(const Values &values) {
  return product({values, values, {0, 1}});
}

static uint64_t joined(const std::string &join, uint64_t t, uint64_t c) {
  if (join == "and") return t & c;
  if (join == "or") return t | c;
  return join == "xor" ? t ^ c : t;
}

/* p|q with and without a third predicate, plain and negated. */
static void expect_setp(const std::string &name, const std::string &modifier, const char *type,
                        const std::string &registers, const Values &values, unsigned sm,
                        const std::function<int(uint64_t, uint64_t)> &order) {
  for (const char *join : {"", "and", "or", "xor"}) {
    const bool joins = *join != 0;
    const bool negated = name == "eq";
    const std::string text = "setp." + name + (joins ? std::string(".") + join : "") + modifier +
                             "." + type + " %p|%q, %a, %b" +
                             (joins ? (negated ? ", !%c;" : ", %c;") : ";");
    const InstructionCase test = {text,
                                  {{"%p", "pred"}, {"%q", "pred"}},
                                  {{"%a", registers}, {"%b", registers}, {"%c", "pred"}},
                                  {},
                                  {},
                                  sm};
    expect_each(test, joined_rows(values), [&](const Values &in) {
      const uint64_t t = holds(name, order(in[0], in[1])) ? 1 : 0;
      const uint64_t c = in[2] ^ (negated ? 1 : 0);
      return Values{joined(join, t, c), joined(join, t ^ 1, c)};
    });
  }
}

static Values few_reals(const RealFormat &format) {
  const uint64_t one = format.one();
  return {0,
          format.sign(),
          1,
          1 | format.sign(),
          format.smallest_normal(),
          one,
          one | format.sign(),
          format.infinity(),
          format.infinity() | format.sign(),
          one + 1,
          format.infinity() | 1,
          format.nan};
}

static void expect_real_setp(const RealFormat &format, bool ftz, unsigned sm) {
  for (const char *name : kRealComparisons) {
    if (format.bits == 16) {
      /* One result only: tested through set below and here without |q. */
      const std::string text =
          std::string("setp.") + name + (ftz ? ".ftz." : ".") + format.name + " %p, %a, %b;";
      const InstructionCase test = {text, {{"%p", "pred"}}, {{"%a", "b16"}, {"%b", "b16"}}, {}, {},
                                    sm};
      expect_each(test, product({few_reals(format), few_reals(format)}), [&](const Values &in) {
        const uint64_t x = ftz ? format.flush(in[0]) : in[0];
        const uint64_t y = ftz ? format.flush(in[1]) : in[1];
        return Values{holds(name, order_of(format, x, y)) ? 1u : 0u};
      });
      continue;
    }
    expect_setp(name, ftz ? ".ftz" : "", format.name, b(format.bits), few_reals(format), sm,
                [&](uint64_t x, uint64_t y) {
                  return ftz ? order_of(format, format.flush(x), format.flush(y))
                             : order_of(format, x, y);
                });
  }
}

Test(compare, reals) {
  expect_real_setp(kF32, false, 80);
  expect_real_setp(kF32, true, 80);
  expect_real_setp(kF64, false, 80);
  expect_real_setp(kF16, false, 80);
  expect_real_setp(kF16, true, 80);
  expect_real_setp(kBf16, false, 90);
}

static int integer_order(uint64_t a, uint64_t b_, unsigned bits, bool is_signed) {
  const unsigned shift = 64 - bits;
  if (is_signed) {
    const int64_t x = static_cast<int64_t>(a << shift);
    const int64_t y = static_cast<int64_t>(b_ << shift);
    return x < y ? -1 : (x > y ? 1 : 0);
  }
  return a << shift < b_ << shift ? -1 : (a << shift > b_ << shift ? 1 : 0);
}

Test(compare, integers) {
  for (const unsigned bits : {16u, 32u, 64u}) {
    const Values values = edges(bits, 2);
    for (const char *kind : {"s", "u", "b"}) {
      const std::string type = kind + std::to_string(bits);
      const bool is_signed = *kind == 's';
      for (const char *name : {"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs"}) {
        const bool equality = name[0] == 'e' || name[0] == 'n';
        if (*kind == 'b' && !equality) continue;
        if (is_signed && (name[0] == 'h' || name[1] == 'o' || name[1] == 's')) continue;
        expect_setp(name, "", type.c_str(), b(bits), values, 80,
                    [&](uint64_t x, uint64_t y) { return integer_order(x, y, bits, is_signed); });
      }
    }
  }
}

static void expect_pair_setp(const RealFormat &format, unsigned sm) {
  for (const char *name : kRealComparisons) {
    const std::string text =
        std::string("setp.") + name + ".and." + format.name + "x2 %p|%q, %a, %b, %c;";
    const InstructionCase test = {text,
                                  {{"%p", "pred"}, {"%q", "pred"}},
                                  {{"%a", "b32"}, {"%b", "b32"}, {"%c", "pred"}},
                                  {},
                                  {},
                                  sm};
    std::vector<Values> rows = joined_rows(few_reals(format));
    for (size_t i = 0; i < rows.size(); i++) {
      rows[i][0] |= rows[(i * 7) % rows.size()][1] << 16;
      rows[i][1] |= rows[(i * 5) % rows.size()][0] << 16;
    }
    expect_each(test, rows, [&](const Values &in) {
      const auto half = [&](unsigned shift) {
        const int order = order_of(format, (in[0] >> shift) & 0xffff, (in[1] >> shift) & 0xffff);
        return holds(name, order) ? in[2] : 0;
      };
      return Values{half(0), half(16)};
    });
  }
}

Test(compare, pairs) {
  expect_pair_setp(kF16, 80);
  expect_pair_setp(kBf16, 90);
}

static void expect_set(const char *target, unsigned bits, uint64_t truth) {
  for (const char *name : kRealComparisons) {
    const std::string text =
        std::string("set.") + name + ".or.ftz." + target + ".f32 %d, %a, %b, %c;";
    const InstructionCase test = {
        text, {{"%d", b(bits)}}, {{"%a", "b32"}, {"%b", "b32"}, {"%c", "pred"}}};
    expect_each(test, joined_rows(few_reals(kF32)), [&](const Values &in) {
      const int order = order_of(kF32, kF32.flush(in[0]), kF32.flush(in[1]));
      return Values{holds(name, order) || in[2] != 0 ? truth : 0};
    });
  }
}

Test(compare, set) {
  expect_set("u32", 32, 0xffffffff);
  expect_set("s32", 32, 0xffffffff);
  expect_set("f32", 32, 0x3f800000);
  expect_set("f16", 16, 0x3c00);
  const std::vector<Values> rows = product({few_reals(kF16), few_reals(kF16)});
  const auto less = [](const Values &in) {
    return holds("lt", order_of(kF16, in[0], in[1])) ? 0xffffu : 0u;
  };
  expect_reals({"set.lt.u16.f16 %d, %a, %b;", kF16, {&kF16, &kF16}}, rows, less);
  expect_pairs({"set.lt.u32.f16x2 %d, %a, %b;", kF16, {&kF16, &kF16}}, rows, less);
  expect_pairs({"set.lt.f16x2.f16x2 %d, %a, %b;", kF16, {&kF16, &kF16}}, rows,
               [&](const Values &in) { return less(in) != 0 ? 0x3c00 : 0; });
  expect_each({"set.gt.f32.s64 %d, %a, %b;", {{"%d", "b32"}}, {{"%a", "b64"}, {"%b", "b64"}}},
              product({edges(64), edges(64)}), [](const Values &in) {
                return Values{integer_order(in[0], in[1], 64, true) > 0 ? 0x3f800000u : 0u};
              });
}

Test(compare, selp) {
  for (const char *type : {"b16", "u16", "s16", "b32", "u32", "s32", "f32", "b64", "f64"}) {
    const unsigned bits = static_cast<unsigned>(std::stoi(type + 1));
    for (const char *sign : {"", "!"}) {
      expect_each({std::string("selp.") + type + " %d, %a, %b, " + sign + "%c;",
                   {{"%d", b(bits)}},
                   {{"%a", b(bits)}, {"%b", b(bits)}, {"%c", "pred"}}},
                  product({edges(bits), {5, 6}, {0, 1}}), [&](const Values &in) {
                    return Values{(in[2] != 0) == (*sign == 0) ? in[0] : in[1]};
                  });
    }
  }
}

Test(compare, slct) {
  for (const char *type : {"b16", "u32", "f32", "s64", "f64"}) {
    const unsigned bits = static_cast<unsigned>(std::stoi(type + 1));
    const std::vector<Slot> inputs = {{"%a", b(bits)}, {"%b", b(bits)}, {"%c", "b32"}};
    expect_each({std::string("slct.") + type + ".s32 %d, %a, %b, %c;", {{"%d", b(bits)}}, inputs},
                product({edges(bits), {5}, edges(32)}),
                [&](const Values &in) { return Values{(in[2] >> 31 & 1) == 0 ? in[0] : in[1]}; });
    for (const char *ftz : {"", ".ftz"}) {
      expect_each({std::string("slct") + ftz + "." + type + ".f32 %d, %a, %b, %c;",
                   {{"%d", b(bits)}},
                   inputs},
                  product({edges(bits), {5}, few_reals(kF32)}), [&](const Values &in) {
                    const int order = order_of(kF32, *ftz ? kF32.flush(in[2]) : in[2], 0);
                    return Values{order == 0 || order == 1 ? in[0] : in[1]};
                  });
    }
  }
}

/* A selection takes the chosen operand's undefined bits; equal operands need no selector. */
Test(compare, undefined_selection) {
  const InstructionCase test = {
      "selp.b32 %d, %a, %b, %c;", {{"%d", "b32"}}, {{"%a", "b32"}, {"%b", "b32"}, {"%c", "pred"}}};
  expect_rows(test, {{{1, 2, 1}, {1}, {0, 0xffffffff, 0}, {0}},
                     {{1, 2, 0}, {2}, {0, 0xffff0000, 0}, {0xffff0000}},
                     {{1, 2, 1}, {1}, {0xff, 0, 0}, {0xff}},
                     {{0x107, 0x107, 1}, {0x107}, {0, 0, 1}, {0}}});
}

Test(compare, undefined_predicates) {
  const std::vector<Slot> outputs = {{"%p", "pred"}, {"%q", "pred"}};
  const std::vector<Slot> inputs = {{"%a", "b32"}, {"%b", "b32"}, {"%c", "pred"}};
  const uint64_t any = 0xff;
  expect_rows({"setp.lt.s32 %p|%q, %a, %b;", outputs, inputs},
              {{{1, 2, 0}, {1, 0}, {0, any, 0}, {1, 1}}, {{1, 2, 0}, {1, 0}, {0, 0, 1}, {0, 0}}});
  /* A false side decides a conjunction, a true one a disjunction. */
  expect_rows({"setp.lt.and.s32 %p|%q, %a, %b, %c;", outputs, inputs},
              {{{1, 2, 0}, {0, 0}, {0, any, 0}, {0, 0}},
               {{1, 2, 1}, {1, 0}, {0, any, 0}, {1, 1}},
               {{1, 2, 1}, {1, 0}, {0, 0, 1}, {1, 0}}});
  expect_rows({"setp.lt.or.s32 %p|%q, %a, %b, %c;", outputs, inputs},
              {{{1, 2, 1}, {1, 1}, {0, any, 0}, {0, 0}}, {{1, 2, 0}, {1, 0}, {0, 0, 1}, {0, 1}}});
  expect_rows({"setp.lt.f16x2 %p|%q, %a, %b;", outputs, inputs},
              {{{0x3c000000, 0x3c003c00, 0}, {1, 0}, {0xffff0000, 0, 0}, {0, 1}}});
}

Test(compare, unsupported) {
  const char *texts[] = {"setp.lt.b32 %p, %a, %b;",    "setp.lo.s32 %p, %a, %b;",
                         "setp.equ.u32 %p, %a, %b;",   "setp.u32 %p, %a, %b;",
                         "set.lt.f64.s32 %a, %a, %b;", "slct.b32.u32 %a, %a, %b, %b;"};
  for (const char *text : texts) {
    expect_unsupported({text, {{"%p", "pred"}}, {{"%a", "b32"}, {"%b", "b32"}}}, "unsupported");
  }
}
