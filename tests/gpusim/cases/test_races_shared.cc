/* Races on shared memory: kernels that have one, and their corrected twins. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/kernel_run.h"

using namespace gpusim;
using namespace gpusim::cases;

namespace {

/* Two warps; %r1 = thread, %r2 = lane, %r3 = 4 * thread, %r4 = address of the neighbour's word,
 * which belongs to the other warp; %r5 = address of the next lane's word; %p1: warp 0; %rd1 = out.
 */
std::string kernel(const std::string &body) {
  return ptx_head() + R"(
.visible .entry k(.param .u64 out) {
  .reg .pred %p<4>; .reg .b32 %r<16>; .reg .b64 %rd<8>; .reg .b16 %h<4>; .reg .f32 %f<4>;
  .shared .align 16 .b8 s[512];
  .shared .align 8 .b64 bar;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %laneid;
  shl.b32 %r3, %r1, 2;
  xor.b32 %r4, %r3, 128;
  xor.b32 %r5, %r3, 4;
  setp.lt.u32 %p1, %r1, 32;
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd2, %rd1, %rd2;
  mov.u32 %r15, s;
  add.s32 %r3, %r3, %r15; add.s32 %r4, %r4, %r15; add.s32 %r5, %r5, %r15;
)" + body +
         R"(
  st.global.u32 [%rd2], %r6;
  ret;
}
)";
}

struct Case {
  const char *name;
  const char *body;
  bool races;
};

void check(const Case &test) {
  for (uint64_t seed : {0, 1, 2, 3}) {
    DeviceBuffer out(std::vector<uint32_t>(64));
    const std::string text = kernel(test.body);
    KernelRun run;
    run.ptx = text;
    run.block[0] = 64;
    run.parameters.add(out);
    run.config.seed = seed;
    Fault fault;
    const bool ran = run_kernel(run, &fault);
    cr_expect_eq(ran, !test.races, "%s, seed %d: %s", test.name, static_cast<int>(seed),
                 fault.text().c_str());
    if (!test.races || ran) continue;
    cr_expect_eq(fault.kind, FaultKind::race, "%s: %s", test.name, fault.text().c_str());
    cr_expect(fault.lane >= 0 && fault.warp >= 0 && fault.ptx_line != 0, "%s", test.name);
    cr_expect(fault.detail.find("PTX line") != std::string::npos, "%s: the other access is named",
              test.name);
  }
}

const Case kBetweenWarps[] = {
    {"read after write", "st.shared.u32 [%r3], %r1; ld.shared.u32 %r6, [%r4];", true},
    {"read after write, barrier", "st.shared.u32 [%r3], %r1; bar.sync 0; ld.shared.u32 %r6, [%r4];",
     false},
    {"write after read",
     "st.shared.u32 [%r3], %r1; bar.sync 0; ld.shared.u32 %r6, [%r4]; st.shared.u32 [%r3], 7;",
     true},
    {"write after read, barrier",
     "st.shared.u32 [%r3], %r1; bar.sync 0; ld.shared.u32 %r6, [%r4]; bar.sync 0;"
     "st.shared.u32 [%r3], 7;",
     false},
    {"write after write", "st.shared.u32 [%r3], %r1; st.shared.u32 [%r4], %r1; mov.u32 %r6, 0;",
     true},
    {"write of the same value", "st.shared.u32 [s], 5; bar.sync 0; ld.shared.u32 %r6, [s];", false},
    {"write of different values", "st.shared.u32 [s], %r1; bar.sync 0; ld.shared.u32 %r6, [s];",
     true},
    {"a broadcast read by all, then a write",
     "@%p1 st.shared.u32 [s], 5; bar.sync 0; ld.shared.u32 %r6, [s]; @%p1 st.shared.u32 [s], 6;",
     true},
    {"a broadcast read by all, barrier, then a write",
     "@%p1 st.shared.u32 [s], 5; bar.sync 0; ld.shared.u32 %r6, [s]; bar.sync 0;"
     "@%p1 st.shared.u32 [s], 6;",
     false},
    {"neighbouring halves of a word",
     "shl.b32 %r7, %r2, 2; add.s32 %r7, %r7, s; cvt.u16.u32 %h1, %r1;"
     "@%p1 st.shared.u16 [%r7], %h1; @!%p1 st.shared.u16 [%r7+2], %h1; mov.u32 %r6, 0;",
     false},
    {"the same half of a word",
     "shl.b32 %r7, %r2, 2; add.s32 %r7, %r7, s; cvt.u16.u32 %h1, %r1;"
     "@%p1 st.shared.u16 [%r7], %h1; @!%p1 st.shared.u16 [%r7], %h1; mov.u32 %r6, 0;",
     true},
    {"a vector and one of its words",
     "shl.b32 %r7, %r2, 4; add.s32 %r7, %r7, s;"
     "@%p1 st.shared.v4.u32 [%r7], {%r1, %r1, %r1, %r1}; @!%p1 st.shared.u32 [%r7+12], 3;"
     "mov.u32 %r6, 0;",
     true},
    {"atomics on one word",
     "@%p1 st.shared.u32 [s], 0; bar.sync 0; atom.shared.add.u32 %r6, [s], 1;", false},
    {"an atomic and a plain read",
     "@%p1 st.shared.u32 [s], 0; bar.sync 0; @%p1 atom.shared.add.u32 %r6, [s], 1;"
     "@!%p1 ld.shared.u32 %r6, [s];",
     true},
    {"a named barrier of one warp does not order the other",
     "st.shared.u32 [%r3], %r1; @%p1 bar.sync 1, 32; @!%p1 bar.sync 2, 32; ld.shared.u32 %r6, "
     "[%r4];",
     true},
    {"arrive and sync: the producer's writes are seen",
     "@!%p1 bra consumer; st.shared.u32 [%r3], %r1; bar.arrive 1, 64; mov.u32 %r6, 0; bra done;"
     "consumer: bar.sync 1, 64; ld.shared.u32 %r6, [%r4]; done:",
     false},
    {"writes after the arrival are not",
     "@!%p1 bra consumer; bar.arrive 1, 64; st.shared.u32 [%r3], %r1; mov.u32 %r6, 0; bra done;"
     "consumer: bar.sync 1, 64; ld.shared.u32 %r6, [%r4]; done:",
     true},
};

const Case kWithinWarp[] = {
    {"read of another lane's word", "st.shared.u32 [%r3], %r1; ld.shared.u32 %r6, [%r5];", true},
    {"with a warp barrier",
     "st.shared.u32 [%r3], %r1; bar.warp.sync 0xffffffff; ld.shared.u32 %r6, [%r5];", false},
    {"a vote is no memory barrier",
     "st.shared.u32 [%r3], %r1; vote.sync.ballot.b32 %r7, %p1, 0xffffffff;"
     "ld.shared.u32 %r6, [%r5];",
     true},
    {"one's own word", "st.shared.u32 [%r3], %r1; ld.shared.u32 %r6, [%r3];", false},
    {"write after another lane's read",
     "st.shared.u32 [%r3], %r1; bar.warp.sync 0xffffffff; ld.shared.u32 %r6, [%r5];"
     "st.shared.u32 [%r3], 1;",
     true},
    {"write after another lane's read, warp barrier",
     "st.shared.u32 [%r3], %r1; bar.warp.sync 0xffffffff; ld.shared.u32 %r6, [%r5];"
     "bar.warp.sync 0xffffffff; st.shared.u32 [%r3], 1;",
     false},
    {"volatile on both sides",
     "st.volatile.shared.u32 [%r3], %r1; ld.volatile.shared.u32 %r6, [%r5];", false},
};

/* Reads by several threads with no barrier of the CTA behind them. %p2: lane 0 of warp 0. */
const Case kSeveralReaders[] = {
    {"write among readers of one warp",
     "@%p2 st.shared.u32 [s], 5; bar.warp.sync ~0; @%p1 ld.shared.u32 %r6, [s];"
     "@%p2 st.shared.u32 [s], 6;",
     true},
    {"write among readers of one warp, warp barrier",
     "@%p2 st.shared.u32 [s], 5; bar.warp.sync ~0; @%p1 ld.shared.u32 %r6, [s];"
     "bar.warp.sync ~0; @%p2 st.shared.u32 [s], 6;",
     false},
    {"a warp barrier does not wait for another warp's readers",
     "@%p2 st.shared.u32 [s], 5; bar.sync 0; ld.shared.u32 %r6, [s]; bar.warp.sync ~0;"
     "@%p2 st.shared.u32 [s], 6;",
     true},
    {"readers again after a write",
     "@%p2 st.shared.u32 [s], 5; bar.warp.sync ~0; @%p1 ld.shared.u32 %r6, [s];"
     "bar.warp.sync ~0; @%p2 st.shared.u32 [s], 6; bar.warp.sync ~0;"
     "@%p1 ld.shared.u32 %r6, [s]; bar.warp.sync ~0; @%p2 st.shared.u32 [s], 7;",
     false},
    {"half of the readers come again, the other half is not waited for",
     "@%p2 st.shared.u32 [s], 5; bar.warp.sync ~0; @%p1 ld.shared.u32 %r6, [s];"
     "@!%p3 bra done; bar.warp.sync 0xffff; @%p1 ld.shared.u32 %r6, [s]; bar.warp.sync 0xffff;"
     "@%p2 st.shared.u32 [s], 6; done:",
     true},
    {"half of the readers come again, all are waited for",
     "@%p2 st.shared.u32 [s], 5; bar.warp.sync ~0; @%p1 ld.shared.u32 %r6, [s];"
     "@!%p3 bra done; bar.warp.sync 0xffff; @%p1 ld.shared.u32 %r6, [s];"
     "done: bar.warp.sync ~0; @%p2 st.shared.u32 [s], 6;",
     false},
    {"smaller accesses elsewhere, then in the word",
     "@%p2 st.shared.u32 [s], 5; bar.sync 0; ld.shared.u32 %r6, [s]; cvt.u16.u32 %h1, %r1;"
     "@%p2 st.shared.u8 [s+64], %h1; bar.warp.sync ~0; @%p2 st.shared.u16 [s+2], %h1;",
     true},
    {"smaller accesses elsewhere",
     "@%p2 st.shared.u32 [s], 5; bar.sync 0; ld.shared.u32 %r6, [s]; cvt.u16.u32 %h1, %r1;"
     "@%p2 st.shared.u8 [s+64], %h1; bar.warp.sync ~0; @%p2 st.shared.u16 [s+68], %h1;",
     false},
    {"lanes that share words, an access with several addresses",
     "st.shared.u32 [%r3], %r1; bar.sync 0; and.b32 %r7, %r3, 0xffffffe0;"
     "ld.shared.u32 %r6, [%r7]; bar.warp.sync ~0; @%p2 st.shared.u32 [s+160], 1;",
     true},
    {"writes of a warp that has exited",
     "st.shared.u32 [%r3], %r1; @%p1 ret; bar.sync 0; ld.shared.u32 %r6, [%r4];", true},
};

/* Warp 0 writes a word and then a flag; warp 1 waits for the flag and reads the word. */
const Case kFlags[] = {
    {"fences on both sides",
     "@!%p1 bra wait; st.shared.u32 [%r3], %r1; membar.cta; atom.shared.exch.b32 %r7, [s+256], 1;"
     "mov.u32 %r6, 0; bra done;"
     "wait: ld.volatile.shared.u32 %r7, [s+256]; setp.ne.u32 %p2, %r7, 1; @%p2 bra wait; "
     "membar.cta;"
     "ld.shared.u32 %r6, [%r4]; done:",
     false},
    {"release and acquire",
     "@!%p1 bra wait; st.shared.u32 [%r3], %r1; bar.warp.sync 0xffffffff;"
     "setp.eq.u32 %p3, %r2, 0; @%p3 st.release.cta.shared.u32 [s+256], 1; mov.u32 %r6, 0; bra done;"
     "wait: ld.acquire.cta.shared.u32 %r7, [s+256]; setp.ne.u32 %p2, %r7, 1; @%p2 bra wait;"
     "ld.shared.u32 %r6, [%r4]; done:",
     false},
    {"release without acquire",
     "@!%p1 bra wait; st.shared.u32 [%r3], %r1; bar.warp.sync 0xffffffff;"
     "setp.eq.u32 %p3, %r2, 0; @%p3 st.release.cta.shared.u32 [s+256], 1; mov.u32 %r6, 0; bra done;"
     "wait: ld.relaxed.cta.shared.u32 %r7, [s+256]; setp.ne.u32 %p2, %r7, 1; @%p2 bra wait;"
     "ld.shared.u32 %r6, [%r4]; done:",
     true},
    {"no fence before the flag",
     "@!%p1 bra wait; st.shared.u32 [%r3], %r1; atom.shared.exch.b32 %r7, [s+256], 1;"
     "mov.u32 %r6, 0; bra done;"
     "wait: ld.volatile.shared.u32 %r7, [s+256]; setp.ne.u32 %p2, %r7, 1; @%p2 bra wait; "
     "membar.cta;"
     "ld.shared.u32 %r6, [%r4]; done:",
     true},
    {"no fence after the flag",
     "@!%p1 bra wait; st.shared.u32 [%r3], %r1; membar.cta; atom.shared.exch.b32 %r7, [s+256], 1;"
     "mov.u32 %r6, 0; bra done;"
     "wait: ld.volatile.shared.u32 %r7, [s+256]; setp.ne.u32 %p2, %r7, 1; @%p2 bra wait;"
     "ld.shared.u32 %r6, [%r4]; done:",
     true},
};

std::string with_flag(const char *body) {
  return std::string("@%p1 st.volatile.shared.u32 [s+256], 0; bar.sync 0;") + body;
}

}  // namespace

Test(races_shared, between_warps) {
  for (const Case &test : kBetweenWarps) check(test);
}

Test(races_shared, within_a_warp) {
  for (const Case &test : kWithinWarp) check(test);
}

Test(races_shared, several_readers) {
  for (const Case &test : kSeveralReaders) {
    const std::string body = std::string(
                                 "setp.eq.u32 %p2, %r1, 0; setp.lt.u32 %p3, %r2, 16;"
                                 "mov.u32 %r6, 0;") +
                             test.body;
    check({test.name, body.c_str(), test.races});
  }
}

Test(races_shared, flags) {
  for (const Case &test : kFlags) {
    const std::string body = with_flag(test.body);
    check({test.name, body.c_str(), test.races});
  }
}
