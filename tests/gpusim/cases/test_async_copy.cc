/* cp.async, mbarrier and ldmatrix. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/kernel_run.h"

using namespace gpusim;
using namespace gpusim::cases;

namespace {

/* 512 bytes of input at %a; lane's 16 bytes of it at %s; the same of shared memory at %d. */
std::string kernel(const std::string &body) {
  return ptx_head() +
         ".visible .entry k(.param .u64 a, .param .u64 b)\n{\n"
         ".shared .align 16 .b8 s[1024]; .shared .align 8 .b64 bar;\n"
         ".reg .b64 %a, %b, %s, %o, %r<5>; .reg .b32 %t, %d, %x<9>; .reg .pred %p<3>;\n"
         "ld.param.u64 %a, [a]; ld.param.u64 %b, [b]; mov.u32 %t, %tid.x;\n"
         "mul.wide.u32 %o, %t, 16; add.u64 %s, %a, %o; add.u64 %b, %b, %o;\n"
         "shl.b32 %x8, %t, 4; mov.u32 %d, s; add.u32 %d, %d, %x8;\n" +
         body + "\nret;\n}\n";
}

const char *const kStore =
    "ld.shared.v4.u32 {%x1,%x2,%x3,%x4}, [%d]; st.global.v4.u32 [%b], {%x1,%x2,%x3,%x4};";

std::vector<uint8_t> input() {
  std::vector<uint8_t> all(512);
  for (size_t i = 0; i < all.size(); i++) all[i] = static_cast<uint8_t>(i * 29 + i / 256 + 1);
  return all;
}

struct Copies {
  DeviceBuffer in{input()};
  DeviceBuffer out{std::vector<uint8_t>(1024)};

  KernelRun run(const std::string &ptx, gpusim_async async = GPUSIM_ASYNC_LATE) const {
    KernelRun run;
    run.ptx = ptx;
    run.parameters.add(in).add(out);
    run.config.async = async;
    return run;
  }
};

constexpr gpusim_async kModes[] = {GPUSIM_ASYNC_LATE, GPUSIM_ASYNC_EARLY};

}  // namespace

Test(async_copy, sizes_and_zero_fill) {
  const std::vector<uint8_t> in = input();
  const std::string wait = std::string("cp.async.commit_group; cp.async.wait_group 0;") + kStore;
  for (const gpusim_async mode : kModes) {
    for (const unsigned kept : {0u, 4u, 7u, 16u}) {
      const Copies copies;
      const std::string text =
          kernel("mov.u32 %x5, " + std::to_string(kept) +
                 "; cp.async.cg.shared.global.L2::128B [%d], [%s], 16, %x5;" + wait);
      cr_assert(expect_runs(copies.run(text, mode)));
      const std::vector<uint8_t> out = copies.out.values<uint8_t>();
      for (size_t i = 0; i < 512; i++) {
        cr_assert(out[i] == (i % 16 < kept ? in[i] : 0), "kept %u, byte %zu", kept, i);
      }
    }
    const Copies copies;
    const std::string small = kernel(
        "cp.async.ca.shared.global [%d], [%s], 8; cp.async.ca.shared.global [%d+8], [%s+8], 4;"
        "setp.eq.u32 %p0, %t, 3; cp.async.ca.shared.global [%d+12], [%s+12], 4, %p0;"
        "cp.async.wait_all;" +
        std::string(kStore));
    cr_assert(expect_runs(copies.run(small, mode)));
    const std::vector<uint8_t> out = copies.out.values<uint8_t>();
    for (size_t i = 0; i < 512; i++) {
      cr_assert(out[i] == (i / 4 == 15 ? 0 : in[i]), "byte %zu", i);
    }
  }
}

Test(async_copy, source_of_no_bytes_may_be_anywhere) {
  const Copies copies;
  const std::string wait = std::string("cp.async.wait_all;") + kStore;
  expect_runs(copies.run(kernel("cp.async.cg.shared.global [%d], [%s+512], 16, 0;" + wait)));
  expect_fault(copies.run(kernel("cp.async.cg.shared.global [%d], [%s+16], 16;" + wait)),
               FaultKind::out_of_bounds);
  expect_fault(copies.run(kernel("cp.async.cg.shared.global [%d], [%s+16], 16, 1;" + wait)),
               FaultKind::out_of_bounds);
  expect_fault(copies.run(kernel("cp.async.cg.shared.global [%d], [%s], 16, 17;" + wait)),
               FaultKind::illegal_instruction);
}

Test(async_copy, pending_until_its_group_is_waited_for) {
  const std::string two =
      "cp.async.cg.shared.global [%d], [%s], 16; cp.async.commit_group;"
      "cp.async.cg.shared.global [%d+512], [%s], 16; cp.async.commit_group;";
  for (const gpusim_async mode : kModes) {
    const Copies copies;
    expect_runs(copies.run(kernel(two + "cp.async.wait_group 1;" + kStore), mode));
    const std::vector<uint8_t> in = input();
    const std::vector<uint8_t> out = copies.out.values<uint8_t>();
    cr_assert(std::equal(in.begin(), in.end(), out.begin()));
    expect_fault(copies.run(kernel(two + "cp.async.wait_group 2;" + kStore), mode),
                 FaultKind::async_pending);
    expect_fault(
        copies.run(kernel(two + "cp.async.wait_group 1; st.shared.u8 [%d+527], %t;"), mode),
        FaultKind::async_pending);
    expect_fault(
        copies.run(kernel("cp.async.cg.shared.global [%d], [%s], 16; cp.async.wait_group 0;" +
                          std::string(kStore)),
                   mode),
        FaultKind::async_pending);
  }
}

Test(async_copy, mbarrier_completes_copies) {
  const std::string init =
      "setp.eq.u32 %p0, %t, 0; @%p0 mbarrier.init.shared.b64 [bar], 32;"
      "bar.sync 0;";
  const std::string copy = "cp.async.cg.shared.global [%d], [%s], 16;";
  const std::string spin =
      "$again: mbarrier.test_wait.shared.b64 %p1, [bar], %r1; @!%p1 bra $again;";
  const std::string parity =
      "$again: mbarrier.test_wait.parity.shared.b64 %p1, [bar], 0; @!%p1 bra $again;";
  for (const gpusim_async mode : kModes) {
    for (uint64_t seed = 1; seed < 4; seed++) {
      for (const std::string &wait : {spin, parity}) {
        const Copies copies;
        const std::string text = kernel(init + copy +
                                        "cp.async.mbarrier.arrive.shared.b64 [bar];"
                                        "mbarrier.arrive.shared.b64 %r1, [bar];" +
                                        wait + kStore);
        KernelRun run = copies.run(text, mode);
        run.config.seed = seed;
        cr_assert(expect_runs(run));
        const std::vector<uint8_t> in = input();
        const std::vector<uint8_t> out = copies.out.values<uint8_t>();
        cr_assert(std::equal(in.begin(), in.end(), out.begin()));
      }
      const Copies copies;
      const std::string noinc = kernel(
          init + copy + "cp.async.mbarrier.arrive.noinc.shared.b64 [bar];" + parity + kStore);
      cr_assert(expect_runs(copies.run(noinc, mode)));
    }
  }
}

Test(async_barrier, counts_states_and_misuse) {
  const Copies copies;
  const std::string one = "setp.eq.u32 %p0, %t, 0; @!%p0 ret; mbarrier.init.shared.b64 [bar], 3;";
  const std::string text = kernel(
      one +
      "mbarrier.arrive.noComplete.shared.b64 %r1, [bar], 2; mbarrier.arrive.shared.b64 %r2,"
      " [bar]; mbarrier.pending_count.b64 %x1, %r1; mbarrier.pending_count.b64 %x2, %r2;"
      "mbarrier.test_wait.shared.b64 %p1, [bar], %r2; selp.b32 %x3, 1, 0, %p1;"
      "mbarrier.test_wait.parity.shared.b64 %p1, [bar], 1; @%p1 trap;"
      "mbarrier.arrive_drop.shared.b64 %r3, [bar]; mbarrier.arrive.noComplete.shared.b64 %r3,"
      " [bar], 1; mbarrier.arrive.shared.b64 %r3, [bar];"
      "mbarrier.test_wait.parity.shared.b64 %p1, [bar], 1; @!%p1 trap;"
      "mbarrier.arrive.shared.b64 %r3, [bar]; mbarrier.pending_count.b64 %x4, %r3;"
      "st.global.v4.u32 [%b], {%x1,%x2,%x3,%x4}; mbarrier.inval.shared.b64 [bar];");
  cr_assert(expect_runs(copies.run(text)));
  const std::vector<uint32_t> out = copies.out.values<uint32_t>();
  cr_assert(out[0] == 3 && out[1] == 1 && out[2] == 1 && out[3] == 2, "%u %u %u %u", out[0], out[1],
            out[2], out[3]);
  expect_fault(copies.run(kernel("mbarrier.arrive.shared.b64 %r1, [bar];")),
               FaultKind::barrier_misuse);
  expect_fault(copies.run(kernel(one + "mbarrier.arrive.noComplete.shared.b64 %r1, [bar], 3;")),
               FaultKind::barrier_misuse);
  cr_expect(why_unsupported(kernel("mbarrier.arrive.expect_tx.shared.b64 %r1, [bar], 4;"))
                .find("sm_90") != std::string::npos);
}

/* Element (row, column) of matrix j is 64 j + 8 row + column. */
Test(ldmatrix, position_coded) {
  const char *const registers[] = {"", "{%x1}", "{%x1,%x2}", "", "{%x1,%x2,%x3,%x4}"};
  std::vector<uint16_t> coded(256);
  for (size_t i = 0; i < coded.size(); i++) coded[i] = static_cast<uint16_t>(i);
  for (const unsigned count : {1u, 2u, 4u}) {
    for (const bool transposed : {false, true}) {
      const DeviceBuffer in(coded);
      const DeviceBuffer out(std::vector<uint32_t>(128));
      const std::string name = "ldmatrix.sync.aligned.x" + std::to_string(count) +
                               (transposed ? ".trans.m8n8" : ".m8n8") + ".shared.b16 ";
      const std::string text = kernel(
          "ld.global.v4.u32 {%x1,%x2,%x3,%x4}, [%s]; st.shared.v4.u32 [%d], {%x1,%x2,%x3,%x4};"
          "bar.sync 0; mov.u32 %x1, 0; mov.u32 %x2, 0; mov.u32 %x3, 0; mov.u32 %x4, 0;" +
          name + registers[count] + ", [%d]; st.global.v4.u32 [%b], {%x1,%x2,%x3,%x4};");
      KernelRun run;
      run.ptx = text;
      run.parameters.add(in).add(out);
      cr_assert(expect_runs(run));
      const std::vector<uint32_t> actual = out.values<uint32_t>();
      for (unsigned lane = 0; lane < 32; lane++) {
        for (unsigned j = 0; j < count; j++) {
          const unsigned g = lane >> 2, t = lane & 3;
          const unsigned low = transposed ? 64 * j + 8 * (2 * t) + g : 64 * j + 8 * g + 2 * t;
          const unsigned high = transposed ? low + 8 : low + 1;
          cr_assert(actual[lane * 4 + j] == (low | high << 16), "x%u lane %u matrix %u: %x", count,
                    lane, j, actual[lane * 4 + j]);
        }
      }
    }
  }
}

Test(ldmatrix, unwritten_rows_may_be_dropped) {
  const Copies copies;
  const std::string load = "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%x1}, [%d];";
  expect_runs(copies.run(kernel(load)));
  expect_fault(copies.run(kernel(load + "st.global.u32 [%b], %x1;")), FaultKind::undefined);
  expect_fault(copies.run(kernel("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%x1}, [%d+8];")),
               FaultKind::misaligned);
}
