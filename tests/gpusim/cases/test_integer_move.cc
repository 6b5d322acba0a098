/* mov: registers, literals, special registers, addresses, vectors. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/kernel_run.h"

using namespace gpusim::cases;

namespace {

uint64_t same(uint64_t value) { return value; }

uint64_t pattern_of(double value) {
  uint64_t pattern;
  memcpy(&pattern, &value, sizeof pattern);
  return pattern;
}

}  // namespace

Test(mov, registers) {
  for (const char *type :
       {"b16", "u16", "s16", "b32", "u32", "s32", "f32", "b64", "u64", "s64", "f64"}) {
    const unsigned bits = static_cast<unsigned>(std::stoul(type + 1));
    expect_each({std::string("mov.") + type + " %d, %a;", {{"%d", type}}, {{"%a", type}}},
                product({edges(bits)}), [](const Values &in) { return Values{same(in[0])}; });
  }
  expect_each({"mov.pred %d, %a;", {{"%d", "pred"}}, {{"%a", "pred"}}}, product({{0, 1}}),
              [](const Values &in) { return in; });
  expect_each({"mov.pred %d, !%a;", {{"%d", "pred"}}, {{"%a", "pred"}}}, product({{0, 1}}),
              [](const Values &in) { return Values{1 - in[0]}; });
}

Test(mov, literals) {
  const auto expect_literal = [](const char *type, const char *literal, uint64_t value) {
    expect_each(
        {std::string("mov.") + type + " %d, " + literal + ";", {{"%d", type}}, {{"%a", type}}},
        {{0}}, [value](const Values &) { return Values{value}; });
  };
  expect_literal("b16", "-2", 0xfffe);
  expect_literal("u32", "4294967295", 0xffffffff);
  expect_literal("s32", "-7", 0xfffffff9);
  expect_literal("b32", "0f3fc00000", 0x3fc00000);
  expect_literal("f32", "0f7fc00000", 0x7fc00000);
  expect_literal("f32", "1.5", 0x3fc00000);
  expect_literal("b64", "0x123456789abcdef0", 0x123456789abcdef0);
  expect_literal("f64", "0d3ff8000000000000", 0x3ff8000000000000);
  expect_literal("f64", "0.1", pattern_of(0.1));
  expect_literal("u64", "-1", ~uint64_t{0});
  expect_literal("pred", "1", 1);
}

Test(mov, special_registers) {
  std::vector<Row> rows;
  for (uint64_t i = 0; i < 96; i++) {
    const uint64_t lane = i % 32, eq = uint64_t{1} << lane;
    rows.push_back({{0}, {lane, i / 32, lane, 32, eq - 1, ~(eq - 1)}});
  }
  expect_rows({"mov.u32 %d0, %tid.x; mov.u32 %d1, %ctaid.x; mov.u32 %d2, %laneid;"
               "mov.b32 %d3, WARP_SZ; mov.u32 %d4, %lanemask_lt; mov.u32 %d5, %lanemask_ge;",
               {{"%d0", "u32"},
                {"%d1", "u32"},
                {"%d2", "u32"},
                {"%d3", "b32"},
                {"%d4", "u32"},
                {"%d5", "u32"}},
               {{"%a", "u32"}}},
              rows);
}

Test(mov, pack) {
  expect_each({"mov.b32 %d, {%a, %b};", {{"%d", "b32"}}, {{"%a", "b16"}, {"%b", "b16"}}},
              product({edges(16), edges(16)}),
              [](const Values &in) { return Values{(in[1] & 0xffff) << 16 | (in[0] & 0xffff)}; });
  expect_each({"mov.b64 %d, {%a, %b};", {{"%d", "b64"}}, {{"%a", "f32"}, {"%b", "b32"}}},
              product({edges(32), edges(32)}),
              [](const Values &in) { return Values{in[1] << 32 | in[0]}; });
  expect_each({"mov.b64 %d, {%a, %b, %c, %e};",
               {{"%d", "b64"}},
               {{"%a", "b16"}, {"%b", "b16"}, {"%c", "b16"}, {"%e", "b16"}}},
              product({{1, 0xffff}, {2, 0x8000}, {3, 0x1234}, {4, 0xabcd}}), [](const Values &in) {
                return Values{in[3] << 48 | in[2] << 32 | in[1] << 16 | in[0]};
              });
  expect_each({"mov.b32 %d, {%a, 7};", {{"%d", "b32"}}, {{"%a", "b16"}}}, product({edges(16)}),
              [](const Values &in) { return Values{7 << 16 | in[0]}; });
}

Test(mov, unpack) {
  expect_each({"mov.b32 {%d, %e}, %a;", {{"%d", "b16"}, {"%e", "b16"}}, {{"%a", "b32"}}},
              product({edges(32)}), [](const Values &in) {
                return Values{in[0], in[0] >> 16};
              });
  expect_each({"mov.b64 {_, %e}, %a;", {{"%e", "b32"}}, {{"%a", "b64"}}}, product({edges(64)}),
              [](const Values &in) { return Values{in[0] >> 32}; });
  expect_each({"mov.b64 {%d, _, _, %e}, %a;", {{"%d", "b16"}, {"%e", "b16"}}, {{"%a", "b64"}}},
              product({edges(64)}), [](const Values &in) {
                return Values{in[0], in[0] >> 48};
              });
}

Test(mov, long_vector) {
  InstructionCase test{"mov.b128 %wide, {%a, %b}; mov.b128 %copy, %wide; mov.b128 {%d, %e}, %copy;",
                       {{"%d", "b64"}, {"%e", "b64"}},
                       {{"%a", "b64"}, {"%b", "b64"}}};
  test.declarations = ".reg .b128 %wide, %copy;";
  expect_each(test, product({edges(64), edges(64)}), [](const Values &in) { return in; });
}

/* Undefined bytes keep their places. */
Test(mov, undefined_bytes) {
  expect_rows({"mov.b32 %d, %a;", {{"%d", "b32"}}, {{"%a", "b32"}}},
              {{{0x11223344}, {0x11223344}, {0xff00}, {0xff00}}, {{5}, {5}}});
  expect_rows({"mov.b32 %d, {%a, %b};", {{"%d", "b32"}}, {{"%a", "b16"}, {"%b", "b16"}}},
              {{{0x1122, 0x3344}, {0x33441122}, {0xff, 0xff00}, {0xff0000ff}},
               {{0x1122, 0x3344}, {0x33441122}}});
  expect_rows({"mov.b64 {%d, %e}, %a;", {{"%d", "b32"}, {"%e", "b32"}}, {{"%a", "b64"}}},
              {{{0x1122334455667788}, {0x55667788, 0x11223344}, {0xff0000ff00}, {0xff00, 0xff}},
               {{0x1122334455667788}, {0x55667788, 0x11223344}}});
  expect_rows({"mov.pred %d, %a;", {{"%d", "pred"}}, {{"%a", "pred"}}},
              {{{1}, {1}, {1}, {1}}, {{1}, {1}}});
  InstructionCase never{"mov.b32 %d, %never;", {{"%d", "b32"}}, {{"%a", "b32"}}};
  never.declarations = ".reg .b32 %never;";
  expect_rows(never, {{{0}, {0}, {}, {0xffffffff}}});
}

Test(mov, addresses) {
  const std::string text = ptx_head() +
                           ".global .align 8 .b8 table[64];\n"
                           ".visible .entry k(.param .u64 out) {\n"
                           ".reg .b64 %out, %a, %b;\n .shared .align 8 .b8 first[24];\n"
                           ".shared .align 8 .b8 second[8];\n .reg .b32 %s, %t;\n"
                           "ld.param.b64 %out, [out];\n"
                           "mov.u64 %a, table;\n mov.u64 %b, table+40;\n sub.u64 %b, %b, %a;\n"
                           "st.global.b64 [%out], %b;\n"
                           "mov.u32 %s, first;\n mov.u32 %t, first+4;\n sub.u32 %t, %t, %s;\n"
                           "st.global.b32 [%out+8], %t;\n"
                           "mov.u64 %a, first; mov.u64 %b, second; sub.u64 %b, %b, %a;\n"
                           "st.global.b64 [%out+16], %b;\n ret;\n}\n";
  const DeviceBuffer out(24);
  KernelRun run;
  run.ptx = text;
  run.block[0] = 1;
  run.parameters.add(out);
  if (!expect_runs(run)) return;
  const std::vector<uint64_t> values = out.values<uint64_t>();
  cr_expect(values[0] == 40, "table+40 is %llu off", static_cast<unsigned long long>(values[0]));
  cr_expect(static_cast<uint32_t>(values[1]) == 4);
  const int64_t apart = static_cast<int64_t>(values[2]);
  cr_expect(apart >= 24 || apart <= -8, "the arrays overlap");
}

Test(mov, what_ptx_does_not_have) {
  const std::vector<Slot> d = {{"%d", "b32"}}, a = {{"%a", "b16"}};
  expect_unsupported({"mov.b32 %d, %a;", d, a}, "2 bytes");
  expect_unsupported({"mov.u32 %d, {%a, %a};", d, a}, "mov.u32");
  expect_unsupported({"mov.b32 %d, {%a, %a, %a};", d, a}, "elements");
  expect_unsupported({"mov.b8 %d, %a;", d, a}, "mov.b8");
}
