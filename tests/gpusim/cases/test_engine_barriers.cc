/* Barriers, .sync instructions, forward progress, and what stops a launch. */
#include "tests/gpusim/cases/engine_case.h"

namespace gpusim::cases {
namespace {

/* Each thread stores a word that its neighbour in the next warp reads. */
const char kExchange[] = R"(
  mov.u32 %r20, word;
  shl.b32 %r3, %r32, 2;
  add.s32 %r4, %r20, %r3;
  mad.lo.s32 %r5, %r32, 3, 1;
  st.shared.u32 [%r4], %r5;
  BARRIER;
  add.s32 %r6, %r32, 32;
  rem.u32 %r6, %r6, %r31;
  shl.b32 %r6, %r6, 2;
  add.s32 %r6, %r20, %r6;
  ld.shared.u32 %r2, [%r6];
)";

WordKernel exchange(const std::string &barrier) {
  std::string body = kExchange;
  return {body.replace(body.find("BARRIER;"), 8, barrier)};
}

Test(engine_barriers, all_forms) {
  const std::string register_id = "mov.u32 %r15, 9; mov.u32 %r16, 128; ";
  for (const std::string &barrier :
       {std::string("bar.sync 0;"), std::string("bar.sync 15;"), std::string("bar.sync 3, 128;"),
        std::string("barrier.sync 1;"), std::string("barrier.sync.aligned 1, 128;"),
        std::string("bar.cta.sync 2;"), std::string("barrier.cta.sync.aligned 2;"),
        register_id + "bar.sync %r15, %r16;", register_id + "barrier.cta.sync %r15;"}) {
    expect_words(exchange(barrier), 2, 128,
                 [](uint32_t i) { return (i % 128 + 32) % 128 * 3 + 1; });
  }
}

/* Warps 0 and 1 produce and go on; warps 2 and 3 wait for them. */
Test(engine_barriers, arrive) {
  const WordKernel kernel = {R"(
  mov.u32 %r20, word;
  and.b32 %r3, %r32, 63;
  shl.b32 %r3, %r3, 2;
  add.s32 %r4, %r20, %r3;
  setp.ge.u32 %p1, %r32, 64;
  @%p1 bra consume;
  add.s32 %r2, %r32, 500;
  st.shared.u32 [%r4], %r2;
  bar.arrive 1, 128;
  bra joined;
consume:
  bar.sync 1, 128;
  ld.shared.u32 %r2, [%r4];
joined:
  add.s32 %r2, %r2, 1;
)"};
  expect_words(kernel, 2, 128, [](uint32_t i) { return i % 64 + 501; });
}

Test(engine_barriers, reductions) {
  const WordKernel kernel = {R"(
  setp.lt.u32 %p1, %r32, 50;
  bar.red.popc.u32 %r3, 0, %p1;
  bar.red.popc.u32 %r4, 0, 96, !%p1;
  bar.red.and.pred %p2, 1, %p1;
  bar.red.or.pred %p3, 1, %p1;
  barrier.red.and.pred %p4, 2, 1;
  selp.u32 %r5, 1, 0, %p2;
  selp.u32 %r6, 2, 0, %p3;
  selp.u32 %r7, 4, 0, %p4;
  or.b32 %r5, %r5, %r6;
  or.b32 %r5, %r5, %r7;
  mad.lo.u32 %r2, %r3, 100, %r4;
  mad.lo.u32 %r2, %r2, 10, %r5;
)"};
  expect_words(kernel, 2, 96, [](uint32_t) { return (50 * 100 + 46) * 10 + 6; });
}

/* Both halves of a warp come to the same barrier.sync, one after the other. */
Test(engine_barriers, barrier_of_divergent_lanes) {
  const WordKernel kernel = {R"(
  mov.u32 %r2, 1;
  and.b32 %r3, %r32, 1;
  setp.ne.s32 %p1, %r3, 0;
  @%p1 bra odd;
  barrier.sync 0;
  bra joined;
odd:
  mov.u32 %r2, 2;
  barrier.sync 0;
joined:
)"};
  expect_words(kernel, 1, 64, [](uint32_t i) { return 1 + i % 2; });
}

/* A partial warp counts as a whole one. */
Test(engine_barriers, count_of_a_partial_warp) {
  expect_words({"bar.sync 1, 64; mov.u32 %r2, 4;"}, 1, 48, [](uint32_t) { return 4; });
  expect_words({"barrier.sync 1, 64; mov.u32 %r2, 4;"}, 1, 48, [](uint32_t) { return 4; });
}

Test(engine_barriers, aligned_barrier_in_a_divergent_branch) {
  const WordKernel wrong = {R"(
  mov.u32 %r2, 1;
  setp.lt.u32 %p1, %r32, 40;
  @%p1 bra first;
  bar.sync 0;
  bra joined;
first:
  bar.sync 0;
joined:
)"};
  const Fault fault = expect_word_fault(wrong, 1, 96, FaultKind::divergent_sync);
  cr_assert_str_eq(fault.kernel.c_str(), "k");
  cr_assert_eq(fault.warp, 1);
  cr_assert(fault.lane == 0 || fault.lane == 8);
  cr_assert_str_eq(fault.instruction.c_str(), "bar.sync 0");
  const uint32_t line = line_of(wrong.text(), "bar.sync 0;");
  cr_assert(fault.ptx_line == line || fault.ptx_line == line + 3, "line %u", fault.ptx_line);
  cr_assert(fault.detail.find("0x000000ff") != std::string::npos, "%s", fault.detail.c_str());

  WordKernel right = wrong;
  right.body.replace(right.body.find("40"), 2, "32");
  expect_words(right, 1, 96, [](uint32_t) { return 1; });
}

Test(engine_barriers, deadlock) {
  const WordKernel wrong = {R"(
  mov.u32 %r2, 1;
  setp.lt.u32 %p1, %r32, 32;
  @%p1 bra first;
  bar.sync 1, 64;
  bra joined;
first:
  bar.sync 2, 64;
joined:
)"};
  const Fault fault = expect_word_fault(wrong, 1, 64, FaultKind::deadlock);
  cr_assert(fault.detail.find("warp 0") != std::string::npos);
  cr_assert(fault.detail.find("warp 1") != std::string::npos);
  cr_assert(fault.detail.find("bar.sync 2, 64") != std::string::npos, "%s", fault.detail.c_str());

  WordKernel right = wrong;
  right.body.replace(right.body.find("bar.sync 2"), 10, "bar.sync 1");
  expect_words(right, 1, 64, [](uint32_t) { return 1; });
}

Test(engine_barriers, misuse) {
  expect_word_fault({"mov.u32 %r3, 16; bar.sync %r3;"}, 1, 32, FaultKind::barrier_misuse);
  expect_word_fault({"bar.sync 0, 33;"}, 1, 64, FaultKind::barrier_misuse);
  expect_word_fault({"bar.sync 0, 128;"}, 1, 64, FaultKind::barrier_misuse);
  expect_word_fault({"bar.sync %r32;"}, 1, 32, FaultKind::barrier_misuse);
  const WordKernel counts = {R"(
  mov.u32 %r2, 1;
  shr.u32 %r3, %r32, 5;
  shl.b32 %r3, %r3, 5;
  add.s32 %r3, %r3, 64;
  bar.sync 0, %r3;
)"};
  expect_word_fault(counts, 1, 96, FaultKind::barrier_misuse);
}

Test(engine_barriers, undefined_operands) {
  expect_word_fault({"bar.sync %r3;"}, 1, 32, FaultKind::undefined);
  const Fault fault = expect_word_fault({"bar.warp.sync %r3;"}, 1, 32, FaultKind::undefined);
  cr_assert_eq(fault.lane, 0);
  expect_word_fault({"bar.red.or.pred %p1, 0, %p2;"}, 1, 32, FaultKind::undefined);
}

/* Masks that name lanes that have exited, or never existed, are legal. */
Test(engine_barriers, masks_of_exited_lanes) {
  const WordKernel kernel = {R"(
  mov.u32 %r2, 3;
  setp.gt.u32 %p1, %r32, 35;
  @%p1 exit;
  bar.warp.sync 0xffffffff;
)"};
  expect_words(kernel, 1, 50, [](uint32_t i) { return i > 35 ? 0xdeadbeefu : 3u; });
}

/* Two groups with masks of their own stand at the same instruction. */
Test(engine_barriers, masks_of_groups) {
  const WordKernel kernel = {R"(
  and.b32 %r3, %r32, 16;
  mov.u32 %r4, 0xffff;
  shl.b32 %r4, %r4, %r3;
  bar.warp.sync %r4;
  vote.sync.ballot.b32 %r2, 1, %r4;
)"};
  expect_words(kernel, 1, 32, [](uint32_t i) { return i < 16 ? 0xffffu : 0xffff0000u; });
}

Test(engine_barriers, mask_names_lanes_elsewhere) {
  const WordKernel wrong = {R"(
  mov.u32 %r2, 3;
  setp.gt.u32 %p1, %r32, 7;
  @%p1 bra others;
  bar.warp.sync 0xffffffff;
  bra joined;
others:
  bar.warp.sync 0xffffff00;
joined:
  bar.sync 0;
)"};
  const Fault fault = expect_word_fault(wrong, 1, 32, FaultKind::divergent_sync);
  cr_assert(fault.detail.find("lanes 0x000000ff") != std::string::npos, "%s", fault.detail.c_str());
  WordKernel right = wrong;
  right.body.replace(right.body.find("0xffffffff"), 10, "0x000000ff");
  expect_words(right, 1, 32, [](uint32_t) { return 3; });
}

Test(engine_barriers, mask_without_the_lane_itself) {
  const Fault fault = expect_word_fault({"bar.warp.sync 0xfffffff7; mov.u32 %r2, 0;"}, 1, 32,
                                        FaultKind::divergent_sync);
  cr_assert_eq(fault.lane, 3);
}

/* Lane 31 sets what the others wait for in a loop, and the other way round. */
Test(engine_barriers, lanes_that_spin_for_lanes) {
  for (const char *condition : {"eq", "ne"}) {
    const WordKernel kernel = {std::string(R"(
  mov.u32 %r20, word;
  mov.u32 %r2, 8;
  setp.ne.u32 %p2, %r32, 31;
  @!%p2 st.volatile.shared.u32 [word], 0;
  bar.warp.sync 0xffffffff;
  setp.)") + condition + R"(.u32 %p1, %r32, 31;
  @%p1 bra setter;
spin:
  ld.volatile.shared.u32 %r3, [word];
  setp.eq.u32 %p3, %r3, 0;
  @%p3 bra spin;
  bra joined;
setter:
  st.volatile.shared.u32 [word], 1;
joined:
)"};
    expect_words(kernel, 1, 32, [](uint32_t) { return 8; });
  }
}

/* CTA i waits for CTA i + 1, which starts later. */
Test(engine_barriers, ctas_that_spin_for_ctas) {
  const WordKernel kernel = {R"(
  add.s32 %r3, %r30, 1;
  setp.eq.u32 %p1, %r3, %nctaid.x;
  @%p1 bra joined;
spin:
  ld.volatile.global.u32 %r4, [%rd1 + 4];
  setp.eq.u32 %p3, %r4, 0xdeadbeef;
  @%p3 bra spin;
joined:
  st.volatile.global.u32 [%rd1], 8;
  exit;
)"};
  expect_words(kernel, 6, 1, [](uint32_t) { return 8; });
}

Test(engine_barriers, endless_loop) {
  const WordKernel kernel = {"loop: add.s32 %r2, %r1, 1; bra loop;"};
  const Fault fault = expect_word_fault(kernel, 1, 64, FaultKind::endless);
  cr_assert_eq(fault.ptx_line, line_of(kernel.text(), "loop:"));
  expect_word_fault({"spin: bra spin;"}, 1, 1, FaultKind::endless);
}

Test(engine_barriers, traps) {
  const Fault fault =
      expect_word_fault({"setp.eq.u32 %p1, %r1, 71; @%p1 trap;"}, 3, 32, FaultKind::trap);
  cr_assert_eq(fault.ctaid[0], 2);
  cr_assert_eq(fault.warp, 0);
  cr_assert_eq(fault.lane, 7);
  cr_assert_str_eq(fault.instruction.c_str(), "@%p1 trap");
}

Test(engine_barriers, undefined_guard) {
  const WordKernel wrong = {R"(
  mov.u32 %r2, 0;
  setp.eq.u32 %p2, %r32, 5;
  @!%p2 setp.eq.u32 %p1, %r32, 6;
  @%p1 mov.u32 %r2, 1;
)"};
  const Fault fault = expect_word_fault(wrong, 1, 32, FaultKind::undefined);
  cr_assert_eq(fault.lane, 5);
  cr_assert_str_eq(fault.instruction.c_str(), "@%p1 mov.u32 %r2, 1");
  WordKernel right = wrong;
  right.body.insert(0, "setp.eq.u32 %p1, %r32, 32;");
  expect_words(right, 1, 32, [](uint32_t i) { return i == 6 ? 1 : 0; });
}

}  // namespace
}  // namespace gpusim::cases
