/* Which window an address lies in, and hints about addresses. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/kernel_run.h"

namespace gpusim::cases {
namespace {

/* Generic addresses: %rd1 of global memory, %rd2 shared, %rd3 local, %rd4 a parameter. */
std::string kernel(const std::string &body) {
  return ptx_head() + R"(
.visible .entry k(.param .u64 data) {
  .reg .pred %p<4>; .reg .b32 %r<8>; .reg .b64 %rd<8>;
  .shared .align 16 .b8 s[64];
  .local .align 16 .b8 l[64];
  ld.param.u64 %rd1, [data];
  mov.u64 %rd2, s; cvta.shared.u64 %rd2, %rd2;
  mov.u64 %rd3, l; cvta.local.u64 %rd3, %rd3;
  mov.b64 %rd4, data; cvta.param.u64 %rd4, %rd4;
)" + body +
         "\nret;\n}\n";
}

Test(address, isspacep) {
  const char *const spaces[] = {"global", "shared", "local", "param"};
  std::string body = "mov.u32 %r1, 0;\n";
  for (int address = 0; address < 4; address++) {
    for (int space = 0; space < 4; space++) {
      body += std::string("isspacep.") + spaces[space] + " %p1, %rd" + std::to_string(address + 1) +
              "; selp.u32 %r2, " + std::to_string(1 << (4 * address + space)) +
              ", 0, %p1; or.b32 %r1, %r1, %r2;\n";
    }
  }
  body += "isspacep.shared::cta %p1, %rd2; @!%p1 trap; st.global.u32 [%rd1], %r1;";
  const DeviceBuffer data(std::vector<uint32_t>(1));
  const std::string text = kernel(body);
  KernelRun run;
  run.ptx = text;
  run.block[0] = 1;
  run.parameters.add(data);
  cr_assert(expect_runs(run));
  cr_assert_eq(data.values<uint32_t>()[0], 0x8421, "0x%x", data.values<uint32_t>()[0]);
}

/* They neither read nor fault, wherever they point. */
Test(address, prefetches) {
  const DeviceBuffer data(std::vector<uint32_t>(1, 5));
  const std::string text = kernel(R"(
  prefetch.global.L1 [%rd1];
  prefetch.global.L2 [%rd1+1024];
  prefetch.L2 [%rd3];
  prefetch.global.L2::evict_last [%rd1];
  prefetch.global.L2::evict_normal [%rd1];
  prefetchu.L1 [%rd1];
  mov.u64 %rd5, 3;
  prefetch.local.L1 [%rd5];
  ld.global.u32 %r1, [%rd1];
  st.global.u32 [%rd1], %r1;
)");
  KernelRun run;
  run.ptx = text;
  run.block[0] = 1;
  run.parameters.add(data);
  cr_assert(expect_runs(run));
  cr_assert_eq(data.values<uint32_t>()[0], 5);
  const std::string undefined = kernel("prefetch.global.L2 [%rd7];");
  run.ptx = undefined;
  cr_assert(expect_runs(run));
  for (const char *const wrong :
       {"prefetch.shared.L1 [%rd2];", "prefetch.global [%rd1];", "prefetch.global.L3 [%rd1];",
        "isspacep.reg %p1, %rd1;", "isspacep %p1, %rd1;"}) {
    cr_expect(!why_unsupported(kernel(wrong)).empty(), "%s", wrong);
  }
}

/* C++ names of templates have thousands of characters. */
Test(address, entry_of_a_long_name) {
  const std::string name = "_Z" + std::string(4000, 'x') + "$1";
  const std::string text = ptx_head() + ".visible .entry " + name + "(.param .u64 " + name +
                           "_param_0) {\n.reg .b64 %rd1;\nld.param.u64 "
                           "%rd1, [" +
                           name + "_param_0];\nst.global.u32 [%rd1], 7;\nret;\n}\n";
  const DeviceBuffer data(std::vector<uint32_t>(1));
  KernelRun run;
  run.ptx = text;
  run.entry = name;
  run.block[0] = 1;
  run.parameters.add(data);
  cr_assert(expect_runs(run));
  cr_assert_eq(data.values<uint32_t>()[0], 7);
  KernelRun outside = run;
  outside.parameters = Parameters();
  outside.parameters.add(uint64_t{64});
  const Fault fault = expect_fault(outside, FaultKind::out_of_bounds);
  cr_assert(fault.text().find("xxxx") != std::string::npos, "%s", fault.text().c_str());
}

}  // namespace
}  // namespace gpusim::cases
