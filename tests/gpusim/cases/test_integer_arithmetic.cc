/* add, sub, neg, abs, min, max, sad, div, rem against formulas in 128 bits. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/instruction_case.h"

using namespace gpusim::cases;
using Wide = __int128;

namespace {

struct IntegerType {
  const char *name;
  unsigned bits;
  bool is_signed;
};

constexpr IntegerType kTypes[] = {{"u16", 16, false}, {"u32", 32, false}, {"u64", 64, false},
                                  {"s16", 16, true},  {"s32", 32, true},  {"s64", 64, true}};

/* The number that the pattern stands for. */
Wide number(uint64_t pattern, const IntegerType &type) {
  const Wide modulus = Wide{1} << type.bits;
  Wide value = Wide{pattern} & (modulus - 1);
  return type.is_signed && value >= modulus / 2 ? value - modulus : value;
}

std::string instruction(const std::string &base, const IntegerType &type, unsigned sources) {
  std::string text = base + "." + type.name + " %d";
  for (unsigned i = 0; i < sources; i++) text += std::string(", %") + static_cast<char>('a' + i);
  return text + ";";
}

using Formula = Wide (*)(Wide a, Wide b, Wide c, const IntegerType &type);

void expect_formula(const std::string &base, const IntegerType &type, unsigned sources,
                    Formula formula) {
  InstructionCase test{instruction(base, type, sources), {{"%d", type.name}}, {}};
  std::vector<Values> lists;
  for (unsigned i = 0; i < sources; i++) {
    test.inputs.push_back({std::string("%") + static_cast<char>('a' + i), type.name});
    lists.push_back(edges(type.bits, sources == 3 ? 0 : 5));
  }
  expect_each(test, product(lists), [&type, formula](const Values &in) {
    const Wide b = in.size() > 1 ? number(in[1], type) : 0;
    const Wide c = in.size() > 2 ? number(in[2], type) : 0;
    return Values{static_cast<uint64_t>(formula(number(in[0], type), b, c, type))};
  });
}

void expect_types(const std::string &base, unsigned sources, bool signed_only, Formula formula) {
  for (const IntegerType &type : kTypes) {
    if (type.is_signed || !signed_only) expect_formula(base, type, sources, formula);
  }
}

/* Unspecified where the divisor is zero; only that it returns matters. */
void expect_division(const std::string &base, Formula formula) {
  for (const IntegerType &type : kTypes) {
    InstructionCase test{
        instruction(base, type, 2), {{"%d", type.name}}, {{"%a", type.name}, {"%b", type.name}}};
    std::vector<Row> rows;
    for (const Values &in : product({edges(type.bits), edges(type.bits)})) {
      const Wide b = number(in[1], type);
      const Wide result = b == 0 ? 0 : formula(number(in[0], type), b, 0, type);
      rows.push_back({in, {static_cast<uint64_t>(result)}});
    }
    const uint64_t low = type.bits == 64 ? ~uint64_t{0} : (uint64_t{1} << type.bits) - 1;
    expect_rows(test, rows, [low](const Row &row, const Values &actual) {
      return (row.in[1] & low) == 0 || (actual[0] & low) == (row.out[0] & low);
    });
  }
}

}  // namespace

Test(integer, add) {
  expect_types("add", 2, false, [](Wide a, Wide b, Wide, const IntegerType &) { return a + b; });
}

Test(integer, sub) {
  expect_types("sub", 2, false, [](Wide a, Wide b, Wide, const IntegerType &) { return a - b; });
}

Test(integer, saturation) {
  const IntegerType s32 = kTypes[4];
  expect_formula("add.sat", s32, 2, [](Wide a, Wide b, Wide, const IntegerType &) {
    return a + b > INT32_MAX ? INT32_MAX : a + b < INT32_MIN ? INT32_MIN : a + b;
  });
  expect_formula("sub.sat", s32, 2, [](Wide a, Wide b, Wide, const IntegerType &) {
    return a - b > INT32_MAX ? INT32_MAX : a - b < INT32_MIN ? INT32_MIN : a - b;
  });
}

Test(integer, neg) {
  expect_types("neg", 1, true, [](Wide a, Wide, Wide, const IntegerType &) { return -a; });
}

Test(integer, abs) {
  expect_types("abs", 1, true,
               [](Wide a, Wide, Wide, const IntegerType &) { return a < 0 ? -a : a; });
}

Test(integer, min) {
  expect_types("min", 2, false,
               [](Wide a, Wide b, Wide, const IntegerType &) { return a < b ? a : b; });
}

Test(integer, max) {
  expect_types("max", 2, false,
               [](Wide a, Wide b, Wide, const IntegerType &) { return a > b ? a : b; });
}

Test(integer, sad) {
  expect_types("sad", 3, false, [](Wide a, Wide b, Wide c, const IntegerType &) {
    return c + (a < b ? b - a : a - b);
  });
}

Test(integer, div) {
  expect_division("div", [](Wide a, Wide b, Wide, const IntegerType &) { return a / b; });
}

Test(integer, rem) {
  expect_division("rem", [](Wide a, Wide b, Wide, const IntegerType &) { return a % b; });
}

Test(integer, source_is_target) {
  expect_each({"add.u32 %a, %a, %b;", {{"%a", "u32"}}, {{"%a", "u32"}, {"%b", "u32"}}},
              product({edges(32), edges(32)}),
              [](const Values &in) { return Values{in[0] + in[1]}; });
}

Test(integer, literals) {
  expect_each({"add.s16 %d, %a, -3;", {{"%d", "s16"}}, {{"%a", "s16"}}}, product({edges(16)}),
              [](const Values &in) { return Values{in[0] - 3}; });
  expect_each({"sub.s64 %d, -5, %a;", {{"%d", "s64"}}, {{"%a", "s64"}}}, product({edges(64)}),
              [](const Values &in) { return Values{uint64_t{0} - 5 - in[0]}; });
  expect_each({"min.u32 %d, %a, 0xfffffff0;", {{"%d", "u32"}}, {{"%a", "u32"}}},
              product({edges(32)}),
              [](const Values &in) { return Values{in[0] < 0xfffffff0 ? in[0] : 0xfffffff0}; });
}

/* One undefined byte of any source makes all of the lane's result undefined, and no other lane's.
 */
Test(integer, undefined_sources) {
  std::vector<Row> rows;
  for (unsigned i = 0; i < 64; i++) {
    Row row{{i, 2 * i}, {3 * i}};
    if (i % 5 == 1) row.in_undefined = Values{0xff00, 0};
    if (i % 5 == 3) row.in_undefined = Values{0, 0xff000000};
    if (i % 5 == 1 || i % 5 == 3) row.out_undefined = Values{0xffffffff};
    rows.push_back(row);
  }
  expect_rows({"add.u32 %d, %a, %b;", {{"%d", "u32"}}, {{"%a", "u32"}, {"%b", "u32"}}}, rows);
  for (Row &row : rows) {
    row.out = Values{row.in[0] * row.in[1]};
    if (!row.out_undefined.empty()) row.out_undefined = Values{~uint64_t{0}};
  }
  expect_rows({"mul.wide.u32 %d, %a, %b;", {{"%d", "u64"}}, {{"%a", "u32"}, {"%b", "u32"}}}, rows);
}

Test(integer, what_ptx_does_not_have) {
  const std::vector<Slot> d = {{"%d", "b32"}}, ab = {{"%a", "b32"}, {"%b", "b32"}};
  expect_unsupported({"add.sat.u32 %d, %a, %b;", d, ab}, "add.sat.u32");
  expect_unsupported({"add.b32 %d, %a, %b;", d, ab}, "add.b32");
  expect_unsupported({"add.u64 %d, %a, %b;", d, ab}, "4 bytes");
  expect_unsupported({"add.u32 %d, %a;", d, ab}, "operand");
  expect_unsupported({"neg.u32 %d, %a;", d, ab}, "neg.u32");
  expect_unsupported({"mul.u32 %d, %a, %b;", d, ab}, ".lo, .hi or .wide");
  expect_unsupported({"min.u16x2 %d, %a, %b;", d, ab}, "u16x2");
  expect_unsupported({"min.relu.s32 %d, %a, %b;", d, ab}, "relu");
}
