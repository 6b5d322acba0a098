/* atom and red against the operations' definitions; every lane's old value; many CTAs at once. */
#include <criterion/criterion.h>

#include <algorithm>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/kernel_run.h"

using namespace gpusim;
using namespace gpusim::cases;

namespace {

/* Each lane has a cell of its own in shared memory, which holds %a; the operation gets %b (and %c).
 * Gives the old value and the new one. */
InstructionCase lane_case(const std::string &operation, const std::string &type,
                          bool three = false) {
  const std::string digits = type.substr(type.find_first_of("0123456789"));
  const std::string raw = digits == "16x2" ? "b32" : "b" + digits;
  InstructionCase test;
  test.declarations = ".shared .align 8 .b8 cells[256]; .reg .b64 %m, %away; .reg .b32 %lane;";
  test.text =
      "mov.u32 %lane, %tid.x; mul.wide.u32 %away, %lane, 8; mov.u64 %m, cells;"
      "add.u64 %m, %m, %away; st.shared." +
      raw + " [%m], %a; atom.shared." + operation + "." + type + " %d, [%m], %b" +
      (three ? ", %c;" : ";") + "ld.shared." + raw + " %e, [%m];";
  test.outputs = {{"%d", raw}, {"%e", raw}};
  test.inputs = {{"%a", raw}, {"%b", raw}};
  if (three) test.inputs.push_back({"%c", raw});
  return test;
}

template <class Formula>
void expect_shared(const std::string &operation, const std::string &type, unsigned bits,
                   Formula formula) {
  expect_each(lane_case(operation, type), product({edges(bits), edges(bits)}),
              [&](const Values &in) {
                return Values{in[0], formula(in[0], in[1])};
              });
}

}  // namespace

Test(atomic, integers) {
  using U = uint64_t;
  expect_shared("add", "u32", 32, [](U a, U b) { return U{uint32_t(a + b)}; });
  expect_shared("add", "s32", 32, [](U a, U b) { return U{uint32_t(a + b)}; });
  expect_shared("add", "u64", 64, [](U a, U b) { return a + b; });
  expect_shared("inc", "u32", 32, [](U a, U b) { return a >= b ? U{0} : a + 1; });
  expect_shared("dec", "u32", 32, [](U a, U b) { return a == 0 || a > b ? b : a - 1; });
  expect_shared("min", "u32", 32, [](U a, U b) { return std::min(a, b); });
  expect_shared("max", "u64", 64, [](U a, U b) { return std::max(a, b); });
  expect_shared("min", "s32", 32, [](U a, U b) { return int32_t(a) < int32_t(b) ? a : b; });
  expect_shared("max", "s64", 64, [](U a, U b) { return int64_t(a) > int64_t(b) ? a : b; });
  expect_shared("and", "b32", 32, [](U a, U b) { return a & b; });
  expect_shared("or", "b64", 64, [](U a, U b) { return a | b; });
  expect_shared("xor", "b32", 32, [](U a, U b) { return a ^ b; });
  expect_shared("exch", "b64", 64, [](U, U b) { return b; });
}

Test(atomic, compare_and_swap) {
  for (const unsigned bits : {16u, 32u, 64u}) {
    const Values few = {0, 1, 0xffff};
    expect_each(lane_case("cas", "b" + std::to_string(bits), true), product({few, few, few}),
                [](const Values &in) {
                  return Values{in[0], in[0] == in[1] ? in[2] : in[0]};
                });
  }
}

Test(atomic, reals) {
  expect_each(lane_case("add", "f32"),
              {{0x3f800000, 0x40000000}, {0x00000001, 0x00000001}, {0x4b800000, 0x3f800000}},
              [](const Values &in) {
                float a, b;
                const uint32_t x = uint32_t(in[0]), y = uint32_t(in[1]);
                memcpy(&a, &x, 4);
                memcpy(&b, &y, 4);
                const float sum = a + b;
                uint32_t bits;
                memcpy(&bits, &sum, 4);
                return Values{in[0], bits};
              });
  /* 1 + 2 = 3, the smallest subnormal twice, 2048 + 1 rounds to even. */
  const std::vector<Values> halves = {
      {0x3c00, 0x4000, 0x4200}, {1, 1, 2}, {0x6800, 0x3c00, 0x6800}};
  for (const Values &half : halves) {
    expect_each(lane_case("add.noftz", "f16"), {{half[0], half[1]}}, [&](const Values &in) {
      return Values{in[0], half[2]};
    });
    expect_each(lane_case("add.noftz", "f16x2"),
                {{half[0] << 16 | half[0], half[1] << 16 | half[1]}}, [&](const Values &in) {
                  return Values{in[0], half[2] << 16 | half[2]};
                });
  }
  InstructionCase bfloat = lane_case("add.noftz", "bf16");
  bfloat.sm = 90;
  expect_each(bfloat, {{0x3f80, 0x4000}}, [](const Values &in) { return Values{in[0], 0x4040}; });
  expect_each(lane_case("add", "f64"), {{0x3ff0000000000000, 0x4000000000000000}},
              [](const Values &in) {
                return Values{in[0], 0x4008000000000000};
              });
}

/* 8 CTAs on two threads add to one counter: every old value is given once. */
Test(atomic, global_counter) {
  const std::string text =
      ptx_head() +
      ".visible .entry k(.param .u64 n, .param .u64 o)\n{\n.reg .b64 %n, %o, %r; .reg .b32 %x<4>;\n"
      "ld.param.u64 %n, [n]; ld.param.u64 %o, [o]; atom.relaxed.gpu.global.add.u32 %x0, [%n], 1;"
      "red.global.add.u32 [%n+4], 2; mul.wide.u32 %r, %x0, 4; add.u64 %o, %o, %r;"
      "st.global.u32 [%o], %x0; ret;\n}\n";
  for (uint64_t seed = 1; seed < 4; seed++) {
    DeviceBuffer counter(std::vector<uint32_t>(2));
    DeviceBuffer out(8 * 64 * 4);
    KernelRun run;
    run.ptx = text;
    run.grid[0] = 8;
    run.block[0] = 64;
    run.parameters.add(counter).add(out);
    run.config.seed = seed;
    run.config.threads = 2;
    cr_assert(expect_runs(run));
    cr_assert(counter.values<uint32_t>()[0] == 512 && counter.values<uint32_t>()[1] == 1024);
    const std::vector<uint32_t> all = out.values<uint32_t>();
    for (uint32_t i = 0; i < 512; i++) cr_assert(all[i] == i);
  }
}

Test(atomic, f32_add_flushes_in_global_memory_only) {
  const std::string text =
      ptx_head() +
      ".visible .entry k(.param .u64 n)\n{\n.reg .b64 %n; .reg .f32 %f<3>; .shared .f32 s;\n"
      "ld.param.u64 %n, [n]; mov.f32 %f0, 0f00000001; red.global.add.f32 [%n], %f0;"
      "st.shared.f32 [s], %f0; red.shared.add.f32 [s], %f0; ld.shared.f32 %f1, [s];"
      "st.global.f32 [%n+4], %f1; ret;\n}\n";
  DeviceBuffer out(std::vector<uint32_t>{1, 0});
  KernelRun run;
  run.ptx = text;
  run.block[0] = 1;
  run.parameters.add(out);
  cr_assert(expect_runs(run));
  cr_assert(out.values<uint32_t>()[0] == 0 && out.values<uint32_t>()[1] == 2);
}
