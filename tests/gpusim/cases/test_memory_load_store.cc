/* ld and st: every type, vector, space and hint; faults of addresses. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/kernel_run.h"

using namespace gpusim;
using namespace gpusim::cases;

namespace {

/* A kernel with a parameter `a` in %a, and %b for global output, thread index in %t. */
std::string kernel(const std::string &body, const std::string &declarations = "") {
  return ptx_head() + ".visible .entry k(.param .u64 a, .param .u64 b)\n{\n" + declarations +
         "\n.reg .b64 %a, %b, %r<9>;\n.reg .b32 %t, %x<9>;\n.reg .b16 %h<5>;\n.reg .f32 %f<5>;\n"
         ".reg .pred %p<3>;\n"
         "ld.param.u64 %a, [a];\nld.param.u64 %b, [b];\nmov.u32 %t, %tid.x;\n" +
         body + "\nret;\n}\n";
}

/* Runs with the input at a and gives the output; checked and fast. */
template <class T>
std::vector<T> run_both(const std::string &ptx, const std::vector<uint8_t> &input, size_t count,
                        uint32_t dynamic = 0) {
  std::vector<T> results[2];
  for (int checked = 0; checked < 2; checked++) {
    DeviceBuffer in(input);
    DeviceBuffer out(std::vector<T>(count, T(0x5a)));
    KernelRun run;
    run.ptx = ptx;
    run.dynamic_shared_bytes = dynamic;
    run.parameters.add(in).add(out);
    run.config = checked ? checked_config() : fast_config();
    expect_runs(run);
    results[checked] = out.values<T>();
  }
  cr_expect(results[0] == results[1], "checked and fast differ");
  return results[1];
}

std::vector<uint8_t> bytes(size_t count) {
  std::vector<uint8_t> all(count);
  for (size_t i = 0; i < count; i++) all[i] = static_cast<uint8_t>(i * 37 + 11 + i / 256);
  return all;
}

/* `bytes` little-endian bytes of the input as a number, sign extended if wanted. */
uint64_t number(const std::vector<uint8_t> &all, size_t at, unsigned size, bool is_signed) {
  uint64_t value = 0;
  for (unsigned i = 0; i < size; i++) value |= uint64_t{all[at + i]} << (8 * i);
  if (is_signed && size < 8 && (value >> (8 * size - 1) & 1) != 0)
    value |= ~uint64_t{0} << 8 * size;
  return value;
}

struct Fixture {
  DeviceBuffer in{bytes(4096)};
  DeviceBuffer out{std::vector<uint8_t>(4096)};

  KernelRun run(const std::string &ptx) const {
    KernelRun run;
    run.ptx = ptx;
    run.parameters.add(in).add(out);
    return run;
  }
};

}  // namespace

Test(memory_load, types_into_64_bits) {
  const std::vector<uint8_t> input = bytes(32 * 8);
  for (const char *const type :
       {"b8", "u8", "s8", "b16", "u16", "s16", "b32", "u32", "s32", "b64", "u64", "s64"}) {
    const unsigned size = static_cast<unsigned>(atoi(type + 1)) / 8;
    const std::string body = "mul.wide.u32 %r1, %t, " + std::to_string(size) +
                             "; add.u64 %r1, %r1, %a; ld.global." + type +
                             " %r2, [%r1]; mul.wide.u32 %r3, %t, 8; add.u64 %r3, %r3, %b; "
                             "st.global.b64 [%r3], %r2;";
    const std::vector<uint64_t> actual = run_both<uint64_t>(kernel(body), input, 32);
    for (size_t lane = 0; lane < 32; lane++) {
      cr_assert(actual[lane] == number(input, lane * size, size, type[0] == 's'), "%s, lane %zu",
                type, lane);
    }
  }
}

Test(memory_load, vectors) {
  const std::vector<uint8_t> input = bytes(32 * 16);
  struct {
    const char *type;
    unsigned count;
  } const cases[] = {{"u8", 2},  {"s8", 4},  {"u16", 2}, {"s16", 4}, {"u32", 2},
                     {"b32", 4}, {"f32", 4}, {"u64", 2}, {"f64", 2}};
  for (const auto &test : cases) {
    const unsigned size = static_cast<unsigned>(atoi(test.type + 1)) / 8;
    const bool real = test.type[0] == 'f';
    const bool wide = size == 8 || !real;
    const std::string registers = test.count == 2 ? wide ? "{%r1, %r2}" : "{%f1, %f2}"
                                  : wide          ? "{%r1, %r2, %r3, %r4}"
                                                  : "{%f1, %f2, %f3, %f4}";
    const std::string type = ".v" + std::to_string(test.count) + "." + test.type;
    const std::string stride = std::to_string(size * test.count);
    /* Loaded reversed, so that lanes are not side by side; stored as it was. */
    const std::string body = "sub.u32 %x1, 31, %t; mul.wide.u32 %r5, %x1, " + stride +
                             "; add.u64 %r6, %r5, %a; add.u64 %r7, %r5, %b; ld.global" + type +
                             " " + registers + ", [%r6]; st.global" + type + " [%r7], " +
                             registers + ";";
    const size_t total = size_t{32} * size * test.count;
    const std::vector<uint8_t> actual = run_both<uint8_t>(kernel(body), input, total);
    cr_assert(std::equal(actual.begin(), actual.end(), input.begin()), "%s", type.c_str());
  }
}

Test(memory_load, hints_change_nothing) {
  const std::vector<uint8_t> input = bytes(128);
  for (const char *const load :
       {"ld.global.ca.u32", "ld.global.cg.u32", "ld.global.cs.u32", "ld.global.lu.u32",
        "ld.global.cv.u32", "ld.global.nc.u32", "ld.global.nc.L1::no_allocate.L2::128B.u32",
        "ld.weak.global.u32", "ld.volatile.global.u32", "ld.relaxed.gpu.global.u32",
        "ld.acquire.sys.global.u32", "ld.relaxed.cta.global.L1::evict_last.u32", "ld.u32",
        "ldu.global.u32", "ld.global.L1::evict_first.L2::evict_last.u32", "ld.global.L2::64B.u32",
        "ld.global.L2::256B.b32"}) {
    for (const char *const store :
         {"st.global.wb.u32", "st.global.cg.u32", "st.global.cs.u32", "st.global.wt.u32",
          "st.weak.global.u32", "st.volatile.global.u32", "st.relaxed.gpu.global.u32",
          "st.release.sys.global.u32", "st.u32", "st.global.L1::evict_unchanged.b32"}) {
      const std::string body = std::string("mul.wide.u32 %r1, %t, 4; add.u64 %r2, %r1, %a; ") +
                               "add.u64 %r3, %r1, %b; " + load + " %x1, [%r2]; " + store +
                               " [%r3], %x1;";
      const std::vector<uint8_t> actual = run_both<uint8_t>(kernel(body), input, 128);
      cr_assert(actual == input, "%s %s", load, store);
    }
  }
  const std::string policy =
      "mul.wide.u32 %r1, %t, 4; add.u64 %r2, %r1, %a; add.u64 %r3, %r1, %b;"
      "createpolicy.fractional.L2::evict_last.b64 %r4, 0.5;"
      "ld.global.L2::cache_hint.u32 %x1, [%r2], %r4; st.global.L2::cache_hint.u32 [%r3], %x1, %r4;";
  cr_assert(run_both<uint8_t>(kernel(policy), input, 128) == input);
}

Test(memory_load, shared_static_and_dynamic) {
  const std::vector<uint8_t> input = bytes(128);
  const std::string body =
      "mul.wide.u32 %r1, %t, 4; add.u64 %r2, %r1, %a; ld.global.u32 %x1, [%r2];"
      "mov.u32 %x2, s; shl.b32 %x3, %t, 2; add.u32 %x2, %x2, %x3; st.shared.u32 [%x2], %x1;"
      "bar.sync 0; mov.u64 %r4, s; sub.u32 %x4, 31, %t; mul.wide.u32 %r5, %x4, 4;"
      "add.u64 %r4, %r4, %r5; ld.shared.u32 %x5, [%r4]; add.u64 %r3, %r5, %b;"
      "st.global.u32 [%r3], %x5;";
  cr_assert(run_both<uint8_t>(kernel(body, ".shared .align 4 .b8 s[128];"), input, 128) == input);
  /* 100 KiB of dynamic shared memory, the last bytes of it. */
  const std::string dynamic =
      ptx_head() + ".extern .shared .align 16 .b8 big[];\n" +
      kernel(
          "mul.wide.u32 %r1, %t, 4; add.u64 %r2, %r1, %a; ld.global.u32 %x1, [%r2];"
          "mov.u64 %r3, big; add.u64 %r3, %r3, %r1; st.shared.u32 [%r3+102272], %x1;"
          "cvta.shared.u64 %r4, %r3; ld.u32 %x2, [%r4+102272]; add.u64 %r5, %r1, %b;"
          "st.global.u32 [%r5], %x2;")
          .substr(ptx_head().size());
  cr_assert(run_both<uint8_t>(dynamic, input, 128, 102400) == input);
}

Test(memory_load, one_generic_load_over_three_windows) {
  const std::vector<uint8_t> input = bytes(128);
  const std::string body =
      "mov.u64 %r1, s; cvta.shared.u64 %r1, %r1; mov.u64 %r2, l; cvta.local.u64 %r2, %r2;"
      "mov.u32 %x1, 111; mov.u32 %x2, 222; st.u32 [%r1], %x1; st.u32 [%r2], %x2;"
      "bar.warp.sync 0xffffffff;"
      "rem.u32 %x3, %t, 3; setp.eq.u32 %p0, %x3, 0; setp.eq.u32 %p1, %x3, 1;"
      "selp.b64 %r3, %r1, %r2, %p0; selp.b64 %r3, %a, %r3, %p1; ld.u32 %x4, [%r3];"
      "mul.wide.u32 %r4, %t, 4; add.u64 %r4, %r4, %b; st.global.u32 [%r4], %x4;";
  const std::vector<uint32_t> actual =
      run_both<uint32_t>(kernel(body, ".shared .b32 s; .local .b32 l;"), input, 32);
  for (unsigned lane = 0; lane < 32; lane++) {
    const uint64_t wanted = lane % 3 == 0 ? 111 : lane % 3 == 1 ? number(input, 0, 4, false) : 222;
    cr_assert(actual[lane] == wanted, "lane %u: %u", lane, actual[lane]);
  }
}

Test(memory_load, parameters) {
  std::string text = ptx_head() +
                     ".visible .entry k(.param .u64 b, .param .align 8 .b8 big[400])\n{\n"
                     ".reg .b64 %r<6>; .reg .b32 %x<4>;\n"
                     "ld.param.u64 %r1, [b]; mov.b64 %r2, big; ld.param.u32 %x1, [%r2+396];"
                     "ld.param.v2.u32 {%x2, %x3}, [big+8]; st.global.u32 [%r1], %x1;"
                     "st.global.u32 [%r1+4], %x2; st.global.u32 [%r1+8], %x3;"
                     "cvta.param.u64 %r3, %r2; ld.u32 %x1, [%r3+16]; st.global.u32 [%r1+12], %x1;"
                     "ret;\n}\n";
  DeviceBuffer out(std::vector<uint32_t>(4));
  const std::vector<uint8_t> big = bytes(400);
  KernelRun run;
  run.ptx = text;
  run.parameters.add(out).add_bytes(big.data(), big.size(), 8);
  cr_assert(expect_runs(run));
  const std::vector<uint32_t> actual = out.values<uint32_t>();
  const size_t at[] = {396, 8, 12, 16};
  for (size_t i = 0; i < 4; i++) cr_assert(actual[i] == number(big, at[i], 4, false), "%zu", i);
}

Test(memory_fault, out_of_bounds_by_one_byte) {
  const Fixture fixture;
  const std::string load = "mul.wide.u32 %r1, %t, 4; add.u64 %r1, %r1, %a; ld.global.u8 %x1, ";
  Fault fault = expect_fault(fixture.run(kernel(load + "[%r1+3972];")), FaultKind::out_of_bounds);
  cr_expect(fault.lane == 31, "lane %d", fault.lane);
  cr_expect(fault.detail.find("0 bytes behind the 4096 bytes at") != std::string::npos, "%s",
            fault.detail.c_str());
  expect_runs(fixture.run(kernel(load + "[%r1+3971];")));
  fault = expect_fault(fixture.run(kernel("ld.global.u8 %x1, [%a+-1];")), FaultKind::out_of_bounds);
  cr_expect(fault.detail.find("1 bytes before") != std::string::npos, "%s", fault.detail.c_str());
  const std::string shared = ".shared .align 8 .b8 s[100];";
  expect_fault(fixture.run(kernel("st.shared.u8 [s+100], %t;", shared)), FaultKind::out_of_bounds);
  expect_runs(fixture.run(kernel("st.shared.u8 [s+99], 5;", shared)));
  expect_fault(fixture.run(kernel("st.shared.u32 [s+100], %t;", shared)), FaultKind::out_of_bounds);
  const std::string local = ".local .align 8 .b8 l[100];";
  expect_fault(fixture.run(kernel("st.local.u8 [l+100], %t;", local)), FaultKind::out_of_bounds);
  expect_runs(fixture.run(kernel("st.local.u8 [l+99], %t;", local)));
  expect_fault(fixture.run(kernel("ld.param.u8 %x1, [b+8];")), FaultKind::out_of_bounds);
  expect_runs(fixture.run(kernel("ld.param.u8 %x1, [b+7];")));
}

Test(memory_fault, use_after_free) {
  Fixture fixture;
  uint64_t freed = 0;
  {
    const DeviceBuffer other(bytes(64));
    freed = other.address();
  }
  KernelRun run;
  const std::string text = kernel("ld.global.u32 %x1, [%a+8];");
  run.ptx = text;
  run.parameters.add(freed).add(fixture.out);
  const Fault fault = expect_fault(run, FaultKind::use_after_free);
  cr_expect(fault.detail.find("64 freed bytes") != std::string::npos, "%s", fault.detail.c_str());
}

Test(memory_fault, misaligned) {
  const Fixture fixture;
  expect_fault(fixture.run(kernel("ld.global.u32 %x1, [%a+2];")), FaultKind::misaligned);
  expect_runs(fixture.run(kernel("ld.global.u16 %x1, [%a+2];")));
  expect_fault(fixture.run(kernel("ld.global.v4.u32 {%x1,%x2,%x3,%x4}, [%a+8];")),
               FaultKind::misaligned);
  expect_runs(fixture.run(kernel("ld.global.v2.u32 {%x1,%x2}, [%a+8];")));
  const std::string text = kernel("ld.global.u32 %x1, [%a+2];");
  KernelRun fast = fixture.run(text);
  fast.config = fast_config();
  expect_fault(fast, FaultKind::misaligned);
}

Test(memory_fault, wrong_space_and_read_only) {
  const Fixture fixture;
  const std::string shared = ".shared .align 8 .b8 s[100];";
  expect_fault(fixture.run(kernel("mov.u64 %r1, s; cvta.shared.u64 %r1, %r1;"
                                  "ld.global.u32 %x1, [%r1];",
                                  shared)),
               FaultKind::wrong_space);
  expect_fault(fixture.run(kernel("ld.shared.u32 %x1, [%a];", shared)), FaultKind::wrong_space);
  expect_fault(fixture.run(kernel("mov.b64 %r1, a; cvta.param.u64 %r1, %r1; st.u32 [%r1], %t;")),
               FaultKind::read_only);
  const std::string constant = ptx_head() + ".const .align 4 .u32 c[2] = {7, 9};\n";
  const auto with = [&](const char *body) {
    return constant + kernel(body).substr(ptx_head().size());
  };
  expect_fault(fixture.run(with("mov.u64 %r1, c; cvta.const.u64 %r1, %r1; st.u32 [%r1], %t;")),
               FaultKind::read_only);
  expect_runs(fixture.run(with("ld.const.u32 %x1, [c+4]; st.global.u32 [%b], %x1;")));
  cr_assert(fixture.out.values<uint32_t>()[0] == 9);
}

Test(memory_undefined, tracked_to_the_end) {
  const Fixture fixture;
  const DeviceBuffer fresh(256);
  const auto with = [&](const std::string &text) {
    KernelRun run;
    run.ptx = text;
    run.parameters.add(fresh).add(fixture.out);
    return run;
  };
  /* Loaded and dropped, or overwritten in the end: legal. Left in global memory: not. */
  std::string text = kernel(
      "ld.global.u32 %x1, [%a]; st.global.u32 [%b], %x1;"
      "st.global.u32 [%b], %t;");
  expect_runs(with(text));
  text = kernel("ld.global.u32 %x1, [%a]; st.global.u32 [%b+4], %x1;");
  const Fault fault = expect_fault(with(text), FaultKind::undefined);
  cr_expect(fault.instruction.find("st.global.u32") != std::string::npos, "%s",
            fault.instruction.c_str());
  text = kernel("ld.global.u64 %r1, [%a]; ld.global.u32 %x1, [%r1];");
  expect_fault(with(text), FaultKind::undefined);
  text = kernel("ld.shared.u32 %x1, [s]; st.global.u32 [%b], %x1;", ".shared .b32 s;");
  expect_fault(with(text), FaultKind::undefined);
  text = kernel("ld.local.u32 %x1, [l]; st.global.u32 [%b], %x1;", ".local .b32 l;");
  expect_fault(with(text), FaultKind::undefined);
  text = kernel(
      "st.local.u16 [l], %t; ld.local.u32 %x1, [l]; and.b32 %x1, %x1, 65535;"
      "st.global.u16 [%b], %x1;",
      ".local .b32 l;");
  expect_runs(with(text));
}
